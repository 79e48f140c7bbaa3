"""Carry out the operations of a run: journal the intent, write the smallest change, wait for the proof."""

from __future__ import annotations

from typing import TypeVar

from tenacity import Retrying

from remediation.engine.asking import Observer, result, wait_for
from remediation.engine.drift import as_written, drift, foreign, in_the_way, is_gone
from remediation.engine.moved import from_before
from remediation.engine.operations import Operation
from remediation.engine.run import Run
from remediation.model.api import Api
from remediation.model.changes import Change, Intent, Seen, Written
from remediation.model.commands import command
from remediation.model.diffing import State
from remediation.model.errors import (
    Ambiguous,
    Conflict,
    LockLost,
    RunbookError,
    StalePlan,
    Throttled,
    Unhealthy,
    Unproven,
)
from remediation.model.steps import Resource

T = TypeVar("T")
_ATTEMPTS = 6
_LOOKS = 3


def patiently(api: Api) -> Retrying:
    """Return the retry loop for writes whose fate can be established: throttled ones, and ambiguous ones after a look."""
    loop: Retrying = api.patience.retrying(Throttled, Ambiguous, attempts=_ATTEMPTS)
    return loop


class Executor:
    """Carry out and undo operations of one run."""

    def __init__(self, run: Run, api: Api, observer: Observer) -> None:
        self.run, self.api, self.observer = run, api, observer
        self.results: list[State] = []
        self.put_back = 0  # how many changes were there to be undone, and are
        self._made: dict[int, Written] = {}
        self._in_doubt, self._intent = False, Intent()
        self.passed = {event.payload["index"] for event in run.journal.events(run.id, "check.passed")}

    def carry_out(self, first: int = 0) -> None:
        """Do every operation from ``first`` on that is not done yet; raises Unhealthy, StalePlan or an ApiError."""
        for index, operation in enumerate(self.run.operations):
            if index < first:
                continue
            if operation.kind == "change":
                self._change(index, operation)
            elif operation.kind in ("restore", "undo"):
                self.undo(operation.of)
            else:
                self._ensure(index, operation)

    def _change(self, index: int, operation: Operation) -> None:
        resource, change = parts(operation)
        progress = self.run.progress_of(index)
        if progress not in ("untouched", "intended"):
            return
        self.observer.changing(change)
        self._in_doubt = progress == "intended"
        try:
            self._made[index] = self._begun(index, resource, change) or self._begin(index, resource, change)
            self.run.done(index, self._made[index])
        except RunbookError:
            if not self._in_doubt and self.run.progress_of(index) == "intended":
                self.run.withdraw(index)
            raise

    def _begun(self, index: int, resource: Resource, change: Change) -> Written | None:
        """Return what the write of an earlier process has left, None when there is no sign of one."""
        if not self._in_doubt:
            return None
        self._intent = self.run.intents[index]
        try:
            return patiently(self.api)(resource.settle, self.api, change, self.run.id, self._intent)
        except Conflict as problem:
            raise self._stale(change, problem.summary) from problem

    def _begin(self, index: int, resource: Resource, change: Change) -> Written:
        """Write ahead, also when it was begun before: what a later process finds was made after what is seen now."""
        in_doubt = self._in_doubt
        seen = Seen(None, self.api.now()) if resource.nothing_to_undo else resource.look(self.api)
        if not resource.nothing_to_undo and (drifted := resource.drifted(change, seen)):
            why = from_before(change, seen.state) or f"it was changed at {', '.join(drifted)}"
            return self._settled_or_stale(resource, change, in_doubt, why)
        self.run.intend(index, seen)
        self._intent = self.run.intents[index]
        return self._certain(resource, change, in_doubt=in_doubt)

    def _certain(self, resource: Resource, change: Change, *, in_doubt: bool, identity: str = "") -> Written:
        """Write until it is certain that the change is in place; an unanswered write is looked at before it is repeated."""
        self._in_doubt = in_doubt
        try:
            return patiently(self.api)(self._once, resource, change, identity)
        except Conflict as problem:
            return self._settled_or_stale(resource, change, in_doubt, problem.summary)

    def _settled_or_stale(self, resource: Resource, change: Change, in_doubt: bool, why: str) -> Written:
        """Return what the write of an earlier process has left in the meantime; raises StalePlan when it was not ours."""
        try:
            settled = resource.settle(self.api, change, self.run.id, self._intent) if in_doubt else None
        except Conflict:
            settled = None
        if settled is None:
            raise self._stale(change, why)
        return settled

    def _stale(self, change: Change, why: str) -> StalePlan:
        after = command("runbook", "diagnose", self.run.name)
        return StalePlan(f"{change.address} is no longer as the plan saw it", why, after)

    def _once(self, resource: Resource, change: Change, identity: str) -> Written:
        if not resource.ephemeral or change.action != "delete":
            self.api.still_locked()  # a key that only this process knows is nobody else's business
        settled = resource.settle(self.api, change, self.run.id, self._intent) if self._in_doubt else None
        if settled is not None:
            return settled
        # Between the request and its answer nobody knows; only a definite answer ends the doubt.
        self._in_doubt = True
        try:
            return resource.write(self.api, change, self.run.id, identity)
        except RunbookError as problem:
            self._in_doubt = isinstance(problem, Ambiguous | LockLost)
            raise

    def undo(self, index: int) -> None:
        """Put one change back exactly; raises Drifted when somebody else has changed it since."""
        progress = self.run.progress_of(index)
        if self.run.is_untouched(index):
            return None
        resource, change = parts(self.run.operations[index])
        self._intent = self.run.intents[index]
        written = None if resource.nothing_to_undo else self._landed(index, resource, change)
        if written is None and progress == "intended" and not resource.nothing_to_undo:
            resource.outdate(self.api)  # a write that nobody has seen land may still be on its way
            written = self._landed(index, resource, change)  # or have come while it was given up
        if written is None:
            return self.run.undone(index)
        reverse = as_written(change, written).reverse()
        if progress != "undoing":
            self.run.intend_undo(index)
        self.observer.changing(reverse)
        self._put_back(resource, reverse, written, in_doubt=progress == "undoing")
        self.put_back += 1
        return self.run.undone(index)

    def discard(self, index: int) -> None:
        """Take away what a change made, without a word in the journal: it may be the journal that fails."""
        resource, change = parts(self.run.operations[index])
        written = self._made.get(index) or self.run.written.get(index)
        if written is None:
            return
        reverse = as_written(change, written).reverse()
        if not reverse.landed(resource.read(self.api)):
            resource.write(self.api, reverse, self.run.id, written.identity)
        self.run.progress[index] = "undone"  # known to this process only

    def has_made(self, index: int) -> bool:
        """Tell whether a change is in place, also when the journal could not be told so."""
        return index in self._made or self.run.progress_of(index) == "done"

    def _landed(self, index: int, resource: Resource, change: Change) -> Written | None:
        """Return what the change left; a write that was only intended is looked at first."""
        if index in self.run.written:
            return self.run.written[index]
        try:
            return resource.settle(self.api, change, self.run.id, self._intent)
        except Conflict as problem:
            raise foreign(change.address, problem, self.run.id) from problem

    def _put_back(self, resource: Resource, reverse: Change, written: Written, *, in_doubt: bool) -> None:
        """Write the reverse; a conflict over fields that are not ours is looked at again, for nobody may stay cordoned by it."""
        conflict: StalePlan | None = None
        for _ in range(_LOOKS):
            seen = resource.look(self.api)
            if is_gone(reverse, written, seen):
                return
            if drifted := in_the_way(resource, reverse, written, seen):
                raise drift(reverse.address, drifted, self.run.id)
            try:
                self._certain(resource, reverse, in_doubt=in_doubt, identity=written.identity)
            except StalePlan as problem:
                conflict = problem
            else:
                return
        raise drift(reverse.address, [conflict.detail if conflict else ""], self.run.id)

    def _ensure(self, index: int, operation: Operation) -> None:
        ensure = operation.ensure
        if ensure is None or (index in self.passed and not ensure.always):
            return
        verdict = wait_for(ensure, self.api, self.observer)
        self.api.still_locked()
        self.results.append(result(ensure, verdict))
        if verdict.status == "ok":
            self.run.note("check.passed", {"index": index, "check": ensure.check.description, "detail": verdict.detail})
        elif verdict.status == "failing" or ensure.check.required:
            kind = Unhealthy if verdict.status == "failing" else Unproven
            raise kind(
                f"not proven: {ensure.check.description}",
                verdict.detail,
                (command("runbook", "verify", self.run.id), command("runbook", "rollback", self.run.id)),
            )


def parts(operation: Operation) -> tuple[Resource, Change]:
    """Return the resource and the change of an operation that has them."""
    if operation.resource is None or operation.change is None:
        raise AssertionError("a change operation has a resource and a change")
    return operation.resource, operation.change
