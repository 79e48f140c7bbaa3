"""Prove that the symptom is gone, from the journal and the target alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from remediation.changes import Change
from remediation.diffing import State
from remediation.engine.allowed import require_ours
from remediation.engine.drift import as_written
from remediation.engine.execution import Observer, ask, result, wait_for
from remediation.engine.outcome import Outcome, proof
from remediation.engine.plan import Plan
from remediation.engine.run import Run
from remediation.errors import Unhealthy
from remediation.model import Ensure, Resource, Status, Verdict


def prove(plan: Plan, api: Any, observer: Observer, within: float) -> Outcome:
    """Prove that a plan without changes describes a healthy target, with the checks that cost little."""
    asked = [item for item in plan.ensures if item.always and not item.check.costly]
    return _proven(
        [result(ensure, _verdict(ensure, api, observer, within)) for ensure in asked],
        plan.as_json(),
        f"runbook diagnose {plan.book.name}",
    )


def verify_run(run: Run, api: Any, observer: Observer, within: float) -> Outcome:
    """Prove again that the symptom is gone: everything is as the run left it, and every lasting check passes.

    Needs nothing but the journal and the target; ``within`` caps the seconds to wait for each check.
    """
    require_ours(run, api)
    ensures = [item.ensure for item in run.operations if item.ensure and item.ensure.always]
    results = [result(ensure, _verdict(ensure, api, observer, within)) for ensure in ensures]
    following = f"runbook diagnose {run.name}  or  runbook rollback {run.id}"
    outcome = _proven(results, run.created["plan"], following, _states(run, api))
    outcome.run_id = run.id
    return outcome


def _states(run: Run, api: Any) -> list[State]:
    """Return whether each lasting change is still in place. That it is proves nothing about the symptom."""
    return [
        _still_there(item.resource, as_written(item.change, run.written[index]), api)
        for index, item in enumerate(run.operations)
        if run.progress.get(index) == "done" and item.resource and item.change and not item.change.temporary
    ]


def _still_there(resource: Resource, change: Change, api: Any) -> State:
    current = resource.read(api)
    lost = [] if change.landed(current) else change.reverse().drifted(current)
    return {
        "check": f"{change.address} is as the run left it",
        "status": "failing" if lost else "ok",
        "required": False,
        "detail": ", ".join(lost[:5]),
    }


def _proven(results: list[State], plan: State, following: str, states: Sequence[State] = ()) -> Outcome:
    """Sum up: what is still in place can only speak against the proof."""
    lost = [item for item in states if item["status"] != "ok"]
    summary = {"status": proof([*results, *lost])["status"], "checks": [*results, *states]}
    results = [*results, *lost]
    if summary["status"] == "ok":
        return Outcome(Status.VERIFIED, 0, plan=plan, verify=summary)
    failed = "; ".join(
        f"{item['check']}: {item['detail'] or item['status']}" for item in results if item["status"] != "ok"
    )
    problem = Unhealthy("the symptom is not proven gone", failed or "no check could be answered", following)
    return Outcome(
        Status.UNHEALTHY if summary["status"] == "failing" else Status.UNKNOWN,
        5,
        plan=plan,
        verify=summary,
        error=problem,
    )


def _verdict(ensure: Ensure, api: Any, observer: Observer, within: float) -> Verdict:
    if within <= 0:
        return ask(ensure, api)
    return wait_for(Ensure(ensure.check, min(within, ensure.within), ensure.always), api, observer)
