"""The one JSON document of a verb, for whoever prints, stores or sends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from remediation.model.commands import joined
from remediation.model.diffing import State
from remediation.model.errors import RunbookError

if TYPE_CHECKING:
    from remediation.engine.outcome import Outcome

# Returns what to type next after an error.
Next = Callable[[RunbookError], str]


def as_it_says(problem: RunbookError) -> str:
    """Return what an error says to type next, where nobody knows more of the command that was typed."""
    return joined(problem.next)


def document(name: str | None, row: str | None, target: State, outcome: Outcome, following: Next = as_it_says) -> State:
    """Return how a verb ended as a document.

    Args:
        name: the runbook; None where none was found.
        row: its id.
        target: the coordinates of what it acted on.
        outcome: how it ended.
        following: returns what to type next after an error.
    """
    problem = outcome.error
    return {
        "run_id": outcome.run_id,
        "runbook": name,
        "id": row,
        "target": target,
        "status": str(outcome.status),
        "plan": outcome.plan or {"fingerprint": None, "changes": [], "already_ok": [], "checks": []},
        "verify": outcome.verify or {"status": "not run", "checks": []},
        "error": {"summary": problem.summary, "detail": problem.detail, "next": following(problem)}
        if problem
        else None,
    }
