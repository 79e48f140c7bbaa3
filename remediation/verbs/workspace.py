"""Every verb as a method: for notebooks, services and the command line. Nothing here prints, asks or exits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remediation.verbs.place import Place
from remediation.verbs.settings import Sandbox, Settings

if TYPE_CHECKING:
    from remediation.access.stopping import Stop
    from remediation.catalogue.runbook import Runbook
    from remediation.engine.consent import Consent
    from remediation.engine.outcome import Outcome
    from remediation.engine.run import Run
    from remediation.model.diffing import State
    from remediation.verbs.diagnosing import Diagnosis
    from remediation.verbs.doctor import Answer
    from remediation.verbs.history import Audit, Record
    from remediation.verbs.observing import Observer
    from remediation.verbs.planned import Planned
    from remediation.verbs.recorded import Confirm, Recorded
    from remediation.verbs.request import Request
    from remediation.verbs.rights import Rights
    from remediation.verbs.running import Approval, OnUnhealthy


class Workspace(Place):
    """A place to work, and every verb on it. What a verb needs is loaded when it is called.

    It serves one thread. Runs that go on at once in one process have a workspace each; clients, locks, secrets, warnings
    and the token are then each its own, and they may have one journal.

    A verb raises an error of `remediation.model.errors` where nothing was begun; once a run is recorded, its outcome
    has the error.
    """

    def __enter__(self) -> Workspace:
        """Return itself."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Close the journal, if anything has opened it."""
        if "journal" in vars(self):
            self.journal.close()

    @classmethod
    def of_sandbox(
        cls, sandbox: Sandbox, observer: Observer | None = None, stop: Stop | None = None, **more: Any
    ) -> Workspace:
        """Return a workspace on a running sandbox; ``more`` are other `Settings`."""
        return cls(Settings.of_sandbox(sandbox, **more), observer, stop)

    def diagnose(self, *names: str) -> list[Diagnosis]:
        """Look for every fault that a runbook can fix, or for those of the named runbooks. Read only.

        Raises:
            UsageProblem: there is no such runbook.
            Refused: the cluster cannot be reached with these settings.
        """
        from remediation.catalogue import loading  # noqa: PLC0415 - each verb loads what it needs
        from remediation.verbs.diagnosing import diagnoses  # noqa: PLC0415

        return list(diagnoses(self, loading.chosen(*names), named=bool(names)))

    def doctor(self) -> list[Answer]:
        """Answer whether this machine can reach the target, as whom, with which versions, clock and rights. Read only."""
        from remediation.verbs.doctor import answers  # noqa: PLC0415

        return list(answers(self))

    def rights(self, runbook: str, user: str | None = None, **parameters: Any) -> Rights:
        """Return the least rights that a runbook takes, with these parameters and with bindings to a user.

        Raises:
            UsageProblem: there is no such runbook.
        """
        from remediation.catalogue import loading  # noqa: PLC0415
        from remediation.verbs.rights import rights_of  # noqa: PLC0415

        book, known = loading.find(runbook), self.settings.known
        target = book.target(project=known("project"), location=known("location"), cluster=known("cluster"))
        return rights_of(book, target, book.values(parameters), user)

    def plan(
        self, runbook: str, consent: Consent | None = None, *, accept_drift: bool = False, **parameters: Any
    ) -> Planned:
        """Return exactly what a run would change. Writes nothing.

        Args:
            runbook: its name or id.
            consent: what cannot be undone, or endangers others, and is accepted by name.
            accept_drift: change objects that another controller owns.
            parameters: of the runbook, as texts or parsed; one that is repeatable as a list.

        Raises:
            UsageProblem: there is no such runbook, or a parameter is not acceptable.
            Refused, NotApplicable, ApiError: as the runbook and the APIs say.
        """
        from remediation.catalogue import loading  # noqa: PLC0415
        from remediation.verbs.request import parsed  # noqa: PLC0415

        book = loading.find(runbook)
        return self.preview(self.request(book, parsed(book, parameters), consent, accept_drift=accept_drift))

    def request(
        self, book: Runbook, values: dict[str, Any], consent: Consent | None = None, *, accept_drift: bool = False
    ) -> Request:
        """Return a request for a runbook with these parameters, parsed, which is then planned one or more times."""
        from remediation.engine.consent import Consent  # noqa: PLC0415
        from remediation.verbs.request import Request  # noqa: PLC0415

        return Request(book, values, accept_drift, consent=consent or Consent(), material=self.material())

    def preview(self, request: Request) -> Planned:
        """Return the plan for a request, see `remediation.verbs.planned.preview`."""
        from remediation.verbs import planned  # noqa: PLC0415

        return planned.preview(self, request)

    def ready(self, request: Request, wait: float | None = None) -> Planned:
        """Return a plan that is to be carried out now, see `remediation.verbs.planned.ready`."""
        from remediation.verbs import planned  # noqa: PLC0415

        return planned.ready(self, request, wait)

    def run(
        self, plan: Planned, approved: Approval, on_unhealthy: OnUnhealthy = "keep", wait: float | None = None
    ) -> Outcome:
        """Carry out an approved plan after another look, see `remediation.verbs.running.run`."""
        from remediation.verbs import running  # noqa: PLC0415

        return running.run(self, plan, approved, on_unhealthy, wait)

    def carry_out(self, plan: Planned, on_unhealthy: OnUnhealthy = "keep", wait: float | None = None) -> Outcome:
        """Carry out a plan that was made this moment, see `remediation.verbs.running.carry_out`."""
        from remediation.verbs import running  # noqa: PLC0415

        return running.carry_out(self, plan, on_unhealthy, wait)

    def load(self, run_id: str) -> Run:
        """Return a run as the journal tells it; ``run_id`` is an id, the start of one, or ``last``.

        Raises:
            Refused: the journal does not have it, or it cannot be read.
        """
        from remediation.engine.run import Run  # noqa: PLC0415

        return Run.load(self.journal, run_id)

    def at(self, run: Run) -> Workspace:
        """Return the workspace on the target of a run: what the settings do not name, its record does."""
        found = Workspace(self.settings.at(run.created["target"]), self.observer, self._stop)
        found.journal = self.journal
        return found

    def recorded(self, run: Run) -> Recorded:
        """Return a run with the clients for its target; raises Refused where this workspace is on another one."""
        from remediation.verbs import recorded  # noqa: PLC0415

        return recorded.reached(self, run)

    def verify(self, run_id: str, within: float = 30) -> Outcome:
        """Prove again that the symptom of a run is gone, see `Recorded.verify`."""
        return self._reached(run_id).verify(within)

    def rollback(self, run_id: str, confirm: Confirm | None = None, wait: float | None = None) -> Outcome:
        """Undo exactly what a run changed, see `Recorded.rollback`."""
        found = self._reached(run_id)
        return found.nothing_to_undo() or found.rollback(confirm, wait)

    def resume(
        self,
        run_id: str,
        confirm: Confirm | None = None,
        on_unhealthy: OnUnhealthy = "keep",
        wait: float | None = None,
    ) -> Outcome:
        """Finish a run that was interrupted, see `Recorded.resume`."""
        return self._reached(run_id).resume(confirm, on_unhealthy, wait)

    def _reached(self, run_id: str) -> Recorded:
        run = self.load(run_id)
        found = self.at(run).recorded(run)
        if found.caution:
            self.observer.warning(found.caution)
        return found

    def last_change(self) -> tuple[str, str]:
        """Return the last run that has changed anything, and the newest of all; raises Refused where there is none."""
        from remediation.verbs import recorded  # noqa: PLC0415

        return recorded.last_change(self.journal)

    def left_half_way(self, *names: str) -> list[Run]:
        """Return the runs that were left half-way on the targets of these runbooks, or of all, that are named here."""
        from remediation.catalogue import loading  # noqa: PLC0415
        from remediation.verbs.diagnosing import left_half_way  # noqa: PLC0415

        return left_half_way(self, loading.chosen(*names))

    def coordinates(self, *names: str) -> dict[str, str]:
        """Return the coordinates of the targets of these runbooks, or of all, that are named here."""
        from remediation.catalogue import loading  # noqa: PLC0415
        from remediation.verbs.diagnosing import coordinates  # noqa: PLC0415

        return coordinates(self, loading.chosen(*names))

    def runs(self, most: int | None = None) -> list[State]:
        """Return the newest runs, or all, newest first, each as a document."""
        from remediation.verbs import history  # noqa: PLC0415

        return history.runs(self.journal, most)

    def record(self, run_id: str) -> Record:
        """Return one run with everything it did; raises Refused where there is none."""
        from remediation.verbs import history  # noqa: PLC0415

        return history.record(self.journal, run_id)

    def audit(self, anchor: str = "") -> Audit:
        """Look at every entry of the journal; raises Tampered where it is not as it was written, or lacks a kept anchor."""
        from remediation.verbs import history  # noqa: PLC0415

        return history.audit(self.journal, anchor)

    def pause(self, reason: str) -> bool:
        """Refuse every run, resume and rollback on this journal until `unpause`; tell whether it was paused before."""
        from remediation.verbs import history  # noqa: PLC0415

        return history.pause(self, reason)

    def unpause(self) -> bool:
        """Allow runs again; tell whether it was paused."""
        from remediation.verbs import history  # noqa: PLC0415

        return history.pause(self, "")
