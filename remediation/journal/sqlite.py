"""The journal in one SQLite file: WAL, ``synchronous=FULL``, readable by its owner only."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from remediation.journal.chain import around, require_intact
from remediation.journal.damage import gone, is_busy, told
from remediation.journal.events import Event, parsed
from remediation.journal.leases import LEASES, Leases, refuse_older
from remediation.journal.summaries import SUMMARIES, Summary, behind, catch_up, newest_first, plain
from remediation.model.commands import advice, command
from remediation.model.errors import Refused, StoreProblem, Tampered
from remediation.model.lasting import lasting

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
T = TypeVar("T")
_AFTER_ALL = 1.0
_ANY = "surrogatepass"  # also what is no proper text
_COLUMNS = "sequence, run_id, time, kind, payload, previous, digest"


class Journal:
    """Append and read events; hold leases for targets that have no lock of their own.

    Args:
        path: the database file; its folder is made when missing.
        patience: how many seconds to wait while another process keeps the file locked.

    Raises:
        StoreProblem: the file cannot be opened or is not a journal; every other method raises it when it fails later.
    """

    def __init__(self, path: Path, patience: float = 60.0) -> None:
        self.path, self._patience = path, patience
        self._guard = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as problem:
            raise StoreProblem(
                f"the journal {path} cannot be opened: {problem}", next=advice("choose another with --store FILE")
            ) from problem
        self._file = _identity(path)
        with self._telling():
            self._connection = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
            self._connection.text_factory = _text
            script = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA + LEASES + SUMMARIES
            self._patiently(lambda: self._connection.executescript(script))

    @property
    def leases(self) -> Leases:
        """The leases of this store, and its epochs."""
        return Leases(self._transaction)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            raise told(self.path, problem) from problem

    def _patiently(self, do: Callable[[], T]) -> T:
        """Repeat while another process has the file locked; in small steps, so that Ctrl-C is heard."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return do()
            except sqlite3.Error as problem:
                if not is_busy(problem):
                    raise
                if time.monotonic() > deadline:
                    self._patience = _AFTER_ALL  # who has waited in vain does not wait as long again
                    raise

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._guard, self._telling():
            return self._patiently(lambda: self._connection.execute(query, values).fetchall())

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guard, self._telling():
            if _identity(self.path) != self._file:
                raise gone(self.path)
            self._patiently(lambda: self._connection.execute("BEGIN IMMEDIATE"))
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite itself has ended it where the disk is full
                    self._connection.execute("ROLLBACK")
                raise

    @lasting
    def begin(self, draw: Callable[[], str], payload: Callable[[str], dict[str, Any]]) -> Event:
        """Add the first event of a run, under the first drawn id that no other run has."""
        with self._transaction() as database:
            run_id = next(found for found in iter(draw, "") if not _is_taken(database, found))
            return _add(database, run_id, "run.created", payload(run_id))

    @lasting
    def append(self, run_id: str, kind: str, payload: dict[str, Any], epoch: int | None = None) -> Event:
        """Add one event; it is on disk when this returns. Raises LockLost when a later ``epoch`` of the run was drawn."""
        with self._transaction() as database:
            refuse_older(database, run_id, epoch)
            if kind == "run.created" and _is_taken(database, run_id):
                raise Refused(
                    f"there is a run {run_id} already", "nothing was changed", command("runbook", "runs", run_id)
                )
            return _add(database, run_id, kind, payload)

    def runs(self, most: int | None = None, *statuses: str) -> list[Summary]:
        """Return a summary of the newest runs, or of all, newest first; of all statuses unless some are named."""
        self._catch_up()
        with self._guard, self._telling():
            return self._patiently(lambda: newest_first(self._connection, most, statuses))

    def count_runs(self) -> int:
        """Return how many runs there are."""
        return int(self._rows("SELECT count(*) FROM runs")[0][0])

    def with_entry(self, kind: str) -> list[str]:
        """Return the ids of the runs that have an entry of a kind, the one with the newest first."""
        query = "SELECT run_id FROM events WHERE kind = ? GROUP BY run_id ORDER BY max(sequence) DESC"
        return [row[0] for row in self._rows(query, (kind,))]

    def began_after(self, sequence: int, run_id: str, address: str) -> list[str]:
        """Return the ids of the other runs that have begun to change an object after an entry, the newest first."""
        query = (
            "SELECT run_id FROM events WHERE kind = 'change.intended' AND sequence > ? AND run_id <> ?"
            " AND CASE WHEN json_valid(payload) THEN json_extract(payload, '$.address') = ? END"
            " GROUP BY run_id ORDER BY max(sequence) DESC"
        )
        return [row[0] for row in self._rows(query, (sequence, run_id, plain(address)))]

    def _catch_up(self) -> None:
        """Read what another version of this program, which keeps no summaries, has added."""
        with self._guard, self._telling():
            late = self._patiently(lambda: behind(self._connection))
        if late:
            with self._transaction() as database:
                catch_up(database)

    def event(self, sequence: int) -> Event:
        """Return one event by its number."""
        return _event(self._rows(f"SELECT {_COLUMNS} FROM events WHERE sequence = ?", (sequence,))[0])  # noqa: S608 - constant text

    def events(self, run_id: str = "", kind: str = "") -> list[Event]:
        """Return the events of a run, or of a kind, or all, oldest first."""
        where, values = ["1"], []
        for column, value in (("run_id", run_id), ("kind", kind)):
            if value:
                where.append(f"{column} = ?")
                values.append(value)
        query = f"SELECT {_COLUMNS} FROM events WHERE {' AND '.join(where)} ORDER BY sequence"  # noqa: S608 - column names are ours
        return [_event(row) for row in self._rows(query, values)]

    def intact(self, run_id: str) -> list[Event]:
        """Return the events of a run; raises Tampered when one of them, or a neighbour in the chain, was changed."""
        events = self.events(run_id)
        query = f"SELECT {_COLUMNS} FROM events WHERE sequence IN (SELECT value FROM json_each(?)) ORDER BY sequence"  # noqa: S608 - constant text
        newest = self._rows("SELECT max(sequence) FROM events")[0][0]
        near = [_event(row) for row in self._rows(query, (json.dumps(around(events)),))]
        require_intact(events, near, newest)
        return events

    def verify(self) -> tuple[int, str]:
        """Return how many events there are and the last digest; raises Tampered at the first one that was changed."""
        previous = None
        for event in self.events():
            if not event.intact(previous):
                raise Tampered(
                    f"event {event.sequence} of run {event.run_id} was changed after it was written",
                    "the hash chain breaks there; nothing from there on can be trusted",
                    advice("restore {} from a backup, and find out who wrote to it", str(self.path)),
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
                database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value.encode(errors=_ANY)))
            row = database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]).decode(errors=_ANY) if row else None

    def find(self, run_id: str) -> str:
        """Return the full id of a run from its start, or ``last``; raises Refused when none or several match."""
        self._catch_up()
        last, begins = (
            ("1 ORDER BY sequence DESC LIMIT 1", ()),
            ("substr(run_id, 1, ?) = ?", (len(run_id), plain(run_id))),
        )
        ways = [last] if run_id == "last" else [("run_id = ?", (plain(run_id),)), *([begins] if run_id else [])]
        for where, values in ways:
            matching = self._run_ids(where, values)
            if len(matching) == 1:
                return matching[0]
        if not self.count_runs():
            raise Refused(f"no run was made yet: the journal {self.path} is empty", next=command("runbook", "diagnose"))
        what = f"{len(matching)} runs start with {run_id!r} in" if matching else f"there is no run {run_id!r} in"
        raise Refused(f"{what} the journal {self.path}", next=command("runbook", "runs"))

    def _run_ids(self, where: str, values: tuple[Any, ...]) -> list[str]:
        return [row[0] for row in self._rows(f"SELECT run_id FROM runs WHERE {where}", values)]  # noqa: S608 - conditions are ours

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _text(raw: bytes) -> str:
    """Read any text, also one that somebody has damaged: it is told when the chain is verified."""
    return raw.decode(errors="surrogateescape")


def _is_taken(database: sqlite3.Connection, run_id: str) -> bool:
    query = "SELECT 1 FROM events WHERE run_id = ? AND kind = 'run.created'"
    return database.execute(query, (run_id,)).fetchone() is not None


def _add(database: sqlite3.Connection, run_id: str, kind: str, payload: dict[str, Any]) -> Event:
    row = database.execute(f"SELECT {_COLUMNS} FROM events ORDER BY sequence DESC LIMIT 1").fetchone()  # noqa: S608 - constant text
    event = Event.after(_event(row) if row else None, run_id, time.time(), kind, json.loads(json.dumps(payload)))
    values = (event.sequence, run_id, event.time, kind, json.dumps(event.payload), event.previous, event.digest)
    database.execute("INSERT INTO events VALUES (?,?,?,?,?,?,?)", values)
    catch_up(database)
    return event


def _event(row: tuple[Any, ...]) -> Event:
    return Event(row[0], row[1], row[2], row[3], parsed(row[4]), row[5], row[6])
