"""The tables of a journal, and what becomes of one that an earlier version wrote."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from remediation.journal.events import GENESIS
from remediation.journal.sqlite.adding import add_link
from remediation.journal.sqlite.summaries import SUMMARIES, carry_on
from remediation.model.commands import advice
from remediation.model.errors import StoreProblem

_VERSION = 2
# Earlier versions wrote one chain for all runs. It stays as it is, under another name.
_FORMER = """
CREATE TABLE IF NOT EXISTS former_events (
  sequence INTEGER PRIMARY KEY, run_id TEXT NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL,
  payload TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS former_of_run ON former_events (run_id, sequence);
CREATE INDEX IF NOT EXISTS former_of_kind ON former_events (kind, sequence);
CREATE TRIGGER IF NOT EXISTS former_stay BEFORE UPDATE ON former_events BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS former_last BEFORE DELETE ON former_events BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, since REAL NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS epochs (run_id TEXT PRIMARY KEY, epoch INTEGER NOT NULL);
"""
_PRESENT = """
CREATE TABLE entries (
  position INTEGER PRIMARY KEY, run_id TEXT NOT NULL, sequence INTEGER NOT NULL, time INTEGER NOT NULL,
  kind TEXT NOT NULL, payload TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL);
CREATE UNIQUE INDEX entries_of_run ON entries (run_id, sequence);
CREATE INDEX entries_of_kind ON entries (kind, position);
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER entries_last BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE anchors (
  number INTEGER PRIMARY KEY, position INTEGER NOT NULL, run_id TEXT NOT NULL,
  entry TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL);
CREATE INDEX anchors_of_run ON anchors (run_id, number);
CREATE TRIGGER anchors_stay BEFORE UPDATE ON anchors BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER anchors_last BEFORE DELETE ON anchors BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE VIEW all_entries AS
  SELECT position, run_id, sequence, time, kind, payload, previous, digest FROM entries
  UNION ALL SELECT sequence, run_id,
    (SELECT count(*) FROM former_events AS f WHERE f.run_id = former_events.run_id AND f.sequence <= former_events.sequence),
    CAST(round(time * 1000) AS INTEGER), kind, payload, previous, digest FROM former_events;
"""
_COLUMNS = ["sequence", "run_id", "time", "kind", "payload", "previous", "digest"]
# An earlier version makes an index of `events` when it opens a journal, and tells what SQLite says of this row.
_SENTENCE = "a newer version of runbook keeps this journal, use that one"
_REFUSAL = "\n".join(
    [
        "CREATE TABLE events (sequence INTEGER PRIMARY KEY);",
        "INSERT INTO events VALUES (1);",
        *(f"ALTER TABLE events ADD COLUMN {name} AS (json_extract('{{}}', '{_SENTENCE}'));" for name in _COLUMNS[1:]),
    ]
)
_RENAME = """
ALTER TABLE events RENAME TO former_events;
DROP INDEX IF EXISTS events_of_run;
DROP INDEX IF EXISTS events_of_kind;
DROP TRIGGER IF EXISTS events_stay;
DROP TRIGGER IF EXISTS events_last;
"""


def prepare(database: sqlite3.Connection, path: Path) -> None:
    """Make the tables where there are none, and carry on a journal of an earlier version.

    Raises:
        StoreProblem: a later version keeps it, or it is something else.
    """
    database.execute("PRAGMA synchronous=FULL")
    if _version(database) == _VERSION:
        return
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("BEGIN IMMEDIATE")
    try:
        _require_known(database, path)
        if _version(database) < _VERSION:
            _make(database, path)
        database.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite itself has ended it where the disk is full
            database.execute("ROLLBACK")
        raise


def _require_known(database: sqlite3.Connection, path: Path) -> None:
    if (found := _version(database)) > _VERSION:
        raise _foreign(path, f"a newer version of runbook keeps it (format {found}), use that one")


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _make(database: sqlite3.Connection, path: Path) -> None:
    columns = [row[1] for row in database.execute("PRAGMA table_info(events)")]
    if columns not in ([], _COLUMNS):
        raise _foreign(path, "it is a database of another program")
    if columns:
        _execute(database, _RENAME)
    for script in (_FORMER, SUMMARIES, _PRESENT, _REFUSAL):
        _execute(database, script)
    last = database.execute("SELECT sequence, digest FROM former_events ORDER BY sequence DESC LIMIT 1").fetchone()
    position, digest = last or (0, GENESIS)
    add_link(database, position, "", digest)
    carry_on(database)
    database.execute(f"PRAGMA user_version = {_VERSION}")


def _execute(database: sqlite3.Connection, script: str) -> None:
    """Run statements within the transaction, which `executescript` would end."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            database.execute(statement)
            statement = ""


def _foreign(path: Path, why: str) -> StoreProblem:
    return StoreProblem(f"the journal {path} cannot be used", why, advice("choose another with --store FILE"))
