"""Undo a run exactly, unless somebody else has changed the same fields since."""

from __future__ import annotations

from typing import Any

from remediation.catalogue import Runbook
from remediation.changes import Change, Written
from remediation.diffing import State
from remediation.engine.execution import Executor, Observer, as_written, drift
from remediation.engine.outcome import Outcome, end, failed, interruption, proof, restore_temporary, undo_all
from remediation.engine.plan import Operation, Plan, Planner
from remediation.engine.run import Run
from remediation.errors import Refused, RunbookError, Unhealthy
from remediation.facts import Facts
from remediation.model import Resource, Status, Target


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


def rollback_run(
    run: Run, book: Runbook, target: Target, values: dict[str, Any], api: Any, observer: Observer
) -> Outcome:
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
            undo_all(run, executor)
    except KeyboardInterrupt:
        return failed(run, interruption(run))
    except Unhealthy as problem:
        restore_temporary(run, executor)
        return end(run, Status.UNHEALTHY, 5, proof(executor.results), problem)
    except RunbookError as problem:
        return failed(run, problem)
    except Exception as bug:
        bug.add_note(f"run {run.id}")
        raise
    outcome = end(run, Status.ROLLED_BACK, 0, proof(executor.results) if executor.results else None)
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
