"""One write of a run, until it is certain whether it is in place."""

from __future__ import annotations

import time

from remediation.engine.asking import Observer
from remediation.engine.long_write import LongWrite, patiently, pauses
from remediation.engine.moved import from_before
from remediation.engine.run import Run
from remediation.engine.still_wanted import refuse_outdated
from remediation.model.api import Api
from remediation.model.changes import Change, Intent, Seen, Written
from remediation.model.commands import command
from remediation.model.errors import Ambiguous, Conflict, Interrupted, Occupied, RunbookError, StalePlan
from remediation.model.long_writes import LongWrites
from remediation.model.steps import Resource

# How long something else may go on where a change is to be made: GKE upgrades a node pool in that time.
OCCUPIED_SECONDS = 1800.0


class Writing:
    """The change of one operation of a run, or its undo.

    Attributes:
        in_doubt: whether a request is on its way, or was, whose fate nobody knows.
    """

    def __init__(
        self, run: Run, api: Api, observer: Observer, index: int, resource: Resource, change: Change, *, undoing: bool
    ) -> None:
        self.run, self.api, self.observer = run, api, observer
        self.index, self.resource, self.change, self.undoing = index, resource, change, undoing
        self.in_doubt = self._began = run.progress_of(index) == ("undoing" if undoing else "intended")
        self._long = LongWrite(run, api, index, resource, change, undoing) if isinstance(resource, LongWrites) else None

    @property
    def _intent(self) -> Intent:
        return self.run.intents.get(self.index, Intent())

    @property
    def undo_marks(self) -> tuple[float, str]:
        """The API's clock and the token by which an undo is found again that the API carries out as an operation."""
        return (self.api.now(), self._long.token) if self._long else (0.0, "")

    def begun(self) -> Written | None:
        """Return what the write of an earlier process has left, None when there is no sign of one."""
        if not self._began:
            return None
        try:
            return patiently(self.api)(self.settle)
        except Conflict as problem:
            raise self._stale(problem.summary) from problem

    def settle(self) -> Written | None:
        """Return what a write has left whose answer is not known, None where there is no sign of one; an operation is waited for."""
        if self._long:
            return self._long.landed(self.observer)
        return self.resource.settle(self.api, self.change, self.run.id, self._intent)

    def begin(self) -> Written:
        """Write ahead, also when it was begun before: what a later process finds was made after what is seen now."""
        resource, change = self.resource, self.change
        seen = Seen(None, self.api.now()) if resource.nothing_to_undo else resource.look(self.api)
        if not resource.nothing_to_undo and (drifted := resource.drifted(change, seen)):
            why = from_before(change, seen.state) or f"it was changed at {', '.join(drifted)}"
            return self._settled_or_stale(why)
        self.run.intend(self.index, seen, self._long.token if self._long else "")
        return self.certain()

    def certain(self, identity: str = "") -> Written:
        """Write until it is certain that the change is in place; an unanswered write is looked at before it is repeated."""
        self.in_doubt = self._began
        try:
            return self._when_free(identity)
        except Conflict as problem:
            return self._settled_or_stale(problem.summary)

    def _when_free(self, identity: str) -> Written:
        """Write as soon as nothing else goes on there; by then the change has to be wanted still."""
        started, waited = time.monotonic(), 0.0
        for pause in pauses():
            try:
                self._refuse_outdated_after(waited)
                return patiently(self.api)(self._once, identity)
            except Occupied as problem:
                waited = time.monotonic() - started
                if waited >= OCCUPIED_SECONDS:
                    problem.detail = f"{problem.detail}; still so after {waited:.0f} s".removeprefix("; ")
                    raise
                self.observer.held_up(problem.summary, waited, OCCUPIED_SECONDS)
                self.api.stop.wait(max(pause, problem.retry_after))
        raise AssertionError("there is always another pause")

    def _refuse_outdated_after(self, waited: float) -> None:
        """Look again at what the runbook wants after a wait for somebody else: they may have changed what it builds on."""
        if waited and not self.undoing:
            refuse_outdated(self.run, self.api, lambda index: index != self.index)

    def _settled_or_stale(self, why: str) -> Written:
        """Return what the write of an earlier process has left in the meantime; raises StalePlan when it was not ours."""
        try:
            settled = self.settle() if self._began else None
        except Conflict:
            settled = None
        if settled is None:
            raise self._stale(why)
        return settled

    def _stale(self, why: str) -> StalePlan:
        after = command("runbook", "diagnose", self.run.name)
        return StalePlan(f"{self.change.address} is no longer as the plan saw it", why, after)

    def _once(self, identity: str) -> Written:
        if not self.resource.ephemeral or self.change.action != "delete":
            self.api.still_locked()  # a key that only this process knows is nobody else's business
        settled = self.settle() if self.in_doubt else None
        if settled is not None:
            return settled
        # Between the request and its answer nobody knows; only a definite answer ends the doubt.
        doubt, self.in_doubt = self.in_doubt, True
        try:
            if self._long is None:
                return self.resource.write(self.api, self.change, self.run.id, identity)
            name = self._long.submit()
        except RunbookError as problem:
            # What occupies the place may be our own, which is not listed yet.
            self.in_doubt = isinstance(problem, Ambiguous | Interrupted) or (doubt and isinstance(problem, Occupied))
            raise
        return self._long.follow(name, self.observer)
