"""The journal in one SQLite file: WAL, ``synchronous=FULL``, readable by its owner only."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from remediation.errors import Refused, RunbookError, Tampered
from remediation.journal.events import Event
from remediation.journal.leases import LEASES, Leases, refuse_older

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
  sequence INTEGER PRIMARY KEY, run_id TEXT NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL,
  payload TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_of_run ON events (run_id, sequence);
CREATE INDEX IF NOT EXISTS events_of_kind ON events (kind, sequence);
CREATE TRIGGER IF NOT EXISTS events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""
_COLUMNS = "sequence, run_id, time, kind, payload, previous, digest"


class Journal:
    """Append and read events; hold leases for targets that have no lock of their own.

    Args:
        path: the database file; its folder is made when missing.

    Raises:
        RunbookError: the file cannot be opened or is not a journal.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA + LEASES)
        except (OSError, sqlite3.Error) as problem:
            raise RunbookError(
                f"the journal {path} cannot be opened: {problem}", next="choose another with --store FILE"
            ) from problem

    @property
    def leases(self) -> Leases:
        """The leases of this store, and its epochs."""
        return Leases(self._transaction)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guard:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def append(self, run_id: str, kind: str, payload: dict[str, Any], epoch: int | None = None) -> Event:
        """Add one event; it is on disk when this returns. Raises LockLost when a later ``epoch`` of the run was drawn."""
        payload = json.loads(json.dumps(payload))
        with self._transaction() as database:
            refuse_older(database, run_id, epoch)
            row = database.execute(f"SELECT {_COLUMNS} FROM events ORDER BY sequence DESC LIMIT 1").fetchone()  # noqa: S608 - constant text
            event = Event.after(_event(row) if row else None, run_id, time.time(), kind, payload)
            database.execute("INSERT INTO events VALUES (?,?,?,?,?,?,?)", _row(event))
        return event

    def events(self, run_id: str = "", kind: str = "") -> list[Event]:
        """Return the events of a run, or of a kind, or all, oldest first."""
        where, values = ["1"], []
        for column, value in (("run_id", run_id), ("kind", kind)):
            if value:
                where.append(f"{column} = ?")
                values.append(value)
        query = f"SELECT {_COLUMNS} FROM events WHERE {' AND '.join(where)} ORDER BY sequence"  # noqa: S608 - column names are ours
        with self._guard:
            return [_event(row) for row in self._connection.execute(query, values)]

    def verify(self) -> tuple[int, str]:
        """Return how many events there are and the last digest; raises Tampered at the first one that was changed."""
        previous = None
        for event in self.events():
            if not event.intact(previous):
                raise Tampered(
                    f"event {event.sequence} of run {event.run_id} was changed after it was written",
                    "the hash chain breaks there; nothing from there on can be trusted",
                    f"restore {self.path} from a backup, and find out who wrote to it",
                )
            previous = event
        return (previous.sequence, previous.digest) if previous else (0, "")

    def digest_key(self) -> bytes:
        """Return this store's own key, with which secret values are fingerprinted."""
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO settings VALUES ('digest_key', ?)", (secrets.token_bytes(32),))
            key: bytes = database.execute("SELECT value FROM settings WHERE name = 'digest_key'").fetchone()[0]
        return key

    def setting(self, name: str, value: str | None = None) -> str | None:
        """Return a setting of this store, after setting it when a value is given."""
        with self._transaction() as database:
            if value is not None:
                database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value.encode()))
            row = database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]).decode() if row else None

    def find(self, run_id: str) -> str:
        """Return the full id of a run from its start, or ``last``; raises Refused when none or several match."""
        ids = [event.run_id for event in self.events(kind="run.created")]
        matching = (
            ids[-1:]
            if run_id == "last"
            else [item for item in ids if item == run_id] or [item for item in ids if item.startswith(run_id)]
        )
        if len(matching) != 1:
            what = f"{len(matching)} runs start with" if matching else "the journal has no run"
            raise Refused(f"{what} {run_id!r} in {self.path}", next="runbook runs")
        return matching[0]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _row(event: Event) -> tuple[Any, ...]:
    return (
        event.sequence,
        event.run_id,
        event.time,
        event.kind,
        json.dumps(event.payload),
        event.previous,
        event.digest,
    )


def _event(row: tuple[Any, ...]) -> Event:
    return Event(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5], row[6])
