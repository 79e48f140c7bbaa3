"""What a record may make us do.

A record is a file, and whoever can write to it can write anything. So nothing is carried out because it stands there: every
resource and check has to be one that the runbook declares, and what is still to be made has to be what it wants now.
"""

from __future__ import annotations

from collections.abc import Iterable

from remediation.catalogue import loading
from remediation.catalogue.runbook import Runbook
from remediation.engine.operations import Operation
from remediation.engine.plan import Plan, Planner
from remediation.engine.reach import Reach, unlike
from remediation.engine.run import Run
from remediation.model.api import Api
from remediation.model.commands import Command, command
from remediation.model.errors import Drifted, Refused, StalePlan
from remediation.model.facts import Facts
from remediation.model.steps import Resource


def require_undoable(run: Run, api: Api) -> None:
    """Raise Drifted for a record with anything that its runbook cannot have done: nothing of it is undone."""
    if found := _outside(run, api) or _odd_undo(run, api):
        raise Drifted(*_words(run, found))


def require_ours(run: Run, api: Api) -> None:
    """Raise Refused for a record with anything that its runbook cannot have planned: it is not finished or verified."""
    if found := _outside(run, api):
        raise Refused(*_words(run, found))


def undo_operations(run: Run, api: Api) -> list[Operation]:
    """Return what comes before the changes are put back: as the plan said, or as the runbook's own undo says now.

    Nothing is written.

    Raises:
        Drifted: what the run has made, as it is recorded, leads to what the runbook never does.
    """
    operations = list(run.undo) or _own_undo(run, api)
    if found := _unheard_of(_reach(run, api), operations):
        raise Drifted(*_words(run, found))
    return operations


def _own_undo(run: Run, api: Api) -> list[Operation]:
    if run.undo_steps is None or not run.made:
        return []
    steps = run.undo_steps(run.target, facts=Facts(api), made=run.made)
    return _planner(run, api).drive(steps).operations


def _planner(run: Run, api: Api) -> Planner:
    return Planner(Plan(run.book, run.target, run.created["parameters"]), api, accept_drift=True)


def _reach(run: Run, api: Api) -> Reach:
    return Reach.of(_books(run), run.target, run.created["parameters"], Facts(api))


def _books(run: Run) -> Iterable[Runbook]:
    """Return the runbook; for one that this version has under another name, every one for such a target."""
    try:
        return [run.book]
    except StalePlan:
        return [book for book in loading.load().values() if book.target is run.target_kind]


def _outside(run: Run, api: Api) -> str:
    changes = {index for index, item in enumerate(run.operations) if item.kind == "change"}
    if any(index not in run.intents for index, progress in run.progress.items() if progress != "untouched"):
        return "it has done what it never began"
    planned = [*run.operations, *run.undo]
    reach = _reach(run, api) if planned else Reach([])
    if found := next(filter(None, map(reach.problem, planned)), ""):
        return found
    if any(item.kind in ("restore", "undo") and item.of not in changes for item in planned):
        return "it puts something back that it never changed"
    if address := _forgotten(run):
        return f"it never takes back {address}, which it changes only for a while"
    return "its undo makes a change of its own" if any(item.kind == "change" for item in run.undo) else ""


def _forgotten(run: Run) -> str:
    """Return the address of something temporary that no operation takes back: it would stay in a run that is verified."""
    restored = {item.of for item in run.operations if item.kind == "restore"}
    changes = ((index, item.change) for index, item in enumerate(run.operations) if item.change)
    return next((change.address for index, change in changes if change.temporary and index not in restored), "")


def _unheard_of(reach: Reach, operations: Iterable[Operation]) -> str:
    for item in operations:
        if found := reach.problem(item):
            return found
        if program := reach.strange_programs(item):
            return f"it never runs {program}"
    return ""


def _odd_undo(run: Run, api: Api) -> str:
    """Look at what the undo of an earlier process has planned and not begun: it is carried out as it is recorded."""
    ahead = [
        item
        for index, item in enumerate(run.operations)
        if index >= run.first_undo and run.progress_of(index) in ("untouched", "intended")
    ]
    if not any(item.change for item in ahead):
        return ""
    wanted = _undo_wants(run, api)
    odd = (unlike(item, wanted) for item in ahead)
    return _unheard_of(_reach(run, api), ahead) or next(filter(None, odd), "")


def _undo_wants(run: Run, api: Api) -> list[Resource]:
    if run.undo_steps is None:
        return []
    return _planner(run, api).wanted(run.undo_steps(run.target, facts=Facts(api), made=run.made))


def _words(run: Run, found: str) -> tuple[str, str, Command]:
    return (
        f"run {run.id} is recorded with what {run.name} cannot have done: {found}",
        "nothing was changed; somebody may have written to the journal",
        command("runbook", "audit", "verify"),
    )
