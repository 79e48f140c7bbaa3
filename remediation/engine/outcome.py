"""How a verb on a run ends: the parts of the JSON document, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field

from remediation.diffing import State
from remediation.engine.execution import Executor
from remediation.engine.run import Run
from remediation.errors import Drifted, Interrupted, RunbookError
from remediation.model import Status


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


def end(
    run: Run,
    status: Status,
    exit_code: int,
    verify: State | None = None,
    error: RunbookError | None = None,
    notes: list[str] | None = None,
) -> Outcome:
    """Record the end of a run and return it."""
    run.end(status, verify, _error(error))
    return Outcome(status, exit_code, run.id, run.created["plan"], verify, error, notes or [])


def _error(problem: RunbookError | None) -> State | None:
    return None if problem is None else {"summary": problem.summary, "detail": problem.detail, "next": problem.next}


def failed(run: Run, problem: RunbookError) -> Outcome:
    """Return the end of a run that an error stopped, with the ways on where something had begun."""
    if any(progress not in ("untouched", "undone") for progress in run.progress.values()):
        problem.next, problem.detail = _ways_on(run), problem.detail or "what it had begun is in the journal"
        return end(
            run,
            Status(problem.status) if isinstance(problem, Drifted) else Status.FAILED,
            problem.exit_code,
            error=problem,
        )
    problem.detail = problem.detail or "nothing was changed"
    return end(run, Status.REFUSED if problem.exit_code == 3 else Status.FAILED, problem.exit_code, error=problem)


def interruption(run: Run) -> Interrupted:
    """Return the error for Ctrl-C or a polite kill."""
    return Interrupted(f"run {run.id} was interrupted", next=_ways_on(run))


def _ways_on(run: Run) -> str:
    """Return what to type next; a run that is being rolled back cannot be finished any more."""
    return (
        f"runbook rollback {run.id}"
        if run.is_rolling_back
        else f"runbook resume {run.id}  or  runbook rollback {run.id}"
    )


def restore_temporary(run: Run, executor: Executor) -> None:
    """Put back what was changed only for as long as the run lasts."""
    for operation in run.operations:
        if operation.kind == "restore":
            executor.undo(operation.of)


def undo_all(run: Run, executor: Executor) -> None:
    """Put every change back, the last one first."""
    for index in reversed(range(len(run.operations))):
        if run.operations[index].kind == "change":
            executor.undo(index)
