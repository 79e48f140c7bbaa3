"""One row for each run beside its entries, so that ten thousand runs are listed without reading them.

A row is only what the entries say, folded together; it is renewed in the transaction that adds an entry. What another
version has added is folded in before the rows are read.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from remediation.journal.events import parsed

SUMMARIES = """
CREATE TABLE IF NOT EXISTS runs (
  run_id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, started REAL NOT NULL, about TEXT NOT NULL,
  status TEXT NOT NULL, finished REAL, verify TEXT NOT NULL, holder TEXT NOT NULL, shapes TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS runs_by_age ON runs (sequence);
"""
TWICE = "twice"
_UPTO = "summarised"
_ABOUT = ("runbook", "id", "target", "actor", "ticket", "reason", "parameters")
# The parts of an entry that have a form; all others are the user's own content.
_FORMED = ("operations", "change", "edits", "resource", "ensure", "check")
_NAMED = ("$type", "$version", "target_kind")
_AGAIN = ("run.resumed", "run.rolling_back")


@dataclass(frozen=True)
class Summary:
    """One run as a list shows it.

    Attributes:
        about: what it says of itself: runbook, id, target, actor, ticket, reason, parameters.
        verify: what was proven when it ended.
        shapes: the forms of its entries, each with the number of an entry that has it; `TWICE` when two runs have its id.
    """

    run_id: str
    sequence: int
    started: float
    about: dict[str, Any]
    status: str
    finished: float | None
    verify: dict[str, Any] | None
    holder: str
    shapes: dict[str, int]


def behind(database: sqlite3.Connection) -> bool:
    """Tell whether there are entries that no row knows."""
    newest = database.execute("SELECT max(sequence) FROM events").fetchone()[0] or 0
    return bool(newest != _upto(database))


def catch_up(database: sqlite3.Connection) -> None:
    """Fold every entry that no row knows yet into the rows; part of a transaction."""
    upto = _upto(database)
    query = "SELECT sequence, run_id, time, kind, payload FROM events WHERE sequence > ? ORDER BY sequence"
    for sequence, run_id, when, kind, text in database.execute(query, (upto,)).fetchall():
        if run_id:
            _fold(database, sequence, run_id, when, kind, parsed(text))
        upto = sequence
    database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (_UPTO, str(upto).encode()))


def newest_first(database: sqlite3.Connection, most: int | None, statuses: tuple[str, ...] = ()) -> list[Summary]:
    """Return the newest runs, or all; with ``statuses`` only those that ended so, or have not ended."""
    columns = "run_id, sequence, started, about, status, finished, verify, holder, shapes"
    where = f"WHERE status IN ({','.join('?' * len(statuses))})" if statuses else ""
    query = f"SELECT {columns} FROM runs {where} ORDER BY sequence DESC LIMIT ?"  # noqa: S608 - constant text
    found = [_summary(row) for row in database.execute(query, (*statuses, -1 if most is None else most))]
    return _with_parameters(database, found)


def _with_parameters(database: sqlite3.Connection, found: list[Summary]) -> list[Summary]:
    """Add the parameters to rows of earlier versions, which did not fold them in."""
    lacking = {item.sequence: item for item in found if "parameters" not in item.about}
    query = (
        "SELECT sequence, CASE WHEN json_valid(payload) THEN json_extract(payload, '$.parameters') END FROM events"
        " WHERE sequence IN (SELECT value FROM json_each(?))"
    )
    for sequence, parameters in database.execute(query, (json.dumps(list(lacking)),)) if lacking else ():
        lacking[sequence].about["parameters"] = json.loads(parameters or "null")
    return found


def _summary(row: tuple[Any, ...]) -> Summary:
    run_id, sequence, started, about, status, finished, verify, holder, shapes = row
    said, proof, forms = json.loads(f"[{about},{verify},{shapes}]")
    return Summary(run_id, sequence, started, said, status, finished, proof, holder, forms)


def plain(text: Any) -> str:
    """Return text that a database can hold and a terminal can show: what is no proper text is escaped."""
    return str(text).encode(errors="backslashreplace").decode()


def _upto(database: sqlite3.Connection) -> int:
    row = database.execute("SELECT value FROM settings WHERE name = ?", (_UPTO,)).fetchone()
    return int(row[0]) if row else 0


def _fold(database: sqlite3.Connection, sequence: int, run_id: str, when: float, kind: str, payload: Any) -> None:
    said = payload if isinstance(payload, dict) else {}
    row = database.execute("SELECT shapes FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        about = json.dumps({name: said.get(name) for name in _ABOUT})
        first = (run_id, sequence, when, about, "running", None, "null", plain(said.get("holder", "")), "{}")
        database.execute("INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?)", first)
    elif kind == "run.created":
        kind = TWICE
    shapes = json.loads(row[0]) if row else {}
    form = kind if kind == TWICE else _digest(kind, payload)
    if form not in shapes:
        more = json.dumps(shapes | {form: sequence}, separators=(",", ":"))
        database.execute("UPDATE runs SET shapes = ? WHERE run_id = ?", (more, run_id))
    if kind == "run.status":
        state = (plain(said.get("status")), when, json.dumps(said.get("verify")), run_id)
        database.execute("UPDATE runs SET status = ?, finished = ?, verify = ? WHERE run_id = ?", state)
    elif kind in _AGAIN:
        again = ("running", plain(said.get("holder", "")), run_id)
        database.execute("UPDATE runs SET status = ?, finished = NULL, holder = ? WHERE run_id = ?", again)


def _digest(kind: str, payload: Any) -> str:
    """Return a short name for the form of an entry: two with the same one can both be read, or neither."""
    return hashlib.sha256(json.dumps([kind, _form(payload)]).encode()).hexdigest()[:10]


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
