"""The verbs on a run: apply, resume, roll back, verify. Each ends in an `Outcome`, never half-way without saying so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from remediation.catalogue import Runbook
from remediation.engine.execution import Executor, Observer, as_written, ask, drift, result, wait_for
from remediation.engine.plan import Operation, Plan, Planner
from remediation.engine.run import Run
from remediation.errors import Ambiguous, Drifted, Interrupted, Refused, RunbookError, Unhealthy
from remediation.facts import Facts
from remediation.model import Change, Ensure, Resource, State, Status, Target, Verdict, Written

OnUnhealthy = Literal["rollback", "keep", "ask"]


@dataclass
class Outcome:
    """How a verb ended: the JSON document in parts, and the exit code."""

    status: Status
    exit_code: int = 0
    run_id: str | None = None
    plan: State | None = None
    verify: State | None = None
    error: RunbookError | None = None
    notes: list[str] = field(default_factory=list)


def proof(results: list[State]) -> State:
    """Sum up answered checks: ``ok`` needs one that passed and none that failed, so nothing is green on nothing."""
    answers = [item["status"] for item in results if item["required"] or item["status"] != "unknown"]
    worst = next((status for status in ("failing", "unknown") if status in answers), "ok" if answers else "unknown")
    return {"status": worst, "checks": results}


def apply(run: Run, api: Any, observer: Observer, on_unhealthy: Callable[[Unhealthy], bool]) -> Outcome:
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
        return _interrupted(run)
    except RunbookError as problem:
        return _failed(run, problem)


def _apply_locked(run: Run, executor: Executor, on_unhealthy: Callable[[Unhealthy], bool]) -> Outcome:
    try:
        executor.carry_out()
    except Unhealthy as problem:
        return _unhealthy(run, executor, problem, on_unhealthy)
    except RunbookError as problem:
        if not _must_undo(run, problem):
            raise
        _undo_all(run, executor)
        return _end(
            run,
            Status.ROLLED_BACK if _anything_written(run) else Status.REFUSED,
            problem.exit_code,
            error=problem,
            notes=["everything that this run had changed was put back"],
        )
    verified = proof(executor.results)
    return _end(run, {"ok": Status.VERIFIED}.get(verified["status"], Status.APPLIED), 0, verify=verified)


def _must_undo(run: Run, problem: RunbookError) -> bool:
    """A definite no, or a run whose value dies with this process, is undone at once; an unanswered call is resumed later."""
    started = any(progress != "untouched" for progress in run.progress.values())
    ephemeral = any(
        getattr(item.resource, "ephemeral", False) and run.progress.get(index) in ("done", "intended")
        for index, item in enumerate(run.operations)
    )
    return started and (ephemeral or not isinstance(problem, Ambiguous | Interrupted | Drifted))


def _anything_written(run: Run) -> bool:
    return bool(run.written)


def _unhealthy(run: Run, executor: Executor, problem: Unhealthy, on_unhealthy: Callable[[Unhealthy], bool]) -> Outcome:
    _restore_temporary(run, executor)
    verified = proof(executor.results)
    if not on_unhealthy(problem):
        return _end(run, Status.UNHEALTHY, 5, verify=verified, error=problem)
    _undo_all(run, executor)
    return _end(
        run, Status.ROLLED_BACK, 7, verify=verified, error=problem, notes=["unhealthy, so everything was put back"]
    )


def _restore_temporary(run: Run, executor: Executor) -> None:
    for operation in run.operations:
        if operation.kind == "restore":
            executor.undo(operation.of)


def _undo_all(run: Run, executor: Executor) -> None:
    for index in reversed(range(len(run.operations))):
        if run.operations[index].kind == "change":
            executor.undo(index)


def _interrupted(run: Run) -> Outcome:
    problem = Interrupted(f"run {run.id} was interrupted", "what it had begun is in the journal", _ways_on(run))
    return _end(run, Status.FAILED, problem.exit_code, error=problem)


def _ways_on(run: Run) -> str:
    """Return what to type next; a run that is being rolled back cannot be finished any more."""
    return (
        f"runbook rollback {run.id}"
        if run.is_rolling_back
        else f"runbook resume {run.id}  or  runbook rollback {run.id}"
    )


def _failed(run: Run, problem: RunbookError) -> Outcome:
    if any(progress not in ("untouched", "undone") for progress in run.progress.values()):
        problem.next = _ways_on(run)
        return _end(
            run,
            Status(problem.status) if isinstance(problem, Drifted) else Status.FAILED,
            problem.exit_code,
            error=problem,
        )
    problem.detail = problem.detail or "nothing was changed"
    return _end(run, Status.REFUSED if problem.exit_code == 3 else Status.FAILED, problem.exit_code, error=problem)


def _end(
    run: Run,
    status: Status,
    exit_code: int,
    verify: State | None = None,
    error: RunbookError | None = None,
    notes: list[str] | None = None,
) -> Outcome:
    run.end(status, verify, _error(error))
    return Outcome(status, exit_code, run.id, run.created["plan"], verify, error, notes or [])


def _error(problem: RunbookError | None) -> State | None:
    return None if problem is None else {"summary": problem.summary, "detail": problem.detail, "next": problem.next}


def resume(run: Run, api: Any, observer: Observer, on_unhealthy: Callable[[Unhealthy], bool]) -> Outcome:
    """Finish an interrupted run; raises Refused when there is nothing to finish."""
    if run.status not in ("running", "failed") or run.is_rolling_back:
        what, verb = ("is being rolled back", "rollback") if run.is_rolling_back else (f"is {run.status}", "verify")
        raise Refused(
            f"run {run.id} {what}; there is nothing to resume", "nothing was changed", f"runbook {verb} {run.id}"
        )
    _revive(run, api)
    run.note("run.resumed", {"holder": run.holder})
    return apply(run, api, observer, on_unhealthy)


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
        written = resource.settle(api, change, run.id)
        if written is not None:
            run.done(index, written)
    return run.progress.get(index) == "done"


def rollback_plan(run: Run, api: Any) -> list[State]:
    """Return what a rollback would change; raises Drifted or Refused like the rollback itself. Writes nothing."""
    if run.status == "rolled_back":
        raise Refused(f"run {run.id} is rolled back already", "nothing was changed", "runbook runs")
    changes = []
    for index in reversed(_to_undo(run)):
        resource, change = run.operations[index].resource, run.operations[index].change
        if resource is None or change is None or getattr(resource, "nothing_to_undo", False):
            continue
        if not change.reversible:
            raise Refused(
                f"{change.address} cannot be undone",
                change.note or "this change is irreversible",
                f"runbook runs {run.id}",
            )
        changes += [item.as_json() for item in _reverse(run, index, resource, change, api)]
    return changes


def _reverse(run: Run, index: int, resource: Resource, change: Change, api: Any) -> list[Change]:
    """Return the change that undoes an operation, none when it is undone or never happened; raises Drifted. Only reads."""
    current = resource.read(api)
    written = run.written.get(index) or (Written(current) if change.landed(current) else None)
    if written is None:
        return []
    reverse = as_written(change, written).reverse()
    if reverse.landed(current):
        return []
    if drifted := reverse.drifted(current):
        raise drift(reverse.address, drifted, run.id)
    return [reverse]


def _to_undo(run: Run) -> list[int]:
    return [
        index
        for index, item in enumerate(run.operations)
        if item.kind == "change" and run.progress.get(index, "untouched") not in ("untouched", "undone")
    ]


def rollback(run: Run, book: Runbook, target: Target, values: dict[str, Any], api: Any, observer: Observer) -> Outcome:
    """Undo exactly what a run changed, in reverse order; looks at everything before it touches anything."""
    changes = rollback_plan(run, api)
    run.note("run.rolling_back", {"holder": run.holder})
    executor = Executor(run, api, observer)
    try:
        with api.locked(run.scopes, run.holder):
            first = len(run.operations)
            if book.undo is not None and run.written and not run.undo_planned:
                run.plan_undo(_undo_operations(run, book, target, values, api))
            executor.carry_out(first if not run.undo_planned else _first_undo(run))
            _undo_all(run, executor)
    except KeyboardInterrupt:
        return _interrupted(run)
    except Unhealthy as problem:
        _restore_temporary(run, executor)
        return _end(run, Status.UNHEALTHY, 5, proof(executor.results), problem)
    except RunbookError as problem:
        return _failed(run, problem)
    outcome = _end(run, Status.ROLLED_BACK, 0, proof(executor.results) if executor.results else None)
    outcome.plan = run.created["plan"] | {"changes": changes}
    return outcome


def _first_undo(run: Run) -> int:
    planned = run.journal.events(run.id, "undo.planned")
    return len(run.operations) - len(planned[-1].payload["operations"]) if planned else len(run.operations)


def _undo_operations(run: Run, book: Runbook, target: Target, values: dict[str, Any], api: Any) -> list[Operation]:
    plan = Plan(book, target, run.created["parameters"])
    if book.undo is None:
        return []
    return Planner(plan, api, accept_drift=True).drive(book.undo(target, **values, facts=Facts(api))).operations


def prove(plan: Plan, api: Any, observer: Observer, within: float) -> Outcome:
    """Prove that a plan without changes describes a healthy target, with the checks that cost little."""
    asked = [item for item in plan.ensures if item.always and not getattr(item.check, "costly", False)]
    return _proven(
        [result(ensure, _verdict(ensure, api, observer, within)) for ensure in asked],
        plan.as_json(),
        f"runbook diagnose {plan.book.name}",
    )


def verify(run: Run, api: Any, observer: Observer, within: float) -> Outcome:
    """Prove again that the symptom is gone: everything is as the run left it, and every lasting check passes.

    Needs nothing but the journal and the target; ``within`` caps the seconds to wait for each check.
    """
    ensures = [item.ensure for item in run.operations if item.ensure and item.ensure.always]
    results = [result(ensure, _verdict(ensure, api, observer, within)) for ensure in ensures]
    for index, operation in enumerate(run.operations):
        if (
            run.progress.get(index) == "done"
            and operation.resource
            and operation.change
            and not operation.change.temporary
        ):
            results.append(_still_there(operation.resource, as_written(operation.change, run.written[index]), api))
    outcome = _proven(results, run.created["plan"], f"runbook runs {run.id}, then runbook rollback {run.id}")
    outcome.run_id = run.id
    return outcome


def _still_there(resource: Resource, change: Change, api: Any) -> State:
    current = resource.read(api)
    lost = [] if change.landed(current) else change.reverse().drifted(current)
    return {
        "check": f"{change.address} is as the run left it",
        "status": "failing" if lost else "ok",
        "required": False,
        "detail": ", ".join(lost[:5]),
    }


def _proven(results: list[State], plan: State, following: str) -> Outcome:
    summary = proof(results)
    if summary["status"] == "ok":
        return Outcome(Status.VERIFIED, 0, plan=plan, verify=summary)
    failed = "; ".join(
        f"{item['check']}: {item['detail'] or item['status']}" for item in results if item["status"] != "ok"
    )
    problem = Unhealthy("the symptom is not proven gone", failed or "no check could be answered", following)
    return Outcome(
        Status.UNHEALTHY if summary["status"] == "failing" else Status.UNKNOWN,
        5,
        plan=plan,
        verify=summary,
        error=problem,
    )


def _verdict(ensure: Ensure, api: Any, observer: Observer, within: float) -> Verdict:
    if within <= 0:
        return ask(ensure, api)
    return wait_for(Ensure(ensure.check, min(within, ensure.within), ensure.always), api, observer)


def new_run_id() -> str:
    """Return an id that sorts by time and is short enough to type: ``20260102-030405-ab12``."""
    import secrets  # noqa: PLC0415 - only a run needs it

    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(2)
