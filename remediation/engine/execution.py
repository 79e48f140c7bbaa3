"""Carry out the operations of a run: journal the intent, write the smallest change, wait for the proof."""

from __future__ import annotations

from remediation.engine.asking import Observer, result, wait_for
from remediation.engine.awaiting import record_failure
from remediation.engine.collecting import collect
from remediation.engine.drift import as_written, drift, foreign, in_the_way, is_gone
from remediation.engine.operations import Operation, parts
from remediation.engine.run import Run
from remediation.engine.writing import Writing
from remediation.journal import artefacts
from remediation.model.api import Api
from remediation.model.artefacts import Collect
from remediation.model.changes import Change, Written
from remediation.model.commands import command
from remediation.model.diffing import State
from remediation.model.errors import Conflict, OperationFailed, RunbookError, StalePlan, Unhealthy, Unproven
from remediation.model.references import references
from remediation.model.steps import Resource

_LOOKS = 3


class Executor:
    """Carry out and undo operations of one run."""

    def __init__(self, run: Run, api: Api, observer: Observer) -> None:
        self.run, self.api, self.observer = run, api, observer
        self.results: list[State] = []
        self.missed: list[str] = []
        self.put_back = 0  # how many changes were there to be undone, and are
        self._made: dict[int, Written] = {}
        self.passed = {event.payload["index"] for event in run.journal.events(run.id, "check.passed")}
        self.collected = {event.payload["index"] for event in run.journal.events(run.id, artefacts.KEPT)}

    def carry_out(self, first: int = 0) -> None:
        """Do every operation from ``first`` on that is not done yet; raises Unhealthy, StalePlan or an ApiError."""
        for index, operation in enumerate(self.run.operations):
            if index < first:
                continue
            if operation.kind == "change":
                self._change(index, operation)
            elif operation.kind in ("restore", "undo"):
                self.undo(operation.of)
            elif operation.collect is not None:
                self._collect(index, operation.collect)
            else:
                self._ensure(index, operation)

    def _change(self, index: int, operation: Operation) -> None:
        resource, change = parts(operation)
        if self.run.progress_of(index) not in ("untouched", "intended"):
            return
        self.api.stop.check()
        for unknown in references((resource, change)):
            raise StalePlan(f"{unknown.address} does not say {unknown.pointer}", f"{change.address} is made of it")
        self.observer.changing(change)
        writing = self._writing(index, resource, change)
        try:
            self._made[index] = writing.begun() or writing.begin()
            self.run.done(index, self._made[index])
        except OperationFailed as problem:
            record_failure(self.run, self.api, index, problem)
            raise
        except RunbookError:
            if not writing.in_doubt and self.run.progress_of(index) == "intended":
                self.run.withdraw(index)
            raise

    def _writing(self, index: int, resource: Resource, change: Change, *, undoing: bool = False) -> Writing:
        return Writing(self.run, self.api, self.observer, index, resource, change, undoing=undoing)

    def _collect(self, index: int, step: Collect) -> None:
        if index not in self.collected and (missed := collect(self.run, self.api, index, step)):
            self.missed.append(missed)

    def undo(self, index: int) -> None:
        """Put one change back exactly; raises Drifted when somebody else has changed it since."""
        progress = self.run.progress_of(index)
        if self.run.is_untouched(index):
            return None
        resource, change = parts(self.run.operations[index])
        written = None if resource.nothing_to_undo else self._landed(index, resource, change)
        if written is None and progress == "intended" and not resource.nothing_to_undo:
            resource.outdate(self.api)  # a write that nobody has seen land may still be on its way
            written = self._landed(index, resource, change)  # or have come while it was given up
        if written is None:
            return self.run.undone(index)
        reverse = as_written(change, written).reverse()
        writing = self._writing(index, resource, reverse, undoing=True)
        if progress != "undoing":
            self.run.intend_undo(index, *writing.undo_marks)
        self.observer.changing(reverse)
        self._put_back(writing, written)
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
            return self._writing(index, resource, change).settle()
        except OperationFailed as problem:
            record_failure(self.run, self.api, index, problem)
            return self.run.written.get(index)
        except Conflict as problem:
            raise foreign(change.address, problem, self.run.id) from problem

    def _put_back(self, writing: Writing, written: Written) -> None:
        """Write the reverse; a conflict over fields that are not ours is looked at again, for nobody may stay cordoned by it."""
        conflict: StalePlan | None = None
        resource, reverse = writing.resource, writing.change
        for _ in range(_LOOKS):
            seen = resource.look(self.api)
            if is_gone(reverse, written, seen):
                return
            if drifted := in_the_way(resource, reverse, written, seen):
                raise drift(reverse.address, drifted, self.run.id)
            try:
                writing.certain(written.identity)
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
