"""Carry out a run, new or resumed; it never ends half-way without saying so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from remediation.changes import Intent
from remediation.engine.allowed import require_ours
from remediation.engine.execution import Executor, Observer
from remediation.engine.finishing import refuse_finished, resumable, unfinished
from remediation.engine.holding import locked
from remediation.engine.outcome import Outcome, end, failed, interrupted, interruption, once_changed, proof, ways_on
from remediation.engine.plan import Plan, Planner
from remediation.engine.putting_back import is_let_go, let_go, put_back, restore_temporary
from remediation.engine.reach import unlike
from remediation.engine.run import Run
from remediation.errors import (
    Ambiguous,
    Drifted,
    Interrupted,
    LockLost,
    NotApplicable,
    Refused,
    RunbookError,
    StalePlan,
    StoreProblem,
    Throttled,
    Unauthorized,
    Unhealthy,
    Unproven,
    UsageProblem,
)
from remediation.facts import Facts
from remediation.model import Status

Decision = Callable[[Unhealthy], bool]


def apply_run(run: Run, api: Any, observer: Observer, on_unhealthy: Decision, wait: float | None = None) -> Outcome:
    """Carry out a run that was just begun.

    Args:
        run: the run.
        api: the clients; the lock is taken through it.
        observer: told about progress.
        on_unhealthy: asked whether to roll back when the proof fails.
        wait: how many seconds to wait for other runs on the same objects.
    """
    try:
        with locked(run, api, wait, observer.held_up):
            _refuse_taken_over(run)
            return _apply(run, Executor(run, api, observer), on_unhealthy)
    except KeyboardInterrupt:
        return failed(run, interruption(run))
    except RunbookError as problem:
        return failed(run, problem)


def resume_run(run: Run, api: Any, observer: Observer, on_unhealthy: Decision, wait: float | None = None) -> Outcome:
    """Finish an interrupted run; its operations that are done already are skipped.

    ``wait`` is how many seconds to wait for other runs on the same objects.

    Raises:
        Refused: there is nothing to finish, another process works on it, or a precondition no longer holds.
    """
    try:
        with locked(run, api, wait, observer.held_up):
            refuse_finished(run)
            require_ours(run, api)
            _refuse_outdated(run, api)
            _revive(run, api)
            run.note("run.resumed", {"holder": run.holder})
            return _resumed(run, api, observer, on_unhealthy)
    except KeyboardInterrupt:
        return interrupted(run)


def _resumed(run: Run, api: Any, observer: Observer, on_unhealthy: Decision) -> Outcome:
    try:
        return _apply(run, Executor(run, api, observer), on_unhealthy)
    except RunbookError as problem:
        return failed(run, problem)


def _apply(run: Run, executor: Executor, on_unhealthy: Decision) -> Outcome:
    try:
        return _applied(run, executor, on_unhealthy)
    except LockLost:
        _abandon(run, executor)
        raise
    except StoreProblem:
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
        if isinstance(problem, Drifted):
            restore_temporary(run, executor)  # one that somebody changed must not keep the others
        if not _must_undo(run, problem):
            raise
        return _undone(run, executor, problem)
    except Exception as bug:
        bug.add_note(f"run {run.id}")
        _forget(run, executor)
        raise
    verified = proof(executor.results)
    return end(run, Status.VERIFIED if verified["status"] == "ok" else Status.APPLIED, 0, verify=verified)


def _carry_out(run: Run, executor: Executor) -> None:
    try:
        executor.carry_out()
    except KeyboardInterrupt:
        raise interruption(run) from None


def _undone(run: Run, executor: Executor, problem: RunbookError) -> Outcome:
    anything = bool(run.written)
    try:
        put_back(run, executor)
    except (LockLost, StoreProblem):
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
        return any(run.progress.get(index + 1) != "done" for index in _ephemeral(run))
    return run.begun and (bool(_ephemeral(run)) or not isinstance(problem, Ambiguous | Drifted))


def _ephemeral(run: Run) -> list[int]:
    """Return the operations that made, or may have made, a value which only this process knows."""
    return [
        index
        for index, item in enumerate(run.operations)
        if item.resource and item.resource.ephemeral and run.progress.get(index) in ("done", "intended")
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
        if run.progress.get(index + 1, "untouched") == "untouched":
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
    if not on_unhealthy(problem):
        return end(run, Status.UNHEALTHY, 5, verify=verified, error=problem)
    try:
        put_back(run, executor)
    except (LockLost, StoreProblem):
        raise
    except RunbookError as second:
        second.detail = f"{second.detail}; it was undone because {problem.summary}: {problem.detail}"
        return failed(run, second, verified)
    notes = ["unhealthy, so everything was put back"]
    return end(run, Status.ROLLED_BACK, 7, verify=verified, error=problem, notes=notes)


def _refuse_taken_over(run: Run) -> None:
    if not run.fresh:
        raise LockLost(
            f"run {run.id} was taken over by another process while it waited for its lock", "this process wrote nothing"
        )


def _refuse_outdated(run: Run, api: Any) -> None:
    """Ask every precondition again, and whether what is still to be done is still wanted: time has passed."""
    plan = Plan(run.book, run.target, run.created["parameters"])
    steps = run.book.steps(run.target, facts=Facts(api), **_values(run))
    try:
        wanted = Planner(plan, api).wanted(steps)
    except (Refused, UsageProblem, NotApplicable) as problem:
        raise _outdated(run, problem.summary) from problem
    for index, item in enumerate(run.operations):
        if item.change and not _has_begun(run, index, api) and (found := unlike(item, wanted)):
            raise _outdated(run, found)
        if item.change and run.progress.get(index) == "done" and is_let_go(item, api):
            raise _outdated(run, f"{item.change.address} is not in place any more")


def _values(run: Run) -> dict[str, Any]:
    """Return the run's parameters; raises StalePlan when the runbook takes others by now."""
    recorded, taken = set(run.created["parameters"]), run.book.parameters
    lacking = [item.flag_name for item in taken if item.required and item.name not in recorded]
    if other := [*sorted(recorded - {item.name for item in taken}), *lacking]:
        raise _outdated(run, f"the parameters of {run.book.name} have changed since: {', '.join(other)}")
    try:
        return run.book.values(run.created["parameters"])
    except (ValueError, TypeError) as problem:
        raise _outdated(run, f"a parameter is not allowed any more: {problem}") from problem


def _has_begun(run: Run, index: int, api: Any) -> bool:
    return _has_landed(run, index, api) or run.progress.get(index, "untouched") not in ("untouched", "intended")


def _outdated(run: Run, why: str) -> StalePlan:
    return StalePlan(f"run {run.id} cannot be finished: {why}", "nothing was changed", f"runbook rollback {run.id}")


def _revive(run: Run, api: Any) -> None:
    """A value that died with its process is made again, unless the next change has put it where it belongs."""
    for index, operation in enumerate(run.operations):
        lost = operation.resource and operation.resource.ephemeral and run.progress.get(index) == "done"
        if lost and not _has_landed(run, index + 1, api):
            run.progress[index] = "intended"
            run.written.pop(index)


def _has_landed(run: Run, index: int, api: Any) -> bool:
    """Tell whether a change is in place; one that was only intended is looked at."""
    resource, change = run.operations[index].resource, run.operations[index].change
    if run.progress.get(index) == "intended" and resource is not None and change is not None:
        written = resource.settle(api, change, run.id, run.intents.get(index, Intent()))
        if written is not None:
            run.done(index, written)
    return run.progress.get(index) == "done"
