"""Entries that tests add to a journal themselves."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from remediation.journal import Event, Journal, opened
from remediation.journal.sqlite.store import SqliteJournal

Json = dict[str, Any]


def enter(journal: Journal, run_id: str, kind: str, payload: Json, epoch: int = 0) -> Event:
    """Add the next entry of a run; ``run.created`` begins it."""
    if kind == "run.created":
        return journal.begin(lambda: run_id, lambda _: payload)
    return journal.append(run_id, kind, payload, sequence=len(journal.events(run_id)) + 1, epoch=epoch)


def copied(source: Path, path: Path, change: Callable[[str, Json], object], run_id: str = "") -> str:
    """Enter the newest run of a journal into another one that has the same key, each payload after ``change``; return its id."""
    old, new = opened(source), SqliteJournal(path)
    with new._database.transaction() as database:
        database.execute("INSERT OR IGNORE INTO settings VALUES ('digest_key', ?)", (old.digest_key(),))
    events = old.events(old.find("last"))
    for event in events:
        payload = copy.deepcopy(event.payload)
        change(event.kind, payload)
        enter(new, run_id or event.run_id, event.kind, payload)
    new.verify()
    old.close()
    new.close()
    return run_id or events[0].run_id
