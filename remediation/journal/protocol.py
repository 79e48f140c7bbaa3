"""What every store of runs can do; SQLite is behind it, and nobody outside of this package knows that."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from remediation.journal.events import Event
from remediation.model.errors import UsageProblem

Json = dict[str, Any]


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


@dataclass(frozen=True)
class Summary:
    """One run as a list shows it.

    Attributes:
        position: of its first entry, in the order of the store.
        about: what it says of itself: runbook, id, target, actor, ticket, reason, parameters.
        verify: what was proven when it ended.
        shapes: the forms of its entries, each with the position of an entry that has it; `TWICE` when two runs have its id,
            `DAMAGED` when its row cannot be read.
    """

    run_id: str
    position: int
    started: float
    about: Json
    status: str
    finished: float | None
    verify: Json | None
    holder: str
    shapes: dict[str, int]


TWICE, DAMAGED = "twice", "damaged"


@dataclass(frozen=True)
class Anchor:
    """One link of the chain over all runs: the heads of the runs at their begin and end hang on it.

    ``str`` of it is what is kept elsewhere, to show later that nothing before it was changed or cut off.
    """

    number: int
    digest: str

    @classmethod
    def read(cls, text: str) -> Anchor:
        """Return the anchor that was written down; raises UsageProblem for text that is none."""
        if (found := re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text.strip())) is None:
            raise UsageProblem(f"{text!r} is not an anchor; allowed is what runbook audit anchor has printed")
        return cls(int(found[1]), found[2])

    def __str__(self) -> str:
        """Return it as it is written down."""
        return f"{self.number}:{self.digest}"


@dataclass(frozen=True)
class Audit:
    """What a whole store holds: how many entries, of how many runs, and the newest anchor."""

    entries: int
    runs: int
    head: Anchor


class Leases(Protocol):
    """Leases by the store's clock, and the epochs that fence off earlier holders.

    A lease is only ever taken from a holder by naming what was seen of it.
    """

    def look(self, name: str) -> Lease | None:
        """Return a lease, None when nobody has it."""

    def take(self, name: str, holder: str, seconds: float, over: Lease | None = None) -> Lease | None:
        """Take a lease that is free, ours, or still as ``over`` was read; else return whose it is."""

    def renew(self, name: str, holder: str, seconds: float) -> bool:
        """Renew a lease; False when it is not ours any more. What others see of it changes, whatever the clock does."""

    def release(self, name: str, holder: str) -> None:
        """Give a lease back if it is still ours."""

    def next_epoch(self, run_id: str) -> int:
        """Return a number that is larger than any before for this run; from now on older holders cannot write to it."""


class Journal(Protocol):
    """Append and read the entries of runs. Every method raises StoreProblem when the store cannot be used.

    The entries of a run are numbered from 1 and chained; runs do not queue for one chain. Times are the store's clock.
    An entry that was returned is on disk, and stays as it is.
    """

    @property
    def where(self) -> str:
        """The path or address of the store, for people."""

    @property
    def leases(self) -> Leases:
        """The leases of this store, and its epochs."""

    def begin(self, draw: Callable[[], str], payload: Callable[[str], Json]) -> Event:
        """Add the first entry of a run, ``run.created``, under the first drawn id that no other run has.

        Raises:
            Refused: the ids that were drawn are taken.
        """

    def append(self, run_id: str, kind: str, payload: Json, *, sequence: int, epoch: int = 0) -> Event:
        """Add one entry to a run.

        Args:
            run_id: of a run that was begun.
            kind: ``change.intended`` and the like, see `model.versions`.
            payload: a JSON object.
            sequence: the number of the last entry that the writer knows, plus one.
            epoch: the writer's acquisition of the locks of the run, see `Leases.next_epoch`; 0 while it has none.

        Raises:
            LockLost: somebody has acquired the locks since, or has added an entry that the writer does not know.
        """

    def remark(self, kind: str, payload: Json) -> Event:
        """Add an entry about the store itself, such as ``store.paused``; it is of no run."""

    def event(self, position: int) -> Event:
        """Return one entry by its position."""

    def events(self, run_id: str = "", kind: str = "") -> list[Event]:
        """Return the entries of a run, or of a kind, or all, oldest first."""

    def intact(self, run_id: str) -> list[Event]:
        """Return the entries of a run; raises Tampered when they are not as they were written."""

    def find(self, text: str) -> str:
        """Return the full id of a run from its start, or ``last``; raises Refused when none or several match."""

    def runs(self, most: int | None = None, *statuses: str) -> list[Summary]:
        """Return a summary of the newest runs, or of all, newest first; of all statuses unless some are named."""

    def count_runs(self) -> int:
        """Return how many runs there are."""

    def with_entry(self, kind: str) -> list[str]:
        """Return the ids of the runs that have an entry of a kind, the one with the newest first."""

    def began_after(self, position: int, run_id: str, address: str) -> list[str]:
        """Return the ids of the other runs that have begun to change an object after an entry, the newest first."""

    def setting(self, name: str, value: str | None = None) -> str | None:
        """Return a setting of this store, after setting it when a value is given."""

    def digest_key(self) -> bytes:
        """Return this store's own key, with which secret values are fingerprinted."""

    def anchor(self) -> Anchor:
        """Return the newest anchor, to be kept elsewhere."""

    def verify(self, kept: Anchor | None = None) -> Audit:
        """Look at every entry; raises Tampered at the first thing that is not as it was written.

        Args:
            kept: an anchor of this store that was kept elsewhere: it has to be there still.
        """

    def close(self) -> None:
        """Give the store back."""
