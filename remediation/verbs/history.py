"""What the journal knows: the list of runs, one run with everything it did, and whether anybody changed a row.

A list of ten thousand runs loads neither them nor the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remediation.model.addresses import shown_target
from remediation.model.diffing import State
from remediation.model.errors import RunbookError, Tampered, Unreadable

if TYPE_CHECKING:
    from remediation.engine.run import Run
    from remediation.journal import Event, Journal
    from remediation.verbs.place import Place

_HALF_WAY = ("interrupted", "failed", "unknown")


@dataclass(frozen=True)
class Record:
    """One run with everything it did.

    Attributes:
        events: its entries in the journal, oldest first.
        run: the run; None where its entries cannot be read as one.
        problem: why they cannot; None where they can.
    """

    events: Sequence[Event]
    run: Run | None = None
    problem: RunbookError | None = None

    def as_json(self) -> State:
        """Return the document of ``runbook runs RUN -o json``."""
        from remediation.engine.listed import unread, verbs  # noqa: PLC0415 - the list does without

        told = {"events": [{"time": event.time, "kind": event.kind} | _content(event.payload) for event in self.events]}
        if self.run is None or self.problem is not None:
            return unread(self.events[0], self.problem or RunbookError("it cannot be read")) | told
        said = {name: self.run.created[name] for name in ("parameters", "plan")}
        return self.run.as_json() | {"verbs": verbs(self.events), **said} | told

    def subject(self, event: Event) -> str:
        """Return what an entry is about; most name a change by its number only."""
        from remediation.engine.listed import who  # noqa: PLC0415 - the list does without

        payload, operations = event.payload, self.run.operations if self.run else []
        index = payload.get("index", -1)
        change = operations[index].change if 0 <= index < len(operations) else None
        return str(
            payload.get("check")
            or payload.get("file")
            or (change.address if change else "")
            or payload.get("status")
            or who(payload)
        )


@dataclass(frozen=True)
class Audit:
    """What a journal holds that nobody has changed.

    Attributes:
        events: how many entries it has.
        runs: of how many runs.
        head: its newest anchor, to be kept elsewhere.
        store: where it is.
    """

    events: int
    runs: int
    head: str
    store: str


def runs(journal: Journal, most: int | None = None) -> list[State]:
    """Return the newest runs, or all, newest first, as ``runbook runs -o json`` prints them."""
    from remediation.engine.overview import lines  # noqa: PLC0415 - only the list

    return lines(journal, most)


def left_open_among(journal: Journal, lines: Sequence[State]) -> list[Run]:
    """Return those of a list that were left half-way; most lists have none that could be, and load no engine."""
    shown = {line["run_id"] for line in lines if line["status"] in _HALF_WAY}
    if not shown:
        return []
    from remediation.engine.left_open import left_open  # noqa: PLC0415 - only where there may be some

    return left_open(journal, lambda run: run.id in shown)


def record(journal: Journal, run_id: str) -> Record:
    """Return one run; one that cannot be read with its entries alone. Raises Refused where there is none."""
    from remediation.engine.run import Run  # noqa: PLC0415 - the list does without

    found = journal.find(run_id)
    try:
        return Record(journal.events(found), Run.load(journal, found))
    except (Unreadable, Tampered) as problem:
        return Record(journal.events(found), problem=problem)


def audit(journal: Journal, anchor: str = "") -> Audit:
    """Look at every entry.

    Args:
        journal: the store.
        anchor: one that was kept elsewhere, which it has to have still; empty for none.

    Raises:
        Tampered: an entry was changed, moved, added or taken away since it was written.
        UsageProblem: the anchor is none.
    """
    from remediation.journal import Anchor  # noqa: PLC0415 - only here

    found = journal.verify(Anchor.read(anchor) if anchor else None)
    return Audit(found.entries, found.runs, str(found.head), journal.where)


def pause(place: Place, reason: str) -> bool:
    """Refuse every run, resume and rollback on this store, or with an empty reason no longer; tell whether it was paused."""
    before = bool(place.journal.setting("paused"))
    if reason or before:
        place.journal.setting("paused", reason)
        kind = "store.paused" if reason else "store.unpaused"
        place.journal.remark(kind, {"reason": reason} | place.settings.about())
    return before


def _content(payload: Any) -> State:
    """Return what an entry says; one that somebody has damaged as the text that is left."""
    if not isinstance(payload, dict):
        return {"damaged": payload}
    return payload | {"target": shown_target(payload["target"])} if "target" in payload else payload
