"""What a record may make us do.

A record is a file, and whoever can write to it can write anything. So nothing is carried out because it stands there: every
resource and check has to be one that the runbook declares, and what is still to be made has to be what it wants now.
"""

from __future__ import annotations

from typing import Any

from remediation.engine.plan import Plan, Planner
from remediation.engine.reach import Reach, unlike
from remediation.engine.run import Run
from remediation.errors import Drifted, Refused
from remediation.facts import Facts
from remediation.model import Resource


def require_undoable(run: Run, api: Any) -> None:
    """Raise Drifted for a record with anything that its runbook cannot have done: nothing of it is undone."""
    if found := _outside(run, api) or _odd_undo(run, api):
        raise Drifted(*_words(run, found))


def require_ours(run: Run, api: Any) -> None:
    """Raise Refused for a record with anything that its runbook cannot have planned: it is not finished or verified."""
    if found := _outside(run, api):
        raise Refused(*_words(run, found))


def _outside(run: Run, api: Any) -> str:
    if not run.operations:
        return ""
    values = run.book.values(run.created["parameters"])
    reach = Reach.of(run.book, run.target, values, Facts(api))
    changes = {index for index, item in enumerate(run.operations) if item.kind == "change"}
    if any(item.kind == "restore" and item.of not in changes for item in run.operations):
        return "it puts something back that it never changed"
    return next(filter(None, map(reach.problem, run.operations)), "")


def _odd_undo(run: Run, api: Any) -> str:
    """Look at what the undo of an earlier process has planned and not begun: it is carried out as it is recorded."""
    ahead = [
        item
        for index, item in enumerate(run.operations)
        if index >= run.first_undo and run.progress.get(index, "untouched") in ("untouched", "intended")
    ]
    if not any(item.change for item in ahead):
        return ""
    wanted = undo_wants(run, api)
    return next(filter(None, (unlike(item, wanted) for item in ahead)), "")


def undo_wants(run: Run, api: Any) -> list[Resource]:
    """Return what the runbook's own undo would act on now; nothing is written."""
    if run.book.undo is None:
        return []
    plan = Plan(run.book, run.target, run.created["parameters"])
    steps = run.book.undo(run.target, facts=Facts(api), made=run.made, **run.book.values(plan.parameters))
    return Planner(plan, api, accept_drift=True).wanted(steps)


def _words(run: Run, found: str) -> tuple[str, str, str]:
    return (
        f"run {run.id} is recorded with what {run.book.name} cannot have done: {found}",
        "nothing was changed; somebody may have written to the journal",
        "runbook audit verify",
    )
