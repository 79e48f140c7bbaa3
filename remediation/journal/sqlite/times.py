"""The clock of the store: the one that all who share it go by."""

from __future__ import annotations

import sqlite3


def now(database: sqlite3.Connection) -> float:
    """Return seconds since 1970, to the millisecond."""
    return float(database.execute("SELECT (julianday('now') - 2440587.5) * 86400.0").fetchone()[0])
