"""Carry out a plan: with an approval and another look, or at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from remediation.engine.apply import Decision, apply_run
from remediation.engine.consent import require_applicable, require_consent
from remediation.engine.outcome import Outcome
from remediation.engine.run import Run
from remediation.engine.verify import prove
from remediation.model.commands import hints, repeat_as
from remediation.model.errors import Refused, StalePlan, Unhealthy
from remediation.model.status import Status
from remediation.verbs.planned import Planned, renewed

if TYPE_CHECKING:
    from remediation.verbs.place import Place

# The fingerprint that was approved, or who is asked.
Approval = str | Callable[[Planned], bool]
OnUnhealthy = Literal["rollback", "keep"] | Decision
_PROOF_SECONDS = 60


def run(
    place: Place, planned: Planned, approval: Approval, on_unhealthy: OnUnhealthy = "keep", wait: float | None = None
) -> Outcome:
    """Carry out a plan that is approved, after another look at the target; one without changes needs no approval.

    Args:
        place: where.
        planned: what was shown to whoever approves it.
        approval: the fingerprint that was approved, or who is asked whether it is.
        on_unhealthy: what to do when the proof fails, or who is asked whether to roll back.
        wait: how many seconds to wait for other runs on the same objects.

    Returns:
        How it ended; where something stopped it after the run was recorded, with the error and the ways on.

    Raises:
        StalePlan: the target has changed since.
        Refused: it is not approved or is advice, the caller lacks a permission, or what cannot be undone, or endangers
            others, is not accepted by name, or nobody is there.
    """
    if not planned.changes:
        return carry_out(place, planned)
    _require_allowed(place, planned)
    return carry_out(place, renewed(place, planned, _approved(planned, approval)), on_unhealthy, wait)


def carry_out(place: Place, planned: Planned, on_unhealthy: OnUnhealthy = "keep", wait: float | None = None) -> Outcome:
    """Carry out a plan that was made this moment, where nobody has to be asked; else like `run`.

    Raises:
        Refused: as `run`; nobody named the cluster, or the store is paused.
    """
    require_applicable(planned.plan)
    place.require_named(planned.book.target)
    place.require_unpaused()
    if not planned.changes and not planned.plan.collects:
        return _already_ok(place, planned)
    _require_allowed(place, planned)
    found = _begun(place, planned, {"target_uid": planned.api.target_uid()})
    observer = place.observer.about(run_id=found.id, runbook=planned.book.name)
    outcome = apply_run(found, planned.api, observer, decision(on_unhealthy), wait)
    if isinstance(outcome.error, StalePlan) and not found.in_place:
        outcome.error.next = hints(repeat_as("run"))
    return outcome


def _require_allowed(place: Place, planned: Planned) -> None:
    planned.require_permissions()
    require_consent(planned.plan, planned.request.consent, attended=place.settings.attended)


def decision(on_unhealthy: OnUnhealthy) -> Decision:
    """Return who decides whether to roll back when the proof fails."""
    if not isinstance(on_unhealthy, str):
        return on_unhealthy

    def decide(problem: Unhealthy) -> bool:
        return on_unhealthy == "rollback"

    return decide


def _approved(planned: Planned, approval: Approval) -> str:
    """Return the fingerprint that was approved; raises Refused where none was."""
    if isinstance(approval, str):
        return approval
    if not approval(planned):
        instead = "run" if planned.request.saved is not None else "plan"
        raise Refused("not confirmed", "nothing was changed", repeat_as(instead))
    return planned.fingerprint


def _begun(place: Place, planned: Planned, where: dict[str, Any]) -> Run:
    return Run.begin(place.journal, planned.plan, place.settings.about() | where)


def _already_ok(place: Place, planned: Planned) -> Outcome:
    """Nothing to change: prove it with the checks that must hold, and record that it was looked at."""
    observer = place.observer.about(runbook=planned.book.name)
    checked = prove(planned.plan, planned.api, observer, _PROOF_SECONDS)
    healthy = checked.status is not Status.UNHEALTHY and not _unknown_required(checked)
    outcome = Outcome(Status.ALREADY_OK, plan=planned.as_json(), verify=checked.verify) if healthy else checked
    found = _begun(place, planned, {})  # nothing was changed, so nothing is ever undone there
    outcome.run_id = found.id
    found.end(outcome.status, outcome.verify)
    return outcome


def _unknown_required(checked: Outcome) -> bool:
    return any(item["required"] and item["status"] == "unknown" for item in (checked.verify or {}).get("checks", []))
