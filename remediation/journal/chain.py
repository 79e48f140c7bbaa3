"""Whether entries stand as they were written: a chain for each run, and one over the begins and ends of all runs."""

from __future__ import annotations

from collections.abc import Iterable

from remediation.journal.events import GENESIS, Entry, Head, Link, is_anchored
from remediation.journal.protocol import Anchor
from remediation.model.commands import command
from remediation.model.errors import Tampered

Links = dict[int, Link]


def require_chained(run_id: str, entries: Iterable[Entry], start: Head, links: Links) -> Head:
    """Return the head of a run; takes out of ``links``, by position, those that hold its entries.

    Args:
        run_id: the run.
        entries: its own, in their order.
        start: the last entry of it that stands in the chain of an earlier version.
        links: of the chain over all runs.

    Raises:
        Tampered: one was changed, moved, added or taken away.
    """
    head, position = start, -1
    for entry in entries:
        _require_next(entry, head, position)
        if is_anchored(entry.kind, run_id, first=head == start):
            _require_held(entry, links.pop(entry.position, None))
        head, position = entry.head, entry.position
    return head


def _require_next(entry: Entry, head: Head, position: int) -> None:
    if entry.sequence != head.sequence + 1:
        raise broken(entry.run_id, head.sequence + 1, "it is not where it was")
    if not entry.intact:
        raise broken(entry.run_id, entry.sequence, "it was changed")
    if entry.previous != head.digest or entry.position <= position:
        raise broken(entry.run_id, entry.sequence, "what stands before it was changed")


def _require_held(entry: Entry, link: Link | None) -> None:
    if link is None or (link.run_id, link.entry) != (entry.run_id, entry.digest):
        raise broken(entry.run_id, entry.sequence, "the chain over all runs does not have it")


def require_linked(links: Iterable[Link]) -> Links:
    """Return the links by position; raises Tampered unless they are one chain from the first."""
    found: Links = {}
    before: Link | None = None
    for link in links:
        number, digest, position = (before.number + 1, before.digest, before.position) if before else (0, GENESIS, -1)
        if not link.intact or (link.number, link.previous) != (number, digest) or link.position <= position:
            raise unlinked(number)
        found[link.position] = before = link
    if before is None:
        raise unlinked(0)
    return found


def require_complete(links: Links) -> None:
    """Raise Tampered for a link that holds an entry which is not there."""
    for link in links.values():
        raise _tampered(f"an entry of run {link.run_id} is not there any more", f"it stood at position {link.position}")


def require_end(run_id: str, head: Head, said: Head) -> None:
    """Raise Tampered unless a run ends where the list of runs says."""
    if head != said:
        raise broken(run_id, head.sequence + 1, "the list of runs says that the run ends elsewhere")


def require_kept(links: Links, kept: Anchor | None) -> None:
    """Raise Tampered unless an anchor that was kept elsewhere is one of these links."""
    if kept and kept not in {Anchor(link.number, link.digest) for link in links.values()}:
        raise _tampered(f"the journal does not have the anchor {kept}", "it was written anew, or its end was cut off")


def broken(run_id: str, sequence: int, why: str) -> Tampered:
    """Return the error for an entry."""
    whose = f"of run {run_id}" if run_id else "about the journal itself"
    return _tampered(f"entry {sequence} {whose} is not as it was written", why)


def unlinked(number: int) -> Tampered:
    """Return the error for a link."""
    return _tampered(f"anchor {number}, which holds the runs together, is not as it was written", "runs may be missing")


def _tampered(summary: str, why: str) -> Tampered:
    detail = f"{why}; nothing was changed, and what stands there, or was taken away beside it, cannot be trusted"
    return Tampered(summary, detail, command("runbook", "audit", "verify"))
