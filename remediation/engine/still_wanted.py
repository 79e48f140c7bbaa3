"""Whether what a run was planned for is still wanted, after time has passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from remediation.engine.operations import Operation
from remediation.engine.plan import Plan, Planner
from remediation.engine.reach import unlike
from remediation.engine.run import Run
from remediation.model.api import Api
from remediation.model.commands import command
from remediation.model.diffing import State
from remediation.model.errors import NotApplicable, Refused, StalePlan, UsageProblem
from remediation.model.facts import Facts
from remediation.model.references import references, resolved
from remediation.model.steps import Resource


def refuse_outdated(run: Run, api: Api, begun: Callable[[int], bool]) -> None:
    """Ask every precondition again, and whether what is still to be done is still wanted: time has passed."""
    plan = Plan(run.book, run.target, run.created["parameters"])
    steps = run.book.steps(run.target, facts=Facts(api), **_values(run))
    planner = Planner(plan, api)
    try:
        wanted = planner.wanted(steps)
    except (Refused, UsageProblem, NotApplicable) as problem:
        raise outdated(run, problem.summary) from problem
    wanted = resolved(wanted, _known(run, api, wanted))
    for index, item in enumerate(run.operations):
        if item.change and not begun(index) and (found := unlike(item, wanted)):
            raise outdated(run, found)
        if item.change and item.change.address in planner.passing and not item.is_temporary:
            raise outdated(run, f"{item.change.address} is recorded as what stays, and is there for a while only")
        if item.change and run.progress_of(index) == "done" and _is_let_go(item, api):
            raise outdated(run, f"{item.change.address} is not in place any more")


def _known(run: Run, api: Api, wanted: list[Resource]) -> dict[str, State]:
    """Return what steps refer to: as it is, for a record alone is no proof, and as it was planned where it is still to be made."""
    referred = {item.address for item in references(wanted)}
    ahead = {
        item.change.address: item.change.after or {}
        for index, item in enumerate(run.operations)
        if item.change and run.progress_of(index) == "untouched"
    }
    return {
        item.address: ahead[item.address] if item.address in ahead else item.read(api) or {}
        for item in wanted
        if item.address in referred
    }


def _is_let_go(operation: Operation, api: Api) -> bool:
    """Tell whether a temporary change is not in place any more, though the journal says that it is."""
    if operation.change is None or operation.resource is None or not operation.change.temporary:
        return False
    current = operation.resource.read(api)
    return current is None if operation.change.action == "create" else not operation.change.landed(current)


def _values(run: Run) -> dict[str, Any]:
    """Return the run's parameters; raises StalePlan when the runbook takes others by now."""
    recorded, taken = set(run.created["parameters"]), run.book.parameters
    lacking = [item.flag_name for item in taken if item.required and item.name not in recorded]
    if other := [*sorted(recorded - {item.name for item in taken}), *lacking]:
        raise outdated(run, f"the parameters of {run.book.name} have changed since: {', '.join(other)}")
    try:
        return run.book.values(run.created["parameters"])
    except (ValueError, TypeError) as problem:
        raise outdated(run, f"a parameter is not allowed any more: {problem}") from problem


def outdated(run: Run, why: str) -> StalePlan:
    """Return the refusal to go on with a run whose plan is not what is needed any more."""
    return StalePlan(
        f"run {run.id} cannot be finished: {why}", "nothing was changed", command("runbook", "rollback", run.id)
    )
