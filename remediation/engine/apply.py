"""Carry out a run; it never ends half-way without saying so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress

from remediation.engine.asking import Observer
from remediation.engine.execution import Executor
from remediation.engine.finishing import resumable, unfinished
from remediation.engine.holding import locked
from remediation.engine.outcome import Outcome, end, failed, interruption, once_changed, proof, ways_on
from remediation.engine.putting_back import let_go, put_back, restore_temporary
from remediation.engine.run import Run
from remediation.model.api import Api
from remediation.model.commands import command
from remediation.model.errors import (
    Ambiguous,
    Interrupted,
    LockLost,
    RollbackRefused,
    RunbookError,
    Stopped,
    StoreProblem,
    Throttled,
    Unauthorized,
    Unhealthy,
    Unproven,
)
from remediation.model.remarks import few
from remediation.model.status import Status

Decision = Callable[[Unhealthy], bool]


def apply_run(run: Run, api: Api, observer: Observer, on_unhealthy: Decision, wait: float | None = None) -> Outcome:
    """Carry out a run that was just begun.

    Args:
        run: the run.
        api: the clients; the lock is taken through it.
        observer: told about progress.
        on_unhealthy: asked whether to roll back when the proof fails.
        wait: how many seconds to wait for other runs on the same objects.
    """
    try:
        with api.stop.heeded(), locked(run, api, wait, observer.held_up):
            if not run.fresh:
                return _taken_over(run)
            return carry_out_run(run, Executor(run, api, observer), on_unhealthy)
    except (KeyboardInterrupt, Stopped) as asked:
        return failed(run, interruption(run, asked))
    except RunbookError as problem:
        return failed(run, problem)


def carry_out_run(run: Run, executor: Executor, on_unhealthy: Decision) -> Outcome:
    """Do what is still to be done, prove it, or put it back; the locks are held. Raises what only the caller can report."""
    try:
        return _applied(run, executor, on_unhealthy)
    except LockLost:
        with executor.api.stop.shielded():
            _abandon(run, executor)
        raise
    except StoreProblem:
        with executor.api.stop.shielded():
            let_go(run, executor)
        raise


def _applied(run: Run, executor: Executor, on_unhealthy: Decision) -> Outcome:
    try:
        _carry_out(run, executor)
    except (LockLost, StoreProblem):
        raise
    except Unproven as problem:
        return _unproven(run, executor, problem)
    except Unhealthy as problem:
        return _unhealthy(run, executor, problem, on_unhealthy)
    except RunbookError as problem:
        if isinstance(problem, RollbackRefused):
            restore_temporary(run, executor)  # one that somebody changed or keeps must not keep the others
        if not _must_undo(run, problem):
            raise
        return _undone(run, executor, problem)
    except Exception as bug:
        bug.add_note(f"run {run.id}")
        with executor.api.stop.shielded():
            _forget(run, executor)
        raise
    verified = proof(executor.results)
    status = Status.VERIFIED if verified["status"] == "ok" else Status.APPLIED
    return end(run, status, 0, verify=verified, notes=executor.missed)


def _carry_out(run: Run, executor: Executor) -> None:
    try:
        executor.carry_out()
    except (KeyboardInterrupt, Stopped) as asked:
        raise interruption(run, asked) from None


def _undone(run: Run, executor: Executor, problem: RunbookError) -> Outcome:
    anything = bool(run.written)
    try:
        # What is undone because somebody has asked for the end is undone to the end.
        with executor.api.stop.shielded() if isinstance(problem, Interrupted) else nullcontext():
            put_back(run, executor)
    except (LockLost, Stopped, StoreProblem):
        raise
    except RunbookError as second:
        problem.detail = f"{problem.detail or 'it was to be undone'}; that failed too: {second.summary}"
        return failed(run, problem)
    if not anything and not executor.put_back:
        return end(run, Status.REFUSED, problem.exit_code, error=problem)
    notes = ["everything that this run had changed was put back"]
    return end(run, Status.ROLLED_BACK, once_changed(problem), error=problem, notes=notes)


def _must_undo(run: Run, problem: RunbookError) -> bool:
    """A definite no, or a run whose value dies with this process, is undone at once; an unanswered call is resumed later.

    Where nobody looks at a request, because there are too many or nobody is logged in, nobody would look at an undo either.
    """
    if isinstance(problem, Throttled | Unauthorized):
        return False
    if isinstance(problem, Interrupted):
        return any(run.progress_of(index + 1) != "done" for index in _ephemeral(run))
    return run.begun and (bool(_ephemeral(run)) or not isinstance(problem, Ambiguous | RollbackRefused))


def _ephemeral(run: Run) -> list[int]:
    """Return the operations that made, or may have made, a value which only this process knows."""
    return [
        index
        for index, item in enumerate(run.operations)
        if item.resource and item.resource.ephemeral and run.progress_of(index) in ("done", "intended")
    ]


def _forget(run: Run, executor: Executor) -> None:
    """Take away what only this process knows, also when the journal can no longer be written."""
    for index in _ephemeral(run):
        _discard(executor, index)


def _discard(executor: Executor, index: int) -> None:
    with suppress(Exception):  # what is being reported is more useful
        executor.discard(index)


def _abandon(run: Run, executor: Executor) -> None:
    """Write nothing more, but leave no key alive that only this process knows and that it has given to nobody."""
    for index in _ephemeral(run):
        if run.progress_of(index + 1) == "untouched":
            try:
                executor.undo(index)
            except RunbookError:  # the record is another process's by now; the key is not
                _discard(executor, index)


def _unproven(run: Run, executor: Executor, problem: Unproven) -> Outcome:
    """Nobody could tell whether it helped: that is no reason to undo it, and no reason to go on without knowing."""
    restore_temporary(run, executor)
    if resumable(run) and unfinished(run):
        problem.next = ways_on(run)
    return end(run, Status.UNKNOWN, problem.exit_code, verify=proof(executor.results), error=problem)


def _unhealthy(run: Run, executor: Executor, problem: Unhealthy, on_unhealthy: Decision) -> Outcome:
    verified = proof(executor.results)
    restore_temporary(run, executor)
    if kept := _depended_on(run):
        problem.detail += f"; {few(kept)} stays, for others may depend on it by now; only a rollback takes it back"
        return end(run, Status.UNHEALTHY, 5, verify=verified, error=problem)
    if not on_unhealthy(problem):
        return end(run, Status.UNHEALTHY, 5, verify=verified, error=problem)
    try:
        put_back(run, executor)
    except (LockLost, Stopped, StoreProblem):
        raise
    except RunbookError as second:
        second.detail = f"{second.detail}; it was undone because {problem.summary}: {problem.detail}"
        return failed(run, second, verified)
    notes = ["unhealthy, so everything was put back"]
    return end(run, Status.ROLLED_BACK, 7, verify=verified, error=problem, notes=notes)


def _depended_on(run: Run) -> list[str]:
    """Return the addresses of the changes in place that others come to depend on: only who asks for that undoes them."""
    changes = ((item.resource, item.change) for index, item in enumerate(run.operations) if index in run.written)
    return [change.address for resource, change in changes if resource and change and resource.shared]


def _taken_over(run: Run) -> Outcome:
    """Return the end of a run that others have ended before it began; its record is not ours to go on with."""
    problem = LockLost(
        f"run {run.id} was taken over by another process while it waited for its lock",
        "this process wrote nothing",
        command("runbook", "runs", run.id),
    )
    return Outcome(Status.FAILED, problem.exit_code, run.id, run.created["plan"], error=problem)
