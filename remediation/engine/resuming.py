"""Finish a run that was interrupted, after a look at what is still to be done."""

from __future__ import annotations

from dataclasses import replace

from remediation.engine.allowed import require_ours
from remediation.engine.apply import Decision, carry_out_run
from remediation.engine.asking import Observer
from remediation.engine.awaiting import await_operations
from remediation.engine.execution import Executor
from remediation.engine.finishing import refuse_finished
from remediation.engine.holding import locked
from remediation.engine.operations import Operation, parts
from remediation.engine.outcome import Outcome, failed, interrupted
from remediation.engine.run import Run
from remediation.engine.still_wanted import outdated, refuse_outdated
from remediation.model.api import Api
from remediation.model.changes import Change, Intent, impacts
from remediation.model.commands import command
from remediation.model.diffing import State
from remediation.model.errors import Conflict, OperationFailed, Refused, RunbookError, Stopped


def resume_plan(run: Run, api: Api) -> State:
    """Return what a resume would still change and check, as the ``plan`` of the JSON document. Writes nothing.

    Raises:
        Refused: there is nothing to finish, the record is not one of this runbook, or what it wants is outdated.
    """
    refuse_finished(run)
    require_ours(run, api)
    ahead = [index for index, item in enumerate(run.operations) if item.kind == "change" and _is_ahead(run, index, api)]
    refuse_outdated(run, api, lambda index: index not in ahead)
    changes = [_with_impact(run.operations[index], api) for index in ahead]
    done = [
        {"address": item.change.address, "reason": "done before it was interrupted"}
        for index, item in enumerate(run.operations)
        if item.change and index not in ahead
    ]
    checks = [item.ensure for item in run.operations if item.ensure]
    planned = [{"check": item.check.description, "within_seconds": item.within, "status": "planned"} for item in checks]
    shown = [change.as_json() for change in changes]
    return {
        "fingerprint": None,
        "changes": shown,
        "impact": impacts(changes),
        "already_ok": done,
        "checks": planned,
    }


def _with_impact(operation: Operation, api: Api) -> Change:
    """Return a recorded change with what it would bring about now."""
    resource, change = parts(operation)
    seen = None if resource.nothing_to_undo else resource.look(api)
    return replace(change, impact=resource.impact(change, seen)) if seen else change


def _is_ahead(run: Run, index: int, api: Api) -> bool:
    """Tell whether a change is still to be made, also one whose value died with the process that made it."""
    resource, change = run.operations[index].resource, run.operations[index].change
    if resource is None or change is None:
        return False
    progress = run.progress_of(index)
    if progress == "intended":
        return resource.ephemeral or not _has_come(run, index, api)
    if resource.ephemeral and progress == "done":
        return index + 1 < len(run.operations) and _is_ahead(run, index + 1, api)
    return progress == "untouched"


def _has_come(run: Run, index: int, api: Api) -> bool:
    """Tell whether a write that was begun took effect, as whoever carries on will find it: by its marks, and not by its values.

    Not all that we write is known before, and what it was to cure may be cured by now.
    """
    resource, change = run.operations[index].resource, run.operations[index].change
    if resource is None or change is None:
        return False
    try:
        return resource.settle(api, change, run.id, run.intents.get(index, Intent())) is not None
    except Conflict:
        return False


def resume_run(run: Run, api: Api, observer: Observer, on_unhealthy: Decision, wait: float | None = None) -> Outcome:
    """Finish an interrupted run; its operations that are done already are skipped.

    ``wait`` is how many seconds to wait for other runs on the same objects.

    Raises:
        Refused: there is nothing to finish, another process works on it, or a precondition no longer holds.
    """
    try:
        with api.stop.heeded(), locked(run, api, wait, observer.held_up):
            refuse_finished(run)
            require_ours(run, api)
            if problem := await_operations(run, api, observer):
                raise _failed_meanwhile(run, problem)
            refuse_outdated(run, api, lambda index: _has_begun(run, index, api))
            _revive(run, api)
            run.note("run.resumed", {"holder": run.holder} | run.by)
            return _resumed(run, api, observer, on_unhealthy)
    except (KeyboardInterrupt, Stopped) as asked:
        return interrupted(run, asked)


def _failed_meanwhile(run: Run, problem: OperationFailed) -> Refused:
    """Return the refusal to repeat an operation that has failed, in the words of the API."""
    why = problem.detail or "it is not repeated"
    return Refused(f"run {run.id} cannot be finished: {problem.summary}", why, command("runbook", "rollback", run.id))


def _resumed(run: Run, api: Api, observer: Observer, on_unhealthy: Decision) -> Outcome:
    try:
        return carry_out_run(run, Executor(run, api, observer), on_unhealthy)
    except Stopped:
        raise
    except RunbookError as problem:
        return failed(run, problem)


def _has_begun(run: Run, index: int, api: Api) -> bool:
    return _has_landed(run, index, api) or run.progress_of(index) not in ("untouched", "intended")


def _revive(run: Run, api: Api) -> None:
    """A value that died with its process is made again, unless the next change has put it where it belongs."""
    for index, operation in enumerate(run.operations):
        lost = operation.resource and operation.resource.ephemeral and run.progress_of(index) == "done"
        if lost and not _has_landed(run, index + 1, api):
            run.progress[index] = "intended"
            run.written.pop(index)


def _has_landed(run: Run, index: int, api: Api) -> bool:
    """Tell whether a change is in place; one that was only intended is looked at."""
    resource, change = run.operations[index].resource, run.operations[index].change
    if run.progress_of(index) == "intended" and resource is not None and change is not None:
        try:
            written = resource.settle(api, change, run.id, run.intents.get(index, Intent()))
        except Conflict as problem:
            raise outdated(run, problem.summary) from problem
        if written is not None:
            run.done(index, written)
    return run.progress_of(index) == "done"
