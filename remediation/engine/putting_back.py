"""Put back what a run has changed: the temporary parts first, then what the runbook's own undo wants, then the rest."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from remediation.engine.allowed import undo_operations
from remediation.engine.drift import reverse_of
from remediation.engine.execution import Executor
from remediation.engine.run import Run
from remediation.model.api import Api
from remediation.model.errors import RunbookError, StoreProblem


def put_back(run: Run, executor: Executor) -> None:
    """Undo everything that a run has changed, the last change first; raises what stops it."""
    restore_temporary(run, executor)
    _require_reversible(run, executor.api)
    if not run.undo_planned and (operations := undo_operations(run, executor.api)):
        run.plan_undo(operations)
        executor.api.lock_too(run.scopes, run.holder)
    try:
        executor.carry_out(run.first_undo)
    except StoreProblem:
        raise
    except RunbookError:
        restore_temporary(run, executor)
        raise
    undo_all(run, executor)


def _require_reversible(run: Run, api: Api) -> None:
    """Raise Irreversible while a change is in place that cannot be put back; one that never happened is in nobody's way."""
    for index, item in enumerate(run.operations):
        if item.change and not item.change.reversible:
            reverse_of(run, index, api)


def restore_temporary(run: Run, executor: Executor) -> None:
    """Put back what was changed only for as long as the run lasts; one that cannot be does not keep the others."""
    _each(executor, [item.of for item in run.operations if item.kind == "restore"])


def undo_all(run: Run, executor: Executor) -> None:
    """Put every change back, the last one first.

    After an error only what must not stay is still put back: a key that is alive, a node that is cordoned.
    """
    changes = [index for index in reversed(range(len(run.operations))) if run.operations[index].kind == "change"]
    for position, index in enumerate(changes):
        try:
            executor.undo(index)
        except StoreProblem:
            raise
        except RunbookError:
            _each(executor, [other for other in changes[position + 1 :] if _must_go(run, other)], quietly=True)
            raise


def _each(executor: Executor, indexes: Iterable[int], *, quietly: bool = False) -> None:
    problems = []
    for index in indexes:
        try:
            executor.undo(index)
        except StoreProblem:
            raise
        except RunbookError as problem:
            problems.append(problem)
    if problems and not quietly:
        raise problems[0]


def let_go(run: Run, executor: Executor) -> None:
    """Take back what must not stay, the last one first, where the journal cannot be told: it cannot be written."""
    for index in reversed(range(len(run.operations))):
        # A key that the next change has put where it belongs is used there.
        if _must_go(run, index) and executor.has_made(index) and not _is_used(run, executor, index):
            with suppress(Exception):  # that the journal fails is what is told
                executor.discard(index)


def _is_used(run: Run, executor: Executor, index: int) -> bool:
    resource = run.operations[index].resource
    return bool(resource and resource.ephemeral) and executor.has_made(index + 1)


def _must_go(run: Run, index: int) -> bool:
    change, resource = run.operations[index].change, run.operations[index].resource
    return bool(change and change.temporary) or bool(resource and resource.ephemeral)
