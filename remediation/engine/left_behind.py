"""What another run has left in place: whose it is, and who can take it away."""

from __future__ import annotations

from remediation.model.api import Api
from remediation.model.commands import command
from remediation.model.errors import LeftBehind


def told(problem: LeftBehind, scope: str, api: Api) -> LeftBehind:
    """Return the refusal with the commands that end a run of this journal, or with the owner of one that it lacks."""
    run = problem.run_id
    if run and api.has_run(run):
        problem.next = tuple(command("runbook", verb, run) for verb in ("resume", "rollback"))
    elif run:
        owner = api.held_by(scope)
        who = f"{owner} can finish or undo it there" if owner else "only where it was made can it be finished or undone"
        problem.detail = f"this journal does not have that run; {who}; nothing was changed"
    return problem
