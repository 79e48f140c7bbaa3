"""Prove that the symptom is gone, from the journal and the target alone."""

from __future__ import annotations

from collections.abc import Sequence

from remediation.engine.allowed import require_ours
from remediation.engine.asking import Observer, ask, explained, result, wait_for
from remediation.engine.drift import as_written
from remediation.engine.outcome import Outcome, judged, proof, ways_on
from remediation.engine.plan import Plan
from remediation.engine.run import Run
from remediation.model.api import Api
from remediation.model.changes import Change
from remediation.model.commands import Hints, command
from remediation.model.diffing import State
from remediation.model.errors import Unhealthy
from remediation.model.remarks import few
from remediation.model.status import Status
from remediation.model.steps import Ensure, Resource, Verdict

# What a plan that was not carried out to its end has left, by how far each change came.
_UNFINISHED = {
    "untouched": ("unknown", "this run never made the change"),
    "intended": ("unknown", "this run began to make the change, and did not note that it was made"),
    "undoing": ("failing", "this run began to put the change back"),
    "undone": ("failing", "this run put the change back"),
}
_LEFT = ("failing", "this run changed it for as long as it lasts, and has not put it back")


def prove(plan: Plan, api: Api, observer: Observer, within: float) -> Outcome:
    """Prove that a plan without changes describes a healthy target, with the checks that cost little."""
    asked = [item for item in plan.ensures if item.always and not item.check.costly]
    return _proven(
        [result(ensure, _verdict(ensure, api, observer, within)) for ensure in asked],
        plan.as_json(),
        (command("runbook", "diagnose", plan.book.name),),
    )


def verify_run(run: Run, api: Api, observer: Observer, within: float) -> Outcome:
    """Prove again that the symptom is gone: all of the plan is as the run left it, and every lasting check passes.

    Needs nothing but the journal and the target; ``within`` caps the seconds to wait for each check.
    """
    require_ours(run, api)
    ensures = [item.ensure for item in run.operations if item.ensure and item.ensure.always]
    results = [result(ensure, _verdict(ensure, api, observer, within)) for ensure in ensures]
    can_go_on = run.status in ("running", "failed")
    instead = (command("runbook", "diagnose", run.name), command("runbook", "rollback", run.id))
    following = ways_on(run) if can_go_on else instead
    outcome = _proven(results, run.created["plan"], following, _states(run, api))
    undo = (command("runbook", "rollback", run.id),)
    outcome.run_id, outcome.following = run.id, undo if run.begun else ()
    return outcome


def _states(run: Run, api: Api) -> list[State]:
    """Return whether all of the plan is in place. That it is proves nothing about the symptom; that it is not, does."""
    changes = [
        (index, item.resource, item.change)
        for index, item in enumerate(run.operations[: run.first_undo])
        if item.resource and item.change
    ]
    return [
        line for index, resource, change in changes if (line := _state(run, index, resource, change, api)) is not None
    ]


def _state(run: Run, index: int, resource: Resource, change: Change, api: Api) -> State | None:
    progress = run.progress_of(index)
    if index in run.failed and progress == "done":
        return _line(change, "failing", run.failed[index], required=True)
    if progress == "done" and not change.temporary:
        return _still_there(resource, as_written(change, run.written[index]), api)
    if progress == "undone" and change.temporary:
        return None
    return _line(change, *_UNFINISHED.get(progress, _LEFT), required=True)


def _still_there(resource: Resource, change: Change, api: Api) -> State:
    seen = resource.look(api)
    lost = [] if change.landed(seen.state) else resource.drifted(change.reverse(), seen)
    return _line(change, "failing" if lost else "ok", few(lost, 5), required=False)


def _line(change: Change, status: str, detail: str, *, required: bool) -> State:
    what = f"{change.address} is as the run {'found' if change.temporary else 'left'} it"
    return {"check": what, "status": status, "required": required, "detail": detail}


def _proven(results: list[State], plan: State, following: Hints, states: Sequence[State] = ()) -> Outcome:
    """Sum up: what is still in place can only speak against the proof."""
    lost = [item for item in states if item["status"] != "ok"]
    verify = proof([*results, *lost])
    status = judged(verify)
    if status is Status.APPLIED and not any(item["status"] == "ok" for item in results):
        status = Status.UNKNOWN  # who asks for a proof and gets none has none
    verify["checks"] = [*results, *states]
    if status in (Status.VERIFIED, Status.APPLIED):
        return Outcome(status, 0, plan=plan, verify=verify)
    failed = "; ".join(
        f"{item['check']}: {item['detail'] or item['status']}" for item in [*lost, *results] if item["status"] != "ok"
    )
    problem = Unhealthy("the symptom is not proven gone", failed or "no check could be answered", following)
    return Outcome(status, 5, plan=plan, verify=verify, error=problem)


def _verdict(ensure: Ensure, api: Api, observer: Observer, within: float) -> Verdict:
    if within <= 0:
        return explained(ensure, api, ask(ensure, api))
    return wait_for(Ensure(ensure.check, min(within, ensure.within), ensure.always), api, observer)
