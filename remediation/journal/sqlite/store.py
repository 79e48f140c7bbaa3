"""A journal in one SQLite file."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from remediation.journal.events import CREATED, Entry, Event
from remediation.journal.protocol import Anchor, Audit, Json, Summary
from remediation.journal.sqlite import auditing
from remediation.journal.sqlite.adding import Draft, add, head_of
from remediation.journal.sqlite.database import Database
from remediation.journal.sqlite.leases import SqliteLeases, epoch_of
from remediation.journal.sqlite.summaries import newest_first, plain
from remediation.model.commands import advice, command
from remediation.model.errors import LockLost, Refused, Tampered
from remediation.model.lasting import lasting

_ANY = "surrogatepass"  # also what is no proper text
_COLUMNS = "position, run_id, sequence, time, kind, payload, previous, digest"
_DRAWS = 20


class SqliteJournal:
    """See `Journal`.

    Args:
        path: the database file; its folder is made when missing.
        patience: how many seconds to wait while another process keeps the file locked.

    Raises:
        StoreProblem: the file cannot be opened or is not a journal.
    """

    def __init__(self, path: Path, patience: float = 60.0) -> None:
        self.path = path
        self._database = Database(path, patience)

    @property
    def where(self) -> str:
        """The path of the file."""
        return str(self.path)

    @property
    def leases(self) -> SqliteLeases:
        """The leases of this store, and its epochs."""
        return SqliteLeases(self._database.transaction)

    @lasting
    def begin(self, draw: Callable[[], str], payload: Callable[[str], Json]) -> Event:
        """Add the first entry of a run, under the first drawn id that no other run has."""
        run_id = ""
        for _ in range(_DRAWS):
            run_id = draw()
            draft = Draft.of(run_id, CREATED, payload(run_id))
            with self._database.transaction() as database:
                head, _own = head_of(database, run_id)
                if not head.sequence:
                    return add(database, draft, head, first=True).event()
        raise Refused(f"there is a run {run_id} already", "nothing was changed", command("runbook", "runs", run_id))

    @lasting
    def append(self, run_id: str, kind: str, payload: Json, *, sequence: int, epoch: int = 0) -> Event:
        """Add one entry to a run; it is on disk when this returns."""
        draft = Draft.of(run_id, kind, payload)
        with self._database.transaction() as database:
            if epoch < epoch_of(database, run_id):
                raise _lost(run_id, "it has acquired the locks since")
            head, own = head_of(database, run_id)
            if sequence != head.sequence + 1 or not head.sequence:
                raise _lost(run_id, f"it has {head.sequence} entries, and this process knows of {sequence - 1}")
            return add(database, draft, head, first=not own).event()

    def remark(self, kind: str, payload: Json) -> Event:
        """Add an entry about the store itself."""
        draft = Draft.of("", kind, payload)
        with self._database.transaction() as database:
            head, own = head_of(database, "")
            return add(database, draft, head, first=not own).event()

    def event(self, position: int) -> Event:
        """Return one entry by its position."""
        return next(self._events("position = ?", (position,)))

    def events(self, run_id: str = "", kind: str = "") -> list[Event]:
        """Return the entries of a run, or of a kind, or all, oldest first."""
        asked = {"run_id = ?": run_id, "kind = ?": kind}
        where = " AND ".join(["1", *(column for column, value in asked.items() if value)])
        return list(self._events(f"{where} ORDER BY position", tuple(filter(None, asked.values()))))

    def _events(self, where: str, values: tuple[Any, ...]) -> Iterator[Event]:
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM all_entries WHERE {where}", values)  # noqa: S608 - conditions are ours
        return (Entry(*row).event() for row in rows)

    def intact(self, run_id: str) -> list[Event]:
        """Return the entries of a run; raises Tampered when they are not as they were written."""
        with self._database.snapshot() as database:
            auditing.require_run(database, run_id)
        return self.events(run_id)

    def find(self, text: str) -> str:
        """Return the full id of a run from its start, or ``last``; raises Refused when none or several match."""
        last = ("1 ORDER BY position DESC LIMIT 1", ())
        begins = ("substr(run_id, 1, ?) = ?", (len(text), plain(text)))
        matching: list[str] = []
        for where, values in (
            [last] if text == "last" else [("run_id = ?", (plain(text),)), *([begins] if text else [])]
        ):
            if len(matching := self._run_ids(f"summaries WHERE {where}", values)) == 1:
                return matching[0]
        if not self.count_runs():
            raise Refused(
                f"no run was made yet: the journal {self.where} is empty", next=command("runbook", "diagnose")
            )
        what = f"{len(matching)} runs start with {text!r} in" if matching else f"there is no run {text!r} in"
        raise Refused(f"{what} the journal {self.where}", next=command("runbook", "runs"))

    def runs(self, most: int | None = None, *statuses: str) -> list[Summary]:
        """Return a summary of the newest runs, or of all, newest first; of all statuses unless some are named."""
        with self._database.snapshot() as database:
            return newest_first(database, most, statuses)

    def count_runs(self) -> int:
        """Return how many runs there are."""
        return int(self._database.rows("SELECT count(*) FROM summaries")[0][0])

    def with_entry(self, kind: str) -> list[str]:
        """Return the ids of the runs that have an entry of a kind, the one with the newest first."""
        where = "all_entries WHERE kind = ? GROUP BY run_id ORDER BY max(position) DESC"
        return self._run_ids(where, (kind,))

    def began_after(self, position: int, run_id: str, address: str) -> list[str]:
        """Return the ids of the other runs that have begun to change an object after an entry, the newest first."""
        where = (
            "all_entries WHERE kind = 'change.intended' AND position > ? AND run_id <> ?"
            " AND CASE WHEN json_valid(payload) THEN json_extract(payload, '$.address') = ? END"
            " GROUP BY run_id ORDER BY max(position) DESC"
        )
        return self._run_ids(where, (position, run_id, plain(address)))

    def _run_ids(self, where: str, values: tuple[Any, ...]) -> list[str]:
        return [row[0] for row in self._database.rows(f"SELECT run_id FROM {where}", values)]  # noqa: S608 - conditions are ours

    def setting(self, name: str, value: str | None = None) -> str | None:
        """Return a setting of this store, after setting it when a value is given."""
        with self._database.transaction() as database:
            if value is not None:
                database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value.encode(errors=_ANY)))
            row = database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]).decode(errors=_ANY) if row else None

    def digest_key(self) -> bytes:
        """Return this store's own key, with which secret values are fingerprinted."""
        with self._database.transaction() as database:
            database.execute("INSERT OR IGNORE INTO settings VALUES ('digest_key', ?)", (secrets.token_bytes(32),))
            key: bytes = database.execute("SELECT value FROM settings WHERE name = 'digest_key'").fetchone()[0]
        return key

    def anchor(self) -> Anchor:
        """Return the newest anchor, to be kept elsewhere."""
        with self._database.snapshot() as database:
            return auditing.newest_anchor(database)

    def verify(self, kept: Anchor | None = None) -> Audit:
        """Look at every entry; raises Tampered at the first thing that is not as it was written."""
        try:
            with self._database.snapshot() as database:
                return auditing.audit(database, kept)
        except Tampered as problem:
            problem.next = (advice("restore {} from a backup, and find out who wrote to it", self.where),)
            raise

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _lost(run_id: str, why: str) -> LockLost:
    return LockLost(
        f"the lock of the target was lost: another process has taken over run {run_id}",
        f"{why}; this process writes nothing any more, neither to the target nor to the journal",
        command("runbook", "runs", run_id),
    )
