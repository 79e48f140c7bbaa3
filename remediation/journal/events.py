"""One entry of the journal: as it is stored and hashed, and as it is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

GENESIS = "0" * 64
CREATED = "run.created"
# The begin of a run and each end and new begin of work on it: the chain over all runs holds these.
_ANCHORED = (CREATED, "run.resumed", "run.rolling_back", "run.status")


@dataclass(frozen=True)
class Event:
    """One entry as it is read.

    Attributes:
        position: in the order of the whole store.
        run_id: empty for an entry about the store itself.
        sequence: its number in its run, from 1.
        time: seconds since 1970 (UTC) by the store's clock.
    """

    position: int
    run_id: str
    sequence: int
    time: float
    kind: str
    payload: dict[str, Any]
    previous: str
    digest: str


class Head(NamedTuple):
    """The last entry of a run: how many there are, and its digest."""

    sequence: int
    digest: str


START = Head(0, GENESIS)


class Entry(NamedTuple):
    """One entry as it is stored. ``time`` is milliseconds; ``digest`` covers all others, as the bytes that stand there."""

    position: int
    run_id: str
    sequence: int
    time: int
    kind: str
    text: str
    previous: str
    digest: str

    @classmethod
    def after(cls, head: Head, position: int, run_id: str, time: int, kind: str, text: str) -> Entry:
        """Return the next entry of a run."""
        parts = (position, run_id, head.sequence + 1, time, kind, text, head.digest)
        return cls(*parts, hashed(parts))

    @property
    def intact(self) -> bool:
        """Tell whether every field is as it was hashed."""
        return self.digest == hashed(self[:-1])

    @property
    def head(self) -> Head:
        """What the next entry of the run follows."""
        return Head(self.sequence, self.digest)

    def event(self) -> Event:
        """Return it as it is read."""
        position, run_id, sequence, time, kind, text, *links = self
        return Event(position, run_id, sequence, time / 1000, kind, parsed(text), *links)


class Link(NamedTuple):
    """One link of the chain over all runs, as it is stored: it holds the entry at a position by its digest."""

    number: int
    position: int
    run_id: str
    entry: str
    previous: str
    digest: str

    @classmethod
    def after(cls, previous: Link | None, position: int, run_id: str, entry: str) -> Link:
        """Return the next link."""
        parts = (
            previous.number + 1 if previous else 0,
            position,
            run_id,
            entry,
            previous.digest if previous else GENESIS,
        )
        return cls(*parts, hashed(parts))

    @property
    def intact(self) -> bool:
        """Tell whether every field is as it was hashed."""
        return self.digest == hashed(self[:-1])


def is_anchored(kind: str, run_id: str, *, first: bool) -> bool:
    """Tell whether the chain over all runs holds an entry; ``first`` of its run that is chained by itself."""
    return first or not run_id or kind in _ANCHORED


def hashed(parts: tuple[Any, ...]) -> str:
    """Return the digest of stored fields; each is hashed with its kind and length, so that none can flow into the next."""
    return hashlib.sha256(b"".join(map(_framed, parts))).hexdigest()


def _framed(part: Any) -> bytes:
    raw = part.encode(errors="surrogateescape") if isinstance(part, str) else repr(part).encode()
    return b"%s%d:%s," % (type(part).__name__.encode(), len(raw), raw)


def parsed(text: str) -> Any:
    """Return the content of an entry from its text; one that somebody has damaged is no object, which its readers refuse."""
    try:
        return json.loads(text)
    except ValueError:
        return text
