"""The one chain over all runs in which earlier versions wrote: nothing is added to it, and it is checked as they did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from remediation.journal.chain import broken
from remediation.journal.events import GENESIS, Head, parsed
from remediation.model.changes import canonical

# A run that was finished weeks after it was begun has a whole journal between its entries.
_LONGEST = 2000


class Former(NamedTuple):
    """One entry as they stored it; ``sequence`` counts the entries of all runs."""

    sequence: int
    run_id: str
    time: float
    kind: str
    text: str
    previous: str
    digest: str

    def follows(self, link: str) -> bool:
        """Tell whether this entry is unchanged and comes after the one with this digest."""
        parts: list[Any] = [self.sequence, self.run_id, self.time, self.kind, parsed(self.text), link]
        return self.previous == link and self.digest == hashlib.sha256(canonical(parts)).hexdigest()


def around(entries: Sequence[Former]) -> list[int]:
    """Return the sequences of the entries to look at: all from before the first of a run to after its last, or its neighbours."""
    if not entries:
        return []
    first, last = entries[0].sequence - 1, entries[-1].sequence + 1
    near = {entry.sequence + step for entry in entries for step in (-1, 0, 1)}
    return list(range(first, last + 1)) if last - first < _LONGEST else sorted(near)


def require_intact(entries: Sequence[Former], near: Sequence[Former], newest: int) -> None:
    """Raise Tampered unless every entry of a run, and what stands around it, hashes to what it says and to one chain.

    Args:
        entries: those of the run.
        near: those and the ones that `around` names, as far as they are there.
        newest: the sequence of the last entry of that chain.
    """
    known = {entry.sequence: entry for entry in near}
    for entry in known.values():
        before = known.get(entry.sequence - 1)
        if not entry.follows(before.digest if before else entry.previous):
            raise broken(entry.run_id, entry.sequence, "it was changed")
    for entry in entries:
        first, last = entry.sequence == 1 and entry.previous == GENESIS, entry.sequence == newest
        if not ((first or entry.sequence - 1 in known) and (last or entry.sequence + 1 in known)):
            raise broken(entry.run_id, entry.sequence, "the entry beside it was taken away")


def require_chained(entries: Iterable[Former], end: Head) -> None:
    """Raise Tampered unless they are one whole chain that ends so."""
    head = Head(0, GENESIS)
    for entry in entries:
        if entry.sequence != head.sequence + 1 or not entry.follows(head.digest):
            raise broken(entry.run_id, entry.sequence, "it, or what stood before it, was changed")
        head = Head(entry.sequence, entry.digest)
    if head != end:
        raise broken("", end.sequence, "the end of what an earlier version wrote was cut off")
