"""What is still as a run left it, and what others have made of it since."""

from __future__ import annotations

from dataclasses import replace

from remediation import diffing
from remediation.changes import Change, Seen, Written
from remediation.errors import Conflict, Drifted
from remediation.model import Resource


def is_gone(reverse: Change, written: Written, seen: Seen) -> bool:
    """Tell whether there is nothing to put back: all is as before, or what was changed for a while is gone with its change."""
    return reverse.landed(seen.state) or (reverse.temporary and _is_another(written, seen))


def in_the_way(resource: Resource, reverse: Change, written: Written, seen: Seen) -> list[str]:
    """Return what keeps a change from being put back: fields of ours that others have set, or another object of its name."""
    return ["/metadata/uid"] if _is_another(written, seen) else resource.drifted(reverse, seen)


def _is_another(written: Written, seen: Seen) -> bool:
    return bool(written.identity and seen.identity and written.identity != seen.identity)


def foreign(address: str, problem: Conflict, run_id: str) -> Drifted:
    """Return the error for something that exists where a run was at work, and that another has made."""
    return Drifted(f"{address} was changed by somebody else", problem.summary, f"runbook runs {run_id}")


def drift(address: str, pointers: list[str], run_id: str) -> Drifted:
    """Return the error for fields that somebody else has changed since the run."""
    return Drifted(
        f"{address} was changed by somebody else since this run: {', '.join(pointers[:5])}",
        "nothing was changed",
        f"compare with: runbook runs {run_id} -o json, then undo by hand or restore the field and repeat",
    )


def as_written(change: Change, written: Written) -> Change:
    """Return the change with the values it really left, where the plan could not know them."""
    if change.action != "update":
        found = Change.between(change.address, change.before, written.after)
        return replace(change, after=found.after, edits=found.edits)
    edits = tuple(replace(edit, new=diffing.get(written.after, edit.path)) for edit in change.edits)
    return replace(change, edits=edits)
