"""Carry out a run, new or resumed; it never ends half-way without saying so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from remediation.engine.execution import Executor, Observer
from remediation.engine.outcome import Outcome, end, failed, interruption, proof, restore_temporary, undo_all
from remediation.engine.run import Run
from remediation.errors import Ambiguous, Drifted, Interrupted, Refused, RunbookError, Unhealthy
from remediation.model import Status


def apply_run(run: Run, api: Any, observer: Observer, on_unhealthy: Callable[[Unhealthy], bool]) -> Outcome:
    """Carry out a run that was just begun or is resumed.

    Args:
        run: the run; its operations that are done already are skipped.
        api: the clients; the lock is taken through it.
        observer: told about progress.
        on_unhealthy: asked whether to roll back when the proof fails.
    """
    executor = Executor(run, api, observer)
    try:
        with api.locked(run.scopes, run.holder):
            return _apply_locked(run, executor, on_unhealthy)
    except KeyboardInterrupt:
        return failed(run, interruption(run))
    except RunbookError as problem:
        return failed(run, problem)
    except Exception as bug:
        bug.add_note(f"run {run.id}")
        raise


def _apply_locked(run: Run, executor: Executor, on_unhealthy: Callable[[Unhealthy], bool]) -> Outcome:
    try:
        _carry_out(run, executor)
    except Unhealthy as problem:
        return _unhealthy(run, executor, problem, on_unhealthy)
    except RunbookError as problem:
        if not _must_undo(run, problem):
            raise
        undo_all(run, executor)
        return end(
            run,
            Status.ROLLED_BACK if _anything_written(run) else Status.REFUSED,
            problem.exit_code,
            error=problem,
            notes=["everything that this run had changed was put back"],
        )
    verified = proof(executor.results)
    return end(run, {"ok": Status.VERIFIED}.get(verified["status"], Status.APPLIED), 0, verify=verified)


def _carry_out(run: Run, executor: Executor) -> None:
    try:
        executor.carry_out()
    except KeyboardInterrupt:
        raise interruption(run) from None


def _must_undo(run: Run, problem: RunbookError) -> bool:
    """A definite no, or a run whose value dies with this process, is undone at once; an unanswered call is resumed later."""
    started = any(progress != "untouched" for progress in run.progress.values())
    if isinstance(problem, Interrupted):
        return any(run.progress.get(index + 1) != "done" for index in _ephemeral(run))
    return started and (bool(_ephemeral(run)) or not isinstance(problem, Ambiguous | Drifted))


def _ephemeral(run: Run) -> list[int]:
    """Return the operations that made, or may have made, a value which only this process knows."""
    return [
        index
        for index, item in enumerate(run.operations)
        if getattr(item.resource, "ephemeral", False) and run.progress.get(index) in ("done", "intended")
    ]


def _anything_written(run: Run) -> bool:
    return bool(run.written)


def _unhealthy(run: Run, executor: Executor, problem: Unhealthy, on_unhealthy: Callable[[Unhealthy], bool]) -> Outcome:
    restore_temporary(run, executor)
    verified = proof(executor.results)
    if not on_unhealthy(problem):
        return end(run, Status.UNHEALTHY, 5, verify=verified, error=problem)
    undo_all(run, executor)
    return end(
        run, Status.ROLLED_BACK, 7, verify=verified, error=problem, notes=["unhealthy, so everything was put back"]
    )


def resume_run(run: Run, api: Any, observer: Observer, on_unhealthy: Callable[[Unhealthy], bool]) -> Outcome:
    """Finish an interrupted run; raises Refused when there is nothing to finish."""
    if run.status not in ("running", "failed") or run.is_rolling_back:
        what, verb = ("is being rolled back", "rollback") if run.is_rolling_back else (f"is {run.status}", "verify")
        raise Refused(
            f"run {run.id} {what}; there is nothing to resume", "nothing was changed", f"runbook {verb} {run.id}"
        )
    _revive(run, api)
    run.note("run.resumed", {"holder": run.holder})
    return apply_run(run, api, observer, on_unhealthy)


def _revive(run: Run, api: Any) -> None:
    """A value that died with its process is made again, unless the next change has put it where it belongs."""
    for index, operation in enumerate(run.operations):
        lost = getattr(operation.resource, "ephemeral", False) and run.progress.get(index) == "done"
        if lost and not _has_landed(run, index + 1, api):
            run.progress[index] = "intended"
            run.written.pop(index)


def _has_landed(run: Run, index: int, api: Any) -> bool:
    """Tell whether a change is in place; one that was only intended is looked at."""
    resource, change = run.operations[index].resource, run.operations[index].change
    if run.progress.get(index) == "intended" and resource is not None and change is not None:
        written = resource.settle(api, change, run.id, run.intended_at.get(index, 0.0))
        if written is not None:
            run.done(index, written)
    return run.progress.get(index) == "done"
