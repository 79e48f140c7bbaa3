"""Undo a run exactly, unless somebody else has changed the same fields since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from remediation.engine.allowed import require_undoable, undo_operations
from remediation.engine.asking import Observer
from remediation.engine.awaiting import await_operations, is_underway, long_write
from remediation.engine.drift import irreversible, reverse_of
from remediation.engine.execution import Executor
from remediation.engine.holding import locked
from remediation.engine.operations import Operation
from remediation.engine.outcome import Outcome, end, failed, interrupted, proof, ways_on
from remediation.engine.putting_back import let_go, put_back
from remediation.engine.run import Run
from remediation.model.api import Api
from remediation.model.changes import Change, impacts
from remediation.model.diffing import State
from remediation.model.errors import LockLost, RunbookError, Stopped, StoreProblem, Unhealthy
from remediation.model.status import Status


def nothing_to_undo(run: Run) -> Outcome | None:
    """Return the end of a rollback that has nothing to do, None when there is something."""
    if run.status == "rolled_back":
        return Outcome(Status.ROLLED_BACK, run_id=run.id, notes=["it was rolled back before; nothing was changed"])
    if not run.begun and run.status != "running":  # one that was killed before its first change still holds its lock
        return Outcome(Status.ALREADY_OK, run_id=run.id, notes=["this run changed nothing, so nothing is to be undone"])
    return None


def rollback_plan(run: Run, api: Api) -> State:
    """Return what a rollback would change and check, in order, as the ``plan`` of the JSON document. Writes nothing.

    Raises:
        Drifted: somebody has changed the same field since.
        Irreversible: a change is in place that cannot be put back.
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
    return {"fingerprint": None, "changes": shown, "impact": impacts(changes), "already_ok": [], "checks": checks}


def _reversals(run: Run, api: Api, undo: Sequence[Operation] = (), *, temporary: bool) -> list[Change]:
    """Return what puts the changes back, in order: first those that the runbook's own undo names."""
    named = [item.of for item in undo if item.kind == "undo"]
    changes = [index for index, item in enumerate(run.operations) if item.change and item.change.temporary is temporary]
    ordered = sorted(changes, key=lambda index: (index not in named, -index))
    return [reverse for index in ordered if (reverse := _reverse(run, index, api)) is not None]


def _reverse(run: Run, index: int, api: Api) -> Change | None:
    """Return what puts one change back, be it that its operation has to end first."""
    change = run.operations[index].change
    if change is None or not is_underway(run, index, api):
        return reverse_of(run, index, api)
    if not change.reversible:
        raise irreversible(change, run)
    return replace(change.reverse(), note="the operation that runs there is waited for first")


def rollback_run(run: Run, api: Api, observer: Observer, wait: float | None = None) -> Outcome:
    """Undo exactly what a run changed, in reverse order; looks at everything before it touches anything.

    ``wait`` is how many seconds to wait for other runs on the same objects.

    Raises:
        Locked: another process works on the run or its target; nothing is recorded.
        Drifted, Irreversible: as `rollback_plan`.
    """
    try:
        with api.stop.heeded(), locked(run, api, wait, observer.held_up):
            if (done := nothing_to_undo(run)) is not None:
                return done
            if any(long_write(run, api, index) for index in range(len(run.operations))):
                require_undoable(run, api)
                await_operations(run, api, observer)  # how each ended is on record now
            plan = rollback_plan(run, api)
            run.note("run.rolling_back", {"holder": run.holder} | run.by)
            return _rolled_back(run, Executor(run, api, observer), plan)
    except (KeyboardInterrupt, Stopped) as asked:
        return interrupted(run, asked)
    except LockLost as problem:
        return failed(run, problem)


def _rolled_back(run: Run, executor: Executor, plan: State) -> Outcome:
    try:
        put_back(run, executor)
    except Unhealthy as problem:
        problem.next = ways_on(run)
        return end(run, Status.UNHEALTHY, 5, proof(executor.results), problem)
    except StoreProblem as problem:
        with executor.api.stop.shielded():
            let_go(run, executor)
        return failed(run, problem)
    except Stopped:
        raise
    except RunbookError as problem:
        return failed(run, problem)
    except Exception as bug:
        bug.add_note(f"run {run.id}")
        raise
    outcome = end(run, Status.ROLLED_BACK, 0, proof(executor.results) if executor.results else None)
    outcome.plan = run.created["plan"] | {"changes": plan["changes"]}
    return outcome
