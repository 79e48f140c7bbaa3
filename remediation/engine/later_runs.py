"""Runs of the same store that have changed the same fields again: what is there now is theirs.

A value does not tell which run has written it, and all runs write as one field manager. The journal does.
"""

from __future__ import annotations

from remediation.engine.run import Run
from remediation.model.changes import Change
from remediation.model.commands import command
from remediation.model.diffing import Path
from remediation.model.errors import Drifted, RunbookError


def require_newest(run: Run, index: int, change: Change) -> None:
    """Raise Drifted while a later run, which is not undone itself, has changed one of the fields of a change."""
    for other_id in run.journal.began_after(_begun(run, index), run.id, change.address):
        if _changed_by(run, other_id, change):
            raise Drifted(
                f"{change.address} was changed again by run {other_id} since this run",
                "nothing was changed; the later run is undone first, where it is to be undone at all",
                command("runbook", "rollback", other_id),
            )


def _begun(run: Run, index: int) -> int:
    """Return the position of the last entry that says that a change is about to be made."""
    intents = run.journal.events(run.id, "change.intended")
    return max((event.position for event in intents if event.payload.get("index") == index), default=0)


def _changed_by(run: Run, other_id: str, change: Change) -> bool:
    try:
        other = Run.load(run.journal, other_id)
    except RunbookError:
        return False  # what it did is not known; the fields themselves are still compared
    return _same_target(run, other) and any(
        item.change and item.change.address == change.address and _overlap(item.change, change)
        for number, item in enumerate(other.operations)
        if not other.is_untouched(number)
    )


def _same_target(run: Run, other: Run) -> bool:
    known = run.created.get("target_uid"), other.created.get("target_uid")
    if all(known):
        return known[0] == known[1]
    one, two = run.created["target"], other.created["target"]
    return all(one.get(name) == two.get(name) for name in ("server", "project"))


def _overlap(one: Change, other: Change) -> bool:
    return any(_is_within(mine.path, theirs.path) for mine in one.edits for theirs in other.edits)


def _is_within(one: Path, other: Path) -> bool:
    """Tell whether two places are the same, or one is part of the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
