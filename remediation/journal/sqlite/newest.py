"""The newest runs of a file that may not be there; nothing is written, not even the file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from remediation.model.arguments import is_run_id

_PRESENT = "SELECT run_id, about FROM summaries ORDER BY position DESC LIMIT 50"
# Of an earlier version, which nobody has carried on yet.
_FORMER = "SELECT run_id, payload FROM events WHERE kind = 'run.created' ORDER BY sequence DESC LIMIT 50"


def newest(path: Path) -> list[tuple[str, str]]:
    """Return run and runbook, newest first; empty where there is no journal that can be read."""
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)) as database:
            return [(run, str(json.loads(about).get("runbook"))) for run, about in _rows(database) if is_run_id(run)]
    except (sqlite3.Error, ValueError):
        return []


def _rows(database: sqlite3.Connection) -> Iterable[tuple[str, str]]:
    made = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'summaries'").fetchone()
    return database.execute(_PRESENT if made else _FORMER)
