"""Runs that stopped half-way and that nobody has finished or rolled back since."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from remediation.engine.finishing import resumable, unfinished
from remediation.engine.run import Run
from remediation.journal import Journal
from remediation.model.api import Api
from remediation.model.errors import ApiError, RunbookError
from remediation.model.targets import Target

# How a run is recorded that was killed, interrupted or stopped by an error, or that nobody could prove on its way.
_STATUSES = ("running", "failed", "unknown")
_MOST_LOOKED_AT = 20


def left_open(journal: Journal, here: Callable[[Run], bool]) -> list[Run]:
    """Return the newest runs that were left half-way, newest first; ``here`` picks those of one place.

    One that cannot be read is not among them: the list of runs says so.
    """
    read = (_read(journal, item.run_id) for item in journal.runs(_MOST_LOOKED_AT, *_STATUSES))
    return [run for run in read if run is not None and is_left_open(run) and here(run)]


def on_target(target: Target, api: Api) -> Callable[[Run], bool]:
    """Return whether a run was made on this target: at its address, or on the same cluster at another one."""
    name = "server" if target.kind == "cluster" else "project"
    uid = cache(lambda: _uid(api))

    def here(run: Run) -> bool:
        if run.target_kind.kind != target.kind:
            return False
        recorded = run.created.get("target_uid")
        at_address = bool(run.created["target"].get(name) == target.as_json().get(name))
        return at_address or bool(recorded and recorded == uid())

    return here


def _uid(api: Api) -> str:
    try:
        return str(api.target_uid())
    except ApiError:
        return ""  # whoever asked it for more says so


def is_left_open(run: Run) -> bool:
    """Tell whether a run was stopped with something in place, or before anybody could say that nothing is."""
    if run.status == "failed":
        return bool(run.in_place)
    return run.shown_status == "interrupted" or (run.status == "unknown" and resumable(run) and unfinished(run))


def _read(journal: Journal, run_id: str) -> Run | None:
    try:
        return Run.load(journal, run_id)
    except RunbookError:
        return None
