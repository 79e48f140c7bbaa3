"""Undo a run exactly, unless somebody else has changed the same fields since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from remediation.changes import Change, Written
from remediation.diffing import State
from remediation.engine.allowed import require_undoable, undo_operations
from remediation.engine.drift import as_written, drift
from remediation.engine.execution import Executor, Observer
from remediation.engine.holding import locked
from remediation.engine.outcome import Outcome, end, failed, interrupted, proof, ways_on
from remediation.engine.plan import Operation
from remediation.engine.putting_back import put_back
from remediation.engine.run import Run
from remediation.errors import LockLost, Refused, RunbookError, Unhealthy
from remediation.model import Resource, Status


def nothing_to_undo(run: Run) -> Outcome | None:
    """Return the end of a rollback that has nothing to do, None when there is something."""
    if run.status == "rolled_back":
        return Outcome(Status.ROLLED_BACK, run_id=run.id, notes=["it was rolled back before; nothing was changed"])
    if not run.begun and run.status != "running":  # one that was killed before its first change still holds its lock
        return Outcome(Status.ALREADY_OK, run_id=run.id, notes=["this run changed nothing, so nothing is to be undone"])
    return None


def rollback_plan(run: Run, api: Any) -> State:
    """Return what a rollback would change and check, in order, as the ``plan`` of the JSON document. Writes nothing.

    Raises:
        Drifted: somebody has changed the same field since.
        Refused: a change is irreversible.
    """
    require_undoable(run, api)
    temporary = _reversals(run, api, temporary=True)
    # What the runbook's own undo would do can be asked only when the run's own temporary objects are gone.
    undo = [] if temporary or run.undo_planned else undo_operations(run, api)
    planned = undo or run.operations[run.first_undo :]
    changes = [*temporary, *(item.change for item in undo if item.change)]
    changes += _reversals(run, api, planned, temporary=False)
    checks = [{"check": item.ensure.check.description, "status": "planned"} for item in planned if item.ensure]
    if temporary and run.undo_steps is not None:
        checks.append({"check": "what was done on the nodes meanwhile is then put back", "status": "planned"})
    shown = [change.as_json() for change in changes]
    return {"fingerprint": None, "changes": shown, "already_ok": [], "checks": checks}


def _reversals(run: Run, api: Any, undo: Sequence[Operation] = (), *, temporary: bool) -> list[Change]:
    """Return what puts the changes back, in order: first those that the runbook's own undo names."""
    found = []
    named = [item.of for item in undo if item.kind == "undo"]
    for index in sorted(_to_undo(run), key=lambda index: (index not in named, -index)):
        resource, change = run.operations[index].resource, run.operations[index].change
        if resource is None or change is None or resource.nothing_to_undo:
            continue
        if change.temporary is temporary:
            found += _reverse(run, index, resource, change, api)
    return found


def _reverse(run: Run, index: int, resource: Resource, change: Change, api: Any) -> list[Change]:
    """Return the change that undoes an operation, none when it is undone or never happened; raises Drifted. Only reads."""
    if not change.reversible:
        why = change.note or "this change is irreversible"
        raise Refused(f"{change.address} cannot be undone", why, f"runbook runs {run.id}")
    current = resource.read(api)
    written = run.written.get(index) or (Written(current) if change.landed(current) else None)
    if written is None:
        return []
    reverse = as_written(change, written).reverse()
    if reverse.landed(current):
        return []
    if drifted := reverse.drifted(current):
        raise drift(reverse.address, drifted, run.id)
    if reverse.action == "delete" and current is not None and not resource.made_by(run.id, current):
        raise drift(reverse.address, ["it is not from this run"], run.id)
    return [reverse]


def _to_undo(run: Run) -> list[int]:
    return [
        index
        for index, item in enumerate(run.operations)
        if item.kind == "change" and run.progress.get(index, "untouched") not in ("untouched", "undone")
    ]


def rollback_run(run: Run, api: Any, observer: Observer, wait: float | None = None) -> Outcome:
    """Undo exactly what a run changed, in reverse order; looks at everything before it touches anything.

    ``wait`` is how many seconds to wait for other runs on the same objects.

    Raises:
        Locked: another process works on the run or its target; nothing is recorded.
        Drifted, Refused: as `rollback_plan`.
    """
    try:
        with locked(run, api, wait, observer.held_up):
            if (done := nothing_to_undo(run)) is not None:
                return done
            plan = rollback_plan(run, api)
            run.note("run.rolling_back", {"holder": run.holder})
            return _rolled_back(run, Executor(run, api, observer), plan)
    except KeyboardInterrupt:
        return interrupted(run)
    except LockLost as problem:
        return failed(run, problem)


def _rolled_back(run: Run, executor: Executor, plan: State) -> Outcome:
    try:
        put_back(run, executor)
    except Unhealthy as problem:
        problem.next = ways_on(run)
        return end(run, Status.UNHEALTHY, 5, proof(executor.results), problem)
    except RunbookError as problem:
        return failed(run, problem)
    except Exception as bug:
        bug.add_note(f"run {run.id}")
        raise
    outcome = end(run, Status.ROLLED_BACK, 0, proof(executor.results) if executor.results else None)
    outcome.plan = run.created["plan"] | {"changes": plan["changes"]}
    return outcome
