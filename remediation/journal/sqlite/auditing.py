"""Read what is stored, and whether it is as it was written: a run before it is acted on, or the whole file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby

from remediation.journal import chain, former
from remediation.journal.events import START, Entry, Head, Link, parsed
from remediation.journal.former import Former
from remediation.journal.protocol import Anchor, Audit
from remediation.journal.sqlite.adding import former_head_of, last_link
from remediation.journal.sqlite.summaries import TOLD, status_after

_ENTRIES = "SELECT position, run_id, sequence, time, kind, payload, previous, digest FROM entries"
_LINKS = "SELECT number, position, run_id, entry, previous, digest FROM anchors"
_FORMER = "SELECT sequence, run_id, time, kind, payload, previous, digest FROM former_events"


def require_run(database: sqlite3.Connection, run_id: str) -> None:
    """Raise Tampered unless the entries of a run are as they were written; those of others are not read."""
    _require_former(database, run_id)
    entries = map(Entry._make, database.execute(f"{_ENTRIES} WHERE run_id = ? ORDER BY sequence", (run_id,)))
    links = {link.position: link for link in _links(database, "WHERE run_id = ? AND number > 0", run_id)}
    changed = next((link for link in links.values() if not link.intact), None)
    if changed:
        raise chain.unlinked(changed.number)
    head = chain.require_chained(run_id, entries, former_head_of(database, run_id), links)
    chain.require_complete(links)
    # Its row says where it ends, so that a missing end is seen also before the run has ended.
    row = database.execute("SELECT sequence, digest FROM summaries WHERE run_id = ?", (run_id,)).fetchone()
    chain.require_end(run_id, head, Head(*row) if row else START)


def _require_former(database: sqlite3.Connection, run_id: str) -> None:
    entries = list(map(Former._make, database.execute(f"{_FORMER} WHERE run_id = ? ORDER BY sequence", (run_id,))))
    if entries:
        near = f"{_FORMER} WHERE sequence IN (SELECT value FROM json_each(?)) ORDER BY sequence"  # noqa: S608 - constant text
        found = database.execute(near, (json.dumps(former.around(entries)),))
        former.require_intact(entries, list(map(Former._make, found)), _first_link(database).position)


def audit(database: sqlite3.Connection, kept: Anchor | None) -> Audit:
    """Look at every entry and every link.

    Args:
        database: as it is at one moment.
        kept: an anchor that was kept elsewhere, which has to be there still.
    """
    links = chain.require_linked(_links(database, "ORDER BY number"))
    _require_end(database, newest_anchor(database))
    chain.require_kept(links, kept)
    first = links.pop(_first_link(database).position)
    formerly = map(Former._make, database.execute(f"{_FORMER} ORDER BY sequence"))
    former.require_chained(formerly, Head(first.position, first.entry))
    heads = _require_runs(database, links)
    entries = database.execute("SELECT count(*) FROM entries").fetchone()[0] + first.position
    return Audit(entries, _require_listed(database, heads), newest_anchor(database))


def _require_runs(database: sqlite3.Connection, links: chain.Links) -> dict[str, Head]:
    """Return where each run ends that has entries in a chain of its own."""
    heads: dict[str, Head] = {}
    entries = map(Entry._make, database.execute(f"{_ENTRIES} ORDER BY run_id, sequence"))
    for run_id, own in groupby(entries, lambda entry: entry.run_id):
        heads[run_id] = chain.require_chained(run_id, own, former_head_of(database, run_id), links)
    chain.require_complete(links)
    return heads


def _require_listed(database: sqlite3.Connection, heads: dict[str, Head]) -> int:
    """Return how many runs there are; raises Tampered unless the list has each of them with its end."""
    heads.pop("", START)  # what is about the journal itself is no run
    listed = 0
    for run_id, status, *head in database.execute("SELECT run_id, status, sequence, digest FROM summaries").fetchall():
        _require_told(database, run_id, status)
        chain.require_end(
            run_id, heads.pop(run_id) if run_id in heads else former_head_of(database, run_id), Head(*head)
        )
        listed += 1
    for run_id, found in heads.items():
        chain.require_end(run_id, found, START)
    return listed


def _require_told(database: sqlite3.Connection, run_id: str, status: str) -> None:
    """Raise Tampered unless the list says how a run ended as its entries do: one that hides as ended is never cleaned up."""
    query = f"SELECT kind, payload FROM all_entries WHERE run_id = ? AND kind IN ({','.join('?' * len(TOLD))}) ORDER BY position DESC LIMIT 1"  # noqa: S608 - constant text
    kind, text = database.execute(query, (run_id, *TOLD)).fetchone() or ("", "")
    if status != status_after(kind, parsed(text)):
        raise chain.broken(run_id, 1, "the list of runs says that the run ended otherwise")


def _require_end(database: sqlite3.Connection, head: Anchor) -> None:
    """Where the chain over all runs ends is said twice."""
    row = database.execute("SELECT value FROM settings WHERE name = 'anchor'").fetchone()
    if row is None or row[0] != str(head).encode():
        raise chain.unlinked(head.number + 1)


def newest_anchor(database: sqlite3.Connection) -> Anchor:
    """Return the end of the chain over all runs."""
    link = last_link(database)
    if link is None:
        raise chain.unlinked(0)
    return Anchor(link.number, link.digest)


def _first_link(database: sqlite3.Connection) -> Link:
    """Return the link that holds the end of what earlier versions wrote."""
    for link in _links(database, "WHERE number = 0"):
        return link
    raise chain.unlinked(0)


def _links(database: sqlite3.Connection, which: str, *values: str) -> Iterator[Link]:
    return map(Link._make, database.execute(f"{_LINKS} {which}", values))
