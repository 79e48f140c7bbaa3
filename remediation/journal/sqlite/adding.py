"""Add an entry, its link in the chain over all runs and its share of a summary; each is part of a transaction."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple

from remediation.journal.chain import unlinked
from remediation.journal.events import START, Entry, Head, Link, is_anchored
from remediation.journal.sqlite.summaries import Said, fold
from remediation.journal.sqlite.times import now


class Draft(NamedTuple):
    """What is to be added, made ready before anybody has to wait for it."""

    run_id: str
    text: str
    said: Said

    @classmethod
    def of(cls, run_id: str, kind: str, payload: dict[str, Any]) -> Draft:
        """Write the content as it will be stored."""
        text = json.dumps(payload)
        return cls(run_id, text, Said.of(kind, json.loads(text)))


def head_of(database: sqlite3.Connection, run_id: str) -> tuple[Head, bool]:
    """Return the last entry of a run, and whether it stands in a chain of its own, not in that of earlier versions."""
    query = "SELECT sequence, digest FROM entries WHERE run_id = ? ORDER BY sequence DESC LIMIT 1"
    own = database.execute(query, (run_id,)).fetchone()
    return (Head(*own), True) if own else (former_head_of(database, run_id), False)


def former_head_of(database: sqlite3.Connection, run_id: str) -> Head:
    """Return the last entry of a run in the chain of earlier versions."""
    query = "SELECT count(*), max(sequence) FROM former_events WHERE run_id = ?"
    count, last = database.execute(query, (run_id,)).fetchone()
    query = "SELECT digest FROM former_events WHERE sequence = ?"
    return Head(count, database.execute(query, (last,)).fetchone()[0]) if count else START


def add(database: sqlite3.Connection, draft: Draft, head: Head, *, first: bool) -> Entry:
    """Add the next entry of a run; ``first`` of those that stand in its own chain."""
    position = _last_position(database) + 1
    entry = Entry.after(head, position, draft.run_id, int(now(database) * 1000), draft.said.kind, draft.text)
    database.execute("INSERT INTO entries VALUES (?,?,?,?,?,?,?,?)", entry)
    if is_anchored(entry.kind, entry.run_id, first=first):
        add_link(database, entry.position, entry.run_id, entry.digest)
    if entry.run_id:
        fold(database, entry, draft.said)
    return entry


def _last_position(database: sqlite3.Connection) -> int:
    query = (
        "SELECT max(coalesce((SELECT max(position) FROM entries), 0), (SELECT position FROM anchors WHERE number = 0))"
    )
    found = database.execute(query).fetchone()[0]
    if not isinstance(found, int):
        raise unlinked(0)
    return found


def add_link(database: sqlite3.Connection, position: int, run_id: str, digest: str) -> None:
    """Let the chain over all runs hold an entry; where that chain ends is said twice, so that a cut is seen."""
    link = Link.after(last_link(database), position, run_id, digest)
    database.execute("INSERT INTO anchors VALUES (?,?,?,?,?,?)", link)
    said = f"{link.number}:{link.digest}".encode()
    database.execute("INSERT OR REPLACE INTO settings VALUES ('anchor', ?)", (said,))


def last_link(database: sqlite3.Connection) -> Link | None:
    """Return the end of the chain over all runs; None where it has no beginning yet."""
    columns = "number, position, run_id, entry, previous, digest"
    row = database.execute(f"SELECT {columns} FROM anchors ORDER BY number DESC LIMIT 1").fetchone()  # noqa: S608 - constant text
    return Link(*row) if row else None
