"""Verbs on a run that the journal knows: verify, roll back, resume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from remediation.engine.consent import require_attended
from remediation.engine.identity import require_same_target
from remediation.engine.outcome import Outcome
from remediation.engine.resuming import resume_plan, resume_run
from remediation.engine.rollback import nothing_to_undo, rollback_plan, rollback_run
from remediation.engine.run import Run
from remediation.engine.verify import verify_run
from remediation.model.commands import command
from remediation.model.diffing import State
from remediation.model.errors import Refused, Unreadable
from remediation.model.targets import Target
from remediation.verbs.place import Place
from remediation.verbs.running import OnUnhealthy, decision

if TYPE_CHECKING:
    from remediation.journal import Journal
    from remediation.verbs.api import RunApi
    from remediation.verbs.observing import Observer

# Asked right before anything is written.
Confirm = Callable[[], bool]


@dataclass(frozen=True)
class Recorded:
    """A run on its target.

    Attributes:
        run: as the journal tells it.
        target: where it was made, and is now worked on.
        api: the clients.
        caution: what could not be looked at to know that it is the same target; empty when all could.
    """

    place: Place
    run: Run
    target: Target
    api: RunApi
    caution: str = ""

    def verify(self, within: float) -> Outcome:
        """Prove again that the symptom is gone; ``within`` caps the seconds to wait for each check. Read only.

        Raises:
            Refused: the run was rolled back.
        """
        if self.run.status == "rolled_back":
            raise Refused(
                f"run {self.run.id} was rolled back, so its fix is not in place",
                "",
                command("runbook", "diagnose", self.run.name),
            )
        return verify_run(self.run, self.api, self._observer, within)

    def nothing_to_undo(self) -> Outcome | None:
        """Return the end of a rollback that has nothing to do, None when there is something."""
        return nothing_to_undo(self.run)

    def rollback_plan(self) -> State:
        """Return what a rollback would change and check, see `remediation.engine.rollback.rollback_plan`."""
        return rollback_plan(self.run, self.api)

    def rollback(self, confirm: Confirm | None = None, wait: float | None = None) -> Outcome:
        """Undo exactly what the run changed, unless somebody has changed the same field since.

        Args:
            confirm: asked before anything is written; None where nobody has to be.
            wait: how many seconds to wait for other runs on the same objects.

        Raises:
            Refused: it is not confirmed, or the store is paused.
            Drifted, Irreversible, Locked: as `remediation.engine.rollback.rollback_run`.
        """
        self._permitted(confirm)
        return rollback_run(self.run, self.api, self._observer, wait)

    def resume_plan(self) -> State:
        """Return what a resume would still change and check, see `remediation.engine.resuming.resume_plan`."""
        return resume_plan(self.run, self.api)

    def resume(
        self, confirm: Confirm | None = None, on_unhealthy: OnUnhealthy = "keep", wait: float | None = None
    ) -> Outcome:
        """Finish the run; what it did already is not done again. Arguments and errors are those of `rollback`.

        ``on_unhealthy`` says what to do when the proof fails, or who is asked whether to roll back.
        """
        if not self.place.settings.attended:
            require_attended(self.run)
        self._permitted(confirm)
        return resume_run(self.run, self.api, self._observer, decision(on_unhealthy), wait)

    @property
    def _observer(self) -> Observer:
        return self.place.observer.about(run_id=self.run.id)

    def _permitted(self, confirm: Confirm | None) -> None:
        self.place.require_unpaused()
        if confirm is not None and not confirm():
            raise Refused("not confirmed", "nothing was changed", command("runbook", "runs"))


def reached(place: Place, run: Run) -> Recorded:
    """Return a run with the clients for its target, which ``place`` names; raises Refused on another cluster or project."""
    target = place.target(run.target_kind)
    api = place.api(target)
    caution = require_same_target(run, target, api, by_address=not place.settings.rehearsal)
    run.work_as(place.settings.about())
    return Recorded(place, run, target, api, caution)


def last_change(journal: Journal) -> tuple[str, str]:
    """Return the last run that has changed anything, and the newest of all; raises Refused where there is none."""
    newest = journal.find("last")
    begun = (found for found in journal.with_entry("change.intended") if _has_begun(journal, found))
    return next(begun, newest), newest


def _has_begun(journal: Journal, run_id: str) -> bool:
    """Tell whether a run has changed anything; one that cannot be read may have."""
    try:
        return Run.load(journal, run_id).begun
    except Unreadable:
        return True
