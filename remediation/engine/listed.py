"""What a list of runs says of one, also of one that cannot be read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from remediation.journal import Event
from remediation.model.addresses import shown_target
from remediation.model.commands import command, joined
from remediation.model.diffing import State
from remediation.model.errors import RunbookError, Unreadable

_WHO = ("actor", "ticket", "reason")
_VERBS = {"run.created": "run", "run.resumed": "resume", "run.rolling_back": "rollback"}
_SAID = ("runbook", "id", "target", "actor", "ticket", "reason", "parameters")


def said(created: Any) -> State:
    """Return what a run says of itself; None for what it does not say."""
    found = {name: created.get(name) if isinstance(created, dict) else None for name in _SAID}
    return found | {"target": shown_target(found["target"])}


def proven(results: Sequence[State]) -> str:
    """Return how many checks passed and why the others did not: ``1 of 2 proven (the log says so: it cannot be read)``."""
    others = [f"{item['check']}: {item['detail'] or item['status']}" for item in results if item["status"] != "ok"]
    counted = f"{len(results) - len(others)} of {len(results)} proven"
    return f"{counted} ({'; '.join(others)})" if others else counted


def ended(verify: State | None) -> str | None:
    """Return what was proven when a run ended; None when nothing was asked."""
    checks = (verify or {}).get("checks")
    return proven(checks) if checks else None


def who(payload: State) -> str:
    """Return who is behind an entry, in words: ``alice, ticket CHG-1: why``; empty when it does not say."""
    ticket = f", ticket {payload['ticket']}" if payload.get("ticket") else ""
    reason = f": {payload['reason']}" if payload.get("reason") else ""
    return f"{payload['actor']}{ticket}{reason}" if payload.get("actor") else ""


def verbs(events: Sequence[Event]) -> list[State]:
    """Return who ran, resumed and rolled back a run, and when; None for what an entry does not say."""
    return [
        {"verb": _VERBS[event.kind], "time": iso(event.time)} | {name: event.payload.get(name) for name in _WHO}
        for event in events
        if event.kind in _VERBS
    ]


def unread(created: Event, problem: RunbookError) -> State:
    """Return the line of ``runbook runs -o json`` for a run that cannot be read, with the reason as its ``error``."""
    error = {"summary": problem.summary, "detail": problem.detail, "next": joined(problem.next)}
    times = {"started": iso(created.time), "finished": None}
    return {
        "run_id": created.run_id,
        **said(created.payload),
        "status": "unknown",
        "proven": None,
        **times,
        "error": error,
    }


def unreadable(run_id: str, why: str) -> Unreadable:
    """Return the error for a run that this version cannot read."""
    summary = f"run {run_id} cannot be read by this version: {why}"
    return Unreadable(summary, "nothing was changed", command("runbook", "runs", run_id, "-o", "json"))


def iso(seconds: float | None) -> str | None:
    """Return a time as people and programs read it, in UTC."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
