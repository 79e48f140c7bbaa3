"""One row for each run beside its entries, so that ten thousand runs are listed without reading them.

A row is only what the entries say, folded together; it is renewed in the transaction that adds an entry.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any, NamedTuple

from remediation.journal.events import CREATED, Entry, parsed
from remediation.journal.protocol import DAMAGED, TWICE, Summary

SUMMARIES = """
CREATE TABLE summaries (
  run_id TEXT PRIMARY KEY, position INTEGER NOT NULL, started REAL NOT NULL, about TEXT NOT NULL,
  status TEXT NOT NULL, finished REAL, verify TEXT NOT NULL, holder TEXT NOT NULL, shapes TEXT NOT NULL,
  sequence INTEGER NOT NULL, digest TEXT NOT NULL);
CREATE INDEX summaries_by_age ON summaries (position);
"""
_ABOUT = ("runbook", "id", "target", "actor", "ticket", "reason", "parameters")
# The parts of an entry that have a form; all others are the user's own content.
_FORMED = ("operations", "change", "edits", "resource", "ensure", "check")
_NAMED = ("$type", "$version", "target_kind")
_AGAIN = ("run.resumed", "run.rolling_back")
TOLD = ("run.status", *_AGAIN)


class Said(NamedTuple):
    """What an entry says for the summary of its run; ``form`` is a short name for the form of its content."""

    kind: str
    payload: dict[str, Any]
    form: str

    @classmethod
    def of(cls, kind: str, payload: Any) -> Said:
        """Work it out; two entries of one form can both be read, or neither."""
        form = hashlib.sha256(json.dumps([kind, _form(payload)]).encode()).hexdigest()[:10]
        return cls(kind, payload if isinstance(payload, dict) else {}, form)


def fold(database: sqlite3.Connection, entry: Entry, said: Said) -> None:
    """Fold an entry into the row of its run."""
    query = "SELECT status, finished, verify, holder, shapes FROM summaries WHERE run_id = ?"
    row = database.execute(query, (entry.run_id,)).fetchone()
    if row is None:
        row = ("running", None, "null", plain(said.payload.get("holder", "")), "{}")
        about = json.dumps({name: said.payload.get(name) for name in _ABOUT})
        first = (entry.run_id, entry.position, entry.time / 1000, about, *row, 0, "")
        database.execute("INSERT INTO summaries VALUES (?,?,?,?,?,?,?,?,?,?,?)", first)
    elif said.kind == CREATED:
        said = said._replace(form=TWICE)
    columns = "status = ?, finished = ?, verify = ?, holder = ?, shapes = ?, sequence = ?, digest = ?"
    now = (*_after(row, entry, said), *entry.head, entry.run_id)
    database.execute(f"UPDATE summaries SET {columns} WHERE run_id = ?", now)  # noqa: S608 - constant text


def _after(row: tuple[Any, ...], entry: Entry, said: Said) -> tuple[Any, ...]:
    status, finished, verify, holder, shapes = row
    if said.form not in (known := _document(shapes) or {}):
        shapes = json.dumps(known | {said.form: entry.position}, separators=(",", ":"))
    if said.kind == "run.status":
        status, finished, verify = (
            plain(said.payload.get("status")),
            entry.time / 1000,
            json.dumps(said.payload.get("verify")),
        )
    elif said.kind in _AGAIN:
        status, finished, holder = "running", None, plain(said.payload.get("holder", ""))
    return status, finished, verify, holder, shapes


def status_after(kind: str, payload: Any) -> str:
    """Return the status of a run whose last entry about that is this one."""
    said = payload if isinstance(payload, dict) else {}
    return plain(said.get("status")) if kind == "run.status" else "running"


def carry_on(database: sqlite3.Connection) -> None:
    """Take over the rows of an earlier version, and fold in what it had not; part of a transaction."""
    upto = 0
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
        row = database.execute("SELECT value FROM settings WHERE name = 'summarised'").fetchone()
        upto = int(row[0]) if row else 0
        database.execute(_TAKE_OVER)
        database.execute("DROP TABLE runs")
    database.execute("DELETE FROM settings WHERE name = 'summarised'")
    query = "SELECT position, run_id, sequence, time, kind, payload, previous, digest FROM all_entries WHERE position > ? ORDER BY position"
    for row in database.execute(query, (upto,)):
        if (entry := Entry(*row)).run_id:
            fold(database, entry, Said.of(entry.kind, parsed(entry.text)))


# Some versions did not fold the parameters in.
_TAKE_OVER = """
INSERT INTO summaries SELECT
  run_id, runs.sequence, started,
  CASE WHEN json_type(about, '$.parameters') IS NULL AND json_valid(payload)
    THEN json_set(about, '$.parameters', json_extract(payload, '$.parameters')) ELSE about END,
  status, finished, verify, holder, shapes,
  (SELECT count(*) FROM former_events AS f WHERE f.run_id = runs.run_id),
  (SELECT digest FROM former_events AS f WHERE f.run_id = runs.run_id ORDER BY f.sequence DESC LIMIT 1)
FROM runs JOIN former_events USING (run_id) WHERE former_events.sequence = runs.sequence
"""


def newest_first(database: sqlite3.Connection, most: int | None, statuses: tuple[str, ...] = ()) -> list[Summary]:
    """Return the newest runs, or all; with ``statuses`` only those that ended so, or have not ended."""
    columns = "run_id, position, started, about, status, finished, verify, holder, shapes"
    where = f"WHERE status IN ({','.join('?' * len(statuses))})" if statuses else ""
    query = f"SELECT {columns} FROM summaries {where} ORDER BY position DESC LIMIT ?"  # noqa: S608 - constant text
    return [_summary(row) for row in database.execute(query, (*statuses, -1 if most is None else most))]


def _summary(row: tuple[Any, ...]) -> Summary:
    run_id, position, started, about, status, finished, verify, holder, shapes = row
    said, proof, forms = map(_document, (about, verify, shapes))
    times = all(isinstance(time, float) for time in (started, started if finished is None else finished))
    checks = all(isinstance(each, dict) for each in (proof or {}).get("checks") or ())
    if said is None or forms is None or (proof is None and verify != "null") or not (times and checks):
        # One row that somebody has damaged must not hide all others.
        return Summary(plain(run_id), position, 0.0, said or {}, "unknown", None, None, "", {DAMAGED: position})
    return Summary(run_id, position, started, said, plain(status), finished, proof, plain(holder), forms)


def _document(text: Any) -> dict[str, Any] | None:
    """Return a JSON object, None for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def plain(text: Any) -> str:
    """Return text that a database can hold and a terminal can show: what is no proper text is escaped."""
    return str(text).encode(errors="backslashreplace").decode()


def _form(value: Any) -> Any:
    if isinstance(value, list):
        return sorted({json.dumps(_form(item)) for item in value})
    if not isinstance(value, dict):
        return type(value).__name__
    named = [str(value[name]) for name in _NAMED if name in value]
    named += [f"{value['version']}"] if isinstance(value.get("version"), int) else []  # of the record, not of an object
    return [
        named,
        *([key, _form(item) if key in _FORMED else type(item).__name__] for key, item in sorted(value.items())),
    ]
