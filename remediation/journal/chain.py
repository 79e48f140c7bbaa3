"""Whether the entries of one run stand in the chain as they were written, without reading all others."""

from __future__ import annotations

from collections.abc import Sequence

from remediation.journal.events import GENESIS, Event
from remediation.model.commands import command
from remediation.model.errors import Tampered

# A run that was finished weeks after it was begun has a whole journal between its entries.
_LONGEST = 2000


def around(events: Sequence[Event]) -> list[int]:
    """Return the sequences of the entries to look at: all from before the first of a run to after its last, or its neighbours."""
    if not events:
        return []
    first, last = events[0].sequence - 1, events[-1].sequence + 1
    near = {event.sequence + step for event in events for step in (-1, 0, 1)}
    return list(range(first, last + 1)) if last - first < _LONGEST else sorted(near)


def require_intact(events: Sequence[Event], near: Sequence[Event], newest: int) -> None:
    """Raise Tampered unless every entry of a run, and what stands around it, hashes to what it says and to one chain.

    Args:
        events: the entries of the run.
        near: those and the ones that `around` names, as far as they are there.
        newest: the sequence of the last entry of the journal.
    """
    known = {event.sequence: event for event in near}
    for event in known.values():
        before = known.get(event.sequence - 1)
        if not event.follows(before.digest if before else event.previous):
            raise _changed(event)
    for event in events:
        first, last = event.sequence == 1 and event.previous == GENESIS, event.sequence == newest
        if not ((first or event.sequence - 1 in known) and (last or event.sequence + 1 in known)):
            raise _changed(event)


def _changed(event: Event) -> Tampered:
    return Tampered(
        f"the journal's entry {event.sequence}, {event.kind} of run {event.run_id}, is not as it was written",
        "nothing was changed; what stands there, or was taken away beside it, cannot be trusted",
        command("runbook", "audit", "verify"),
    )
