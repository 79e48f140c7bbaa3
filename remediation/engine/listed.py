"""What a list of runs says of one, also of one that cannot be read."""

from __future__ import annotations

import time
from typing import Any

from remediation.diffing import State
from remediation.errors import RunbookError
from remediation.journal import Event

_SAID = ("runbook", "id", "target", "actor", "ticket", "reason")


def said(created: Any) -> State:
    """Return what a run says of itself; None for what it does not say."""
    return {name: created.get(name) if isinstance(created, dict) else None for name in _SAID}


def unread(created: Event, problem: RunbookError) -> State:
    """Return the line of ``runbook runs -o json`` for a run that cannot be read, with the reason as its ``error``."""
    error = {"summary": problem.summary, "detail": problem.detail, "next": problem.next}
    times = {"started": iso(created.time), "finished": None}
    return {"run_id": created.run_id, **said(created.payload), "status": "unknown", **times, "error": error}


def iso(seconds: float | None) -> str | None:
    """Return a time as people and programs read it, in UTC."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
