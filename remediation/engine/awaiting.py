"""Wait for the operations that earlier processes of a run have submitted, and record how each ended."""

from __future__ import annotations

from contextlib import suppress

from remediation.engine.asking import Observer
from remediation.engine.drift import as_written
from remediation.engine.long_write import LongWrite
from remediation.engine.operations import parts
from remediation.engine.run import Run
from remediation.model.api import Api
from remediation.model.errors import Conflict, OperationFailed
from remediation.model.long_writes import LongWrites


def record_failure(run: Run, api: Api, index: int, problem: OperationFailed) -> None:
    """Record that an operation failed, with what it has left; where others have written too, it stays to be looked at."""
    resource, change = parts(run.operations[index])
    try:
        left = resource.left(api, change) if isinstance(resource, LongWrites) else None
    except Conflict as mixed:
        problem.detail = "; ".join(filter(None, (problem.detail, mixed.summary)))
        return
    if left is None:
        run.withdraw(index)
    else:
        run.fail(index, problem.summary, left)


def await_operations(run: Run, api: Api, observer: Observer) -> OperationFailed | None:
    """Wait for every operation that was submitted and not ended; returns why the first change failed, None where none did."""
    failed = None
    for index in range(len(run.operations)):
        try:
            with suppress(Conflict):  # whoever looks at the change next says what others have made of it
                _await(run, api, observer, index)
        except OperationFailed as problem:
            record_failure(run, api, index, problem)
            failed = failed or problem
    return failed


def _await(run: Run, api: Api, observer: Observer, index: int) -> None:
    if (long := long_write(run, api, index)) is None:
        return
    if not long.undoing:
        if (written := long.landed(observer)) is not None:
            run.done(index, written)
        return
    try:
        long.landed(observer)
    except OperationFailed as problem:
        api.patience.say(f"{problem.summary}: the undo of {long.change.address} is begun again")
        run.withdraw_undo(index)


def is_underway(run: Run, index: int, api: Api) -> bool:
    """Tell whether an operation of the API was submitted and has not ended. Only reads."""
    long = long_write(run, api, index)
    return long is not None and long.runs()


def long_write(run: Run, api: Api, index: int) -> LongWrite | None:
    """Return the change or the undo that may be under way at an operation, None where nothing can be."""
    operation, progress = run.operations[index], run.progress_of(index)
    if not isinstance(operation.resource, LongWrites) or operation.change is None:
        return None
    if progress == "intended":
        return LongWrite(run, api, index, operation.resource, operation.change)
    if progress == "undoing" and index in run.written:
        reverse = as_written(operation.change, run.written[index]).reverse()
        return LongWrite(run, api, index, operation.resource, reverse, undoing=True)
    return None
