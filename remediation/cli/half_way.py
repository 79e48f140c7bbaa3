"""Runs that were left half-way, told where somebody is about to do more on the same target."""

from __future__ import annotations

import time
from collections.abc import Iterable

from remediation.cli.console import style
from remediation.cli.hints import here
from remediation.cli.layout import labelled
from remediation.cli.question import name
from remediation.cli.run_list import age
from remediation.model.commands import joined
from remediation.model.diffing import State
from remediation.verbs import Run, iso, ways_on


def as_json(runs: Iterable[Run]) -> list[State]:
    """Return them for a program: which, of whom, and what finishes them."""
    return [
        {
            "run_id": run.id,
            "runbook": run.name,
            "actor": run.created.get("actor"),
            "started": iso(run.started),
            "next": joined(here(ways_on(run))),
        }
        for run in runs
    ]


def notes(runs: Iterable[Run]) -> list[str]:
    """Return them for a person, each with the commands that finish it."""
    found = []
    for run in runs:
        found += labelled("note:  ", told(run))
        found += ["       " + style(str(way), bold=True) for way in here(ways_on(run))]
    return found


def told(run: Run) -> str:
    """Return one of them in a sentence."""
    who = run.created.get("actor") or "somebody"
    where = name(run.created["target"])
    return f"run {run.id} ({run.name}) of {who} stopped half-way on {where}, {age(run.started, time.time())} ago"
