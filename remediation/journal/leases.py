"""Leases in the store, for targets that have no lock of their own, and the epochs that fence off earlier holders."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from remediation.model.commands import command
from remediation.model.errors import LockLost

LEASES = """
CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, since REAL NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS epochs (run_id TEXT PRIMARY KEY, epoch INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class Lease:
    """One lease as it was read. ``left`` is how many seconds it has by the store's clock."""

    holder: str
    since: float
    expires: float
    left: float

    @property
    def token(self) -> tuple[str, float, float]:
        """What no two renewals have in common."""
        return self.holder, self.since, self.expires


class Leases:
    """Take, renew and give back leases; a lease is only ever taken from a holder by naming what was seen of it.

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
            present, now = _present(database, name), _now(database)
            if present and present.holder != holder and (over is None or present.token != over.token):
                return present
            since = present.since if present and present.holder == holder else now
            database.execute("INSERT OR REPLACE INTO leases VALUES (?,?,?,?)", (name, holder, since, now + seconds))
        return None

    def renew(self, name: str, holder: str, seconds: float) -> bool:
        """Renew a lease; False when it is not ours any more. What others see of it changes, whatever the clock does."""
        renewed = "UPDATE leases SET expires = max(expires + 0.001, ?) WHERE name = ? AND holder = ?"
        with self._transaction() as database:
            return database.execute(renewed, (_now(database) + seconds, name, holder)).rowcount == 1

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
            return _epoch(database, run_id)


def refuse_older(database: sqlite3.Connection, run_id: str, epoch: int | None) -> None:
    """Raise LockLost when a later holder works on the run; part of the transaction that adds the entry."""
    if epoch is not None and epoch < _epoch(database, run_id):
        raise LockLost(
            f"the lock of the target was lost: another process has taken over run {run_id}",
            "this process writes nothing any more, neither to the target nor to the journal",
            command("runbook", "runs", run_id),
        )


def _epoch(database: sqlite3.Connection, run_id: str) -> int:
    row = database.execute("SELECT epoch FROM epochs WHERE run_id = ?", (run_id,)).fetchone()
    return int(row[0]) if row else 0


def _present(database: sqlite3.Connection, name: str) -> Lease | None:
    row = database.execute("SELECT holder, since, expires FROM leases WHERE name = ?", (name,)).fetchone()
    return Lease(row[0], row[1], row[2], row[2] - _now(database)) if row else None


def _now(database: sqlite3.Connection) -> float:
    """Return the store's own clock in seconds since 1970."""
    return float(database.execute("SELECT (julianday('now') - 2440587.5) * 86400.0").fetchone()[0])
