"""Leases in the file, for targets that have no lock of their own, and the epochs that fence off earlier holders."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

from remediation.journal.protocol import Lease
from remediation.journal.sqlite.times import now


class SqliteLeases:
    """Take, renew and give back leases.

    Args:
        transaction: begins a transaction of the store that excludes every other writer.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[sqlite3.Connection]]) -> None:
        self._transaction = transaction

    def look(self, name: str) -> Lease | None:
        """Return a lease, None when nobody has it."""
        with self._transaction() as database:
            return _present(database, name)

    def take(self, name: str, holder: str, seconds: float, over: Lease | None = None) -> Lease | None:
        """Take a lease that is free, ours, or still as ``over`` was read; else return whose it is."""
        with self._transaction() as database:
            present, time = _present(database, name), now(database)
            if present and present.holder != holder and (over is None or present.token != over.token):
                return present
            since = present.since if present and present.holder == holder else time
            database.execute("INSERT OR REPLACE INTO leases VALUES (?,?,?,?)", (name, holder, since, time + seconds))
        return None

    def renew(self, name: str, holder: str, seconds: float) -> bool:
        """Renew a lease; False when it is not ours any more. What others see of it changes, whatever the clock does."""
        renewed = "UPDATE leases SET expires = max(expires + 0.001, ?) WHERE name = ? AND holder = ?"
        with self._transaction() as database:
            return database.execute(renewed, (now(database) + seconds, name, holder)).rowcount == 1

    def release(self, name: str, holder: str) -> None:
        """Give a lease back if it is still ours."""
        with self._transaction() as database:
            database.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))

    def next_epoch(self, run_id: str) -> int:
        """Return a number that is larger than any before for this run; from now on older holders cannot write to it."""
        with self._transaction() as database:
            database.execute(
                "INSERT INTO epochs VALUES (?, 1) ON CONFLICT (run_id) DO UPDATE SET epoch = epoch + 1", (run_id,)
            )
            return epoch_of(database, run_id)


def epoch_of(database: sqlite3.Connection, run_id: str) -> int:
    """Return the newest acquisition of the locks of a run."""
    row = database.execute("SELECT epoch FROM epochs WHERE run_id = ?", (run_id,)).fetchone()
    return int(row[0]) if row else 0


def _present(database: sqlite3.Connection, name: str) -> Lease | None:
    row = database.execute("SELECT holder, since, expires FROM leases WHERE name = ?", (name,)).fetchone()
    return Lease(row[0], row[1], row[2], row[2] - now(database)) if row else None
