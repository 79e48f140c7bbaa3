"""What is still as a run left it, and what others have made of it since."""

from __future__ import annotations

from dataclasses import replace

from remediation.engine.later_runs import require_newest
from remediation.engine.run import Run
from remediation.model import diffing
from remediation.model.api import Api
from remediation.model.changes import Change, Intent, Seen, Written
from remediation.model.commands import advice, command
from remediation.model.errors import Conflict, Drifted, Irreversible
from remediation.model.remarks import few
from remediation.model.steps import Resource


def reverse_of(run: Run, index: int, api: Api) -> Change | None:
    """Return the change that undoes an operation, None when it is undone, never happened or leaves nothing. Only reads.

    Raises:
        Drifted: somebody, or a later run, has changed the same field since.
        Irreversible: it is in place and cannot be put back.
    """
    resource, change = run.operations[index].resource, run.operations[index].change
    if resource is None or change is None or resource.nothing_to_undo or run.is_untouched(index):
        return None
    written = run.written.get(index) or _left(run, index, resource, change, api)
    if written is None:
        return None
    reverse, seen = as_written(change, written).reverse(), resource.look(api)
    if is_gone(reverse, written, seen):
        return None
    if not resource.ephemeral:  # of keys each run has made its own
        require_newest(run, index, change)
    if not change.reversible:
        raise irreversible(change, run)
    if drifted := in_the_way(resource, reverse, written, seen):
        raise drift(reverse.address, drifted, run.id)
    if reverse.action == "delete" and seen.state is not None and not resource.made_by(run.id, seen.state):
        raise drift(reverse.address, ["it is not from this run"], run.id)
    return replace(reverse, impact=resource.impact(reverse, seen))


def _left(run: Run, index: int, resource: Resource, change: Change, api: Api) -> Written | None:
    """Return what a write left that was begun and never answered, None when it never happened."""
    if resource.ephemeral:  # to settle it is to take it away
        seen = resource.look(api)
        return Written(seen.state) if change.landed(seen.state) else None
    try:
        return resource.settle(api, change, run.id, run.intents.get(index, Intent()))
    except Conflict as problem:
        raise foreign(change.address, problem, run.id) from problem


def irreversible(change: Change, run: Run) -> Irreversible:
    """Return the refusal to undo a run with a change that nothing brings back."""
    why = change.note or "this change is irreversible"
    return Irreversible(
        f"{change.address} cannot be undone",
        f"{why}; a run is undone as a whole, so all of it stays: {few(run.in_place, 5)}",
        command("runbook", "runs", run.id),
    )


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
    return Drifted(f"{address} was changed by somebody else", problem.summary, command("runbook", "runs", run_id))


def drift(address: str, pointers: list[str], run_id: str) -> Drifted:
    """Return the error for fields that somebody else has changed since the run."""
    return Drifted(
        f"{address} was changed by somebody else since this run: {few(pointers, 5)}",
        "nothing was changed",
        advice(
            "compare with: {}, then undo by hand or restore the field and repeat",
            command("runbook", "runs", run_id, "-o", "json"),
        ),
    )


def as_written(change: Change, written: Written) -> Change:
    """Return the change with the values it really left, where the plan could not know them."""
    if change.action != "update":
        found = Change.between(change.address, change.before, written.after)
        return replace(change, after=found.after, edits=found.edits)
    edits = tuple(replace(edit, new=diffing.get(written.after, edit.path)) for edit in change.edits)
    return replace(change, edits=edits)
