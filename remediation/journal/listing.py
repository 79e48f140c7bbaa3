"""The newest runs of a journal that may not be there; nothing is written, not even the file."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from remediation.model.arguments import is_run_id

_NEWEST = "SELECT run_id, payload FROM events WHERE kind = 'run.created' ORDER BY sequence DESC LIMIT 50"


def newest(path: Path) -> list[tuple[str, str]]:
    """Return run and runbook, newest first; empty where there is no journal that can be read."""
    if not path.exists():
        return []
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)
        try:
            found = database.execute(_NEWEST)
            return [(run, str(json.loads(payload).get("runbook"))) for run, payload in found if is_run_id(run)]
        finally:
            database.close()
    except (sqlite3.Error, ValueError):
        return []
