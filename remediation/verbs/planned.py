"""Plan, and look again: what would be done, made without writing anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from remediation.engine.left_open import left_open, on_target
from remediation.engine.moved import since_plan
from remediation.engine.outcome import Outcome
from remediation.engine.permissions import require_permissions
from remediation.engine.plan import Plan, make_plan
from remediation.engine.verify import prove
from remediation.model.commands import repeat_as
from remediation.model.diffing import State
from remediation.model.errors import StalePlan
from remediation.model.status import Status
from remediation.verbs.documents import Next, as_it_says, document

if TYPE_CHECKING:
    from remediation.catalogue.runbook import Runbook
    from remediation.engine.run import Run
    from remediation.model.changes import Change
    from remediation.model.targets import Target
    from remediation.verbs.api import RunApi
    from remediation.verbs.place import Place
    from remediation.verbs.request import Request


@dataclass(frozen=True)
class Planned:
    """A plan, what it was asked for, and the clients that made it; ``proof`` is what its checks say where nothing is to change."""

    request: Request
    plan: Plan
    api: RunApi
    proof: Outcome | None = None

    @property
    def book(self) -> Runbook:
        """The runbook."""
        return self.plan.book

    @property
    def target(self) -> Target:
        """What it would change."""
        return self.plan.target

    @property
    def fingerprint(self) -> str:
        """The identity of the plan, which an approval is bound to."""
        return self.plan.fingerprint

    @property
    def changes(self) -> list[Change]:
        """The changes in order; none where everything is right already."""
        return self.plan.changes

    def as_json(self) -> State:
        """Return the ``plan`` part of the JSON document."""
        return self.plan.as_json()

    @property
    def outcome(self) -> Outcome:
        """How planning ended: nothing is already ok while a check fails."""
        if self.plan.advice:
            return Outcome(Status.ADVICE, plan=self.as_json())
        if self.changes:
            return Outcome(Status.PLANNED, plan=self.as_json())
        if self.proof is not None and self.proof.status is Status.UNHEALTHY:
            return self.proof
        verify = self.proof.verify if self.proof else None
        return Outcome(Status.ALREADY_OK, plan=self.as_json(), verify=verify if verify and verify["checks"] else None)

    def document(self, following: Next = as_it_says) -> State:
        """Return the JSON document of the plan; ``following`` returns what to type next after an error."""
        said = document(self.book.name, self.book.id, self.target.as_json(), self.outcome, following)
        return said | {"parameters": self.request.parameters}

    def saved(self, following: Next = as_it_says) -> State:
        """Return what is to be kept for a later day, when `read_saved` reads it back and `Request.as_saved` runs exactly it."""
        return self.document(following) | {"target_uid": self.api.target_uid()}

    def require_permissions(self) -> None:
        """Refuse a plan that the caller may not carry out; raises MissingPermission."""
        require_permissions(self.plan)

    def left_open(self) -> list[Run]:
        """Return the runs that were left half-way on the same target, newest first."""
        return left_open(self.api.journal, on_target(self.target, self.api))


def preview(place: Place, request: Request) -> Planned:
    """Make a plan; for a saved one, on its target and as it says.

    Raises:
        Refused, NotApplicable, ApiError: as the runbook and the APIs say.
        StalePlan: the saved plan is outdated.
    """
    if request.saved is not None:
        request.saved.require_target(place)
    found = _first(place, request)
    if found.changes or found.plan.advice:
        return found
    return replace(found, proof=prove(found.plan, found.api, place.observer, within=0))


def ready(place: Place, request: Request, wait: float | None = None) -> Planned:
    """Make a plan that is to be carried out, when other runs on the same objects are done; raises like `preview`.

    Without ``wait`` a plan that changes something is not held up here: its run takes the locks itself, and says who has them.

    Raises:
        Refused: nobody named the cluster, or the store is paused.
        Locked: another run is still at work after ``wait`` seconds.
    """
    if request.saved is not None:
        request.saved.require_target(place)
    place.require_named(request.book.target)
    place.require_unpaused()
    found = _first(place, request)
    while _held_up(place, found, wait):
        found = _again(place, request)
    return found


def renewed(place: Place, approved: Planned, fingerprint: str) -> Planned:
    """Look again after an approval: the world may have moved while somebody read; raises StalePlan where it has."""
    found = _made(place, approved.request)
    if found.fingerprint != fingerprint:
        raise StalePlan(
            "the target changed while the plan was read",
            f"{since_plan(approved.as_json(), found.as_json())}; nothing was changed",
            repeat_as("run"),
        )
    return found


def _first(place: Place, request: Request) -> Planned:
    found = _made(place, request)
    if request.saved is not None:
        request.saved.require_cluster(found.api)
        request.saved.require_same(found.plan)
    return found


def _again(place: Place, request: Request) -> Planned:
    found = _made(place, request)
    if request.saved is not None:
        request.saved.require_same(found.plan)
    return found


def _made(place: Place, request: Request) -> Planned:
    target = place.target(request.book.target)
    api = place.api(target, request.material)
    asked: tuple[dict[str, Any], dict[str, Any]] = (request.parameters, request.values)
    return Planned(request, make_plan(request.book, target, *asked, api, accept_drift=request.accept_drift), api)


def _held_up(place: Place, found: Planned, wait: float | None) -> bool:
    """Wait for other runs on the same objects, and tell whether the plan has to be made again."""
    if found.changes and wait is None:
        return False
    observer = place.observer.about(runbook=found.book.name)
    return bool(found.api.await_others(found.plan.scopes, wait, observer.held_up))
