"""All runs as a list shows them, from their summaries; of entries of one form, one is read to see whether they can be."""

from __future__ import annotations

from remediation.engine.listed import ended, iso, said, unreadable
from remediation.journal import Event, Journal, Summary
from remediation.journal.holder import is_dead
from remediation.journal.protocol import DAMAGED, TWICE
from remediation.model.commands import joined
from remediation.model.diffing import State
from remediation.model.errors import Unreadable


def lines(journal: Journal, most: int | None = None) -> list[State]:
    """Return the newest runs, or all, newest first, as ``runbook runs -o json`` prints them."""
    found = journal.runs(most)
    forms = {form: position for item in found for form, position in item.shapes.items()}
    reasons = {form: why for form, position in forms.items() if (why := _why_not(journal, form, position))}
    return [_line(item, next((reasons[form] for form in item.shapes if form in reasons), "")) for item in found]


def _line(item: Summary, why: str) -> State:
    line: State = {"run_id": item.run_id, **said(item.about), "status": _status(item), "proven": ended(item.verify)}
    line |= {"started": iso(item.started), "finished": iso(item.finished)}
    if not why:
        return line
    problem = unreadable(item.run_id, why)
    error = {"summary": problem.summary, "detail": problem.detail, "next": joined(problem.next)}
    return line | {"status": "unknown", "proven": None, "error": error}


def _status(item: Summary) -> str:
    return "interrupted" if item.status == "running" and is_dead(item.holder) else item.status


def _why_not(journal: Journal, form: str, position: int) -> str:
    known = {TWICE: "two runs have its id", DAMAGED: "its row in the list of runs is damaged"}
    return known.get(form) or _unread(journal.event(position))


def _unread(event: Event) -> str:
    from remediation.engine.reading import require_readable  # noqa: PLC0415 - an empty list needs no engine

    try:
        require_readable(event)
    except Unreadable as problem:
        return problem.summary
    return ""
