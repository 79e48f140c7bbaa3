"""How a verb on a run ends: the parts of the JSON document, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field

from remediation.engine.listed import proven
from remediation.engine.run import Run
from remediation.model.commands import Hints, command, for_runbook, joined
from remediation.model.diffing import State
from remediation.model.errors import Interrupted, LockLost, RollbackRefused, RunbookError, Stopped, StoreProblem
from remediation.model.status import Status

_FAILED, _REFUSED = 1, 3


@dataclass
class Outcome:
    """How a verb ended: the JSON document in parts, and the exit code.

    Attributes:
        following: what to type next, where it is not what follows the status after a run.
    """

    status: Status
    exit_code: int = 0
    run_id: str | None = None
    plan: State | None = None
    verify: State | None = None
    error: RunbookError | None = None
    notes: list[str] = field(default_factory=list)
    following: Hints | None = None


def proof(results: list[State]) -> State:
    """Sum up answered checks: ``ok`` needs at least one, and that every one passed, so nothing is green on nothing."""
    answers = [item["status"] for item in results]
    worst = next((status for status in ("failing", "unknown") if status in answers), "ok" if answers else "unknown")
    return {"status": worst, "summary": proven(results), "checks": results}


def judged(verify: State) -> Status:
    """Return what a proof makes of a run that did all of its plan; the same for every verb and list."""
    if verify["status"] != "unknown":
        return Status.VERIFIED if verify["status"] == "ok" else Status.UNHEALTHY
    undecided = any(item["required"] and item["status"] == "unknown" for item in verify["checks"])
    return Status.UNKNOWN if undecided or not verify["checks"] else Status.APPLIED


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
    return (
        None
        if problem is None
        else {"summary": problem.summary, "detail": problem.detail, "next": joined(problem.next)}
    )


def failed(run: Run, problem: RunbookError, verify: State | None = None) -> Outcome:
    """Return the end of a run that an error stopped: what is in place now, and the ways on where something had begun."""
    try:
        return _failed(run, problem, verify)
    except LockLost as taken:  # the record is another process's by now
        if not isinstance(problem, LockLost):
            taken.detail = f"{taken.detail}; before that: {problem.summary}"
        return Outcome(Status.FAILED, taken.exit_code, run.id, run.created["plan"], verify, taken)
    except StoreProblem as silent:
        if not isinstance(problem, StoreProblem):
            problem.detail = f"{problem.detail}; the journal does not know: {silent.detail}"
        return Outcome(Status.FAILED, _FAILED, run.id, run.created["plan"], verify, problem)


def _failed(run: Run, problem: RunbookError, verify: State | None) -> Outcome:
    problem.next = for_runbook(problem.next, run.name)
    if not run.begun:
        recorded = "" if isinstance(problem, StoreProblem) else problem.detail
        problem.detail = recorded or "; ".join(filter(None, (problem.detail, "nothing was changed")))
        status = Status.REFUSED if problem.exit_code == _REFUSED else Status.FAILED
        return end(run, status, problem.exit_code, verify, problem)
    first = problem.next if isinstance(problem, StoreProblem) else ()
    problem.next, problem.detail = first + ways_on(run), _in_place(run, problem)
    status = Status(problem.status) if isinstance(problem, RollbackRefused) else Status.FAILED
    return end(run, status, once_changed(problem), verify, problem)


def once_changed(problem: RunbookError) -> int:
    """Return the exit code of an error that stopped a run after its first change: 3 means that nothing was changed."""
    return _FAILED if problem.exit_code == _REFUSED else problem.exit_code


def _in_place(run: Run, problem: RunbookError) -> str:
    left = run.in_place
    now = (
        f"changed by this run, and not put back: {', '.join(left)}" if left else "everything it had changed is put back"
    )
    reason = problem.detail if problem.detail != "nothing was changed" else ""
    return f"{reason}; {now}" if reason else now


def interrupted(run: Run, asked: BaseException) -> Outcome:
    """Return the end of a verb on an earlier run that somebody stopped; raises Interrupted where it still waited for its lock."""
    if not run.epoch:
        raise Interrupted(
            "interrupted while another run was waited for", "nothing was changed", command("runbook", "runs", run.id)
        )
    return failed(run, interruption(run, asked))


def interruption(run: Run, asked: BaseException) -> Interrupted:
    """Return the error for a run that is asked to end: by a second Ctrl-C, or by its token with the reason."""
    reason = asked.detail if isinstance(asked, Stopped) else ""
    return Interrupted(f"run {run.id} was interrupted", reason, ways_on(run))


def ways_on(run: Run) -> Hints:
    """Return what to type next; a run that is being rolled back cannot be finished any more."""
    verbs = ("rollback",) if run.is_rolling_back else ("resume", "rollback")
    return tuple(command("runbook", verb, run.id) for verb in verbs)
