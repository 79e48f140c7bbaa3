"""Plans: the ordered operations of a run, made by driving a runbook's steps. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from remediation.catalogue.runbook import Runbook
from remediation.engine.consent import require_fixing
from remediation.engine.left_behind import told
from remediation.engine.operations import Operation
from remediation.engine.permissions import missing
from remediation.engine.reach import Reach
from remediation.model.api import Api
from remediation.model.artefacts import Collect
from remediation.model.changes import Change, Seen, fingerprint, impacts
from remediation.model.commands import advice, repeat
from remediation.model.diffing import State
from remediation.model.errors import Conflict, Forbidden, LeftBehind, Refused, StalePlan
from remediation.model.facts import Facts
from remediation.model.records import identity
from remediation.model.references import references, resolved
from remediation.model.remarks import Caution, Unchecked
from remediation.model.rights import Permission
from remediation.model.steps import Advise, During, Ensure, Resource, Steps, WhenUndone
from remediation.model.targets import Target

_LOOKS = 3
_UNKNOWN = "not checked by the server: a value is known only when what comes before it is made"


@dataclass
class Plan:
    """What a run would do. ``parameters`` are JSON values; secrets are never among them."""

    book: Runbook
    target: Target
    parameters: dict[str, Any]
    operations: list[Operation] = field(default_factory=list)
    undo: list[Operation] = field(default_factory=list)  # what an undo does before it puts the other changes back
    already_ok: list[State] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    advice: list[Advise] = field(default_factory=list)
    missing: list[Permission] = field(default_factory=list)
    # The lock scopes of everything that it would write, or finds written already.
    scopes: set[str] = field(default_factory=set)

    @property
    def changes(self) -> list[Change]:
        """The changes in order, without the putting back of temporary ones."""
        return [item.change for item in self.operations if item.kind == "change" and item.change]

    @property
    def ensures(self) -> list[Ensure]:
        """Every check that the run waits for, in order."""
        return [item.ensure for item in self.operations if item.ensure]

    @property
    def collects(self) -> list[Collect]:
        """What the run keeps of what it looks at, in order."""
        return [item.collect for item in self.operations if item.collect]

    @property
    def fingerprint(self) -> str:
        """The identity of the plan, see `plan_fingerprint`."""
        return plan_fingerprint(self.book.name, self.target.as_json(), self.parameters, self._shown())

    def _shown(self) -> State:
        """Return what a plan shows of its own making: its changes, and the checks that it will make."""
        checks = [
            {"check": item.check.description, "within_seconds": item.within, "status": "planned"}
            for item in self.ensures
        ]
        return {"changes": [change.as_json() for change in self.changes], "checks": checks}

    def as_json(self) -> State:
        """Return the ``plan`` part of the JSON document."""
        shown = self._shown()
        checks = shown["checks"] + [item.as_json() for item in self.unchecked]
        checks += [_kept(item) for item in self.collects]
        checks += [{"check": f"permission: {item}", "status": "missing"} for item in self.missing]
        return {
            "fingerprint": self.fingerprint,
            "changes": shown["changes"],
            "impact": impacts(self.changes),
            "already_ok": self.already_ok,
            "checks": checks,
        } | ({"advice": [item.as_json() for item in self.advice]} if self.advice else {})


def _kept(step: Collect) -> State:
    limits = f"at most {step.most_bytes} bytes within {step.within:.0f} s, for {step.days} days beside the journal"
    return {"check": step.artefact.description, "status": "collect", "detail": limits}


def plan_fingerprint(runbook: str, target: State, parameters: State, plan: State) -> str:
    """Return the identity of a plan: runbook, target, parameters, every edit and every check; no clock, no uid."""
    checks = [item.get("check") for item in plan["checks"] if item.get("status") == "planned"]
    parts = {"runbook": runbook, "target": target, "parameters": parameters, "changes": plan["changes"]}
    return fingerprint(parts | {"checks": checks})


class Planner:
    """Drive the steps of a runbook and collect what they would do."""

    def __init__(self, plan: Plan, api: Api, *, accept_drift: bool = False) -> None:
        self.plan, self.api, self.accept_drift = plan, api, accept_drift
        self._known: dict[
            str, State
        ] = {}  # what is at each address when the plan is carried out, as far as it is known
        self.passing: set[str] = set()  # the addresses of what `wanted` has found that is there for a while only

    def drive(self, steps: Steps) -> Plan:
        """Consume the steps; raises Refused or NotApplicable where a precondition does not hold."""
        require_fixing(self.plan.book)
        for step in steps:
            self._take(step)
        changes = bool(self.plan.changes)
        if changes and self.plan.advice:
            raise AssertionError("steps either change something or leave it to a person")
        self.plan.operations = [
            item for item in self.plan.operations if changes or item.ensure is None or item.ensure.always
        ]
        return self.plan

    def _take(self, step: Any) -> None:
        match step:
            case Unchecked():
                self.plan.unchecked.append(step)
            case Ensure():
                self.plan.operations.append(Operation("ensure", ensure=step))
            case During():
                self._during(step)
            case WhenUndone():
                self._when_undone(step)
            case Advise():
                self.plan.advice.append(step)
            case Collect():
                self.plan.operations.append(Operation("collect", collect=step))
            case _:
                self._resource(step, temporary=False)

    def wanted(self, steps: Steps) -> list[Resource]:
        """Return what the steps want to act on; raises like `drive` where a precondition does not hold."""
        found: list[Resource] = []
        lasting: set[str] = set()
        for step in steps:
            match step:
                case Ensure() | Unchecked() | WhenUndone() | Advise() | Collect():
                    continue
                case During():
                    found += step.resources
                    self.passing |= {item.address for item in step.resources}
                case _:
                    lasting.add(step.address)
                    found.append(step)
        self.passing -= lasting
        return found

    def _during(self, step: During) -> None:
        if step.proves and not self.plan.changes:
            return
        first = len(self.plan.operations)
        for resource in step.resources:
            self._resource(resource, temporary=True)
        made = range(first, len(self.plan.operations))
        self.plan.operations.append(Operation("ensure", ensure=step.until))
        for index in reversed(made):
            operation = self.plan.operations[index]
            self.plan.operations.append(Operation("restore", operation.resource, None, None, index))

    def _when_undone(self, step: WhenUndone) -> None:
        at = [(item.change.address, index) for index, item in enumerate(self.plan.operations) if item.change]
        self.plan.undo += [Operation("undo", of=index) for address, index in at if address in step.first]
        self.plan.undo += [Operation("ensure", ensure=ensure) for ensure in step.then]

    def _resource(self, resource: Resource, *, temporary: bool) -> None:
        resource = self._with_known(resource)
        self.plan.scopes.add(resource.scope)
        seen = resource.look(self.api)
        current = seen.state
        try:
            wanted = resource.desired(current)
        except LeftBehind as problem:
            raise told(problem, resource.scope, self.api) from None
        change = Change.between(resource.address, current, wanted, temporary=temporary, reversible=resource.reversible)
        self._known[change.address] = wanted or {}
        if not change.edits and (current is None) == (wanted is None):
            self.plan.already_ok.append({"address": resource.address, "reason": resource.reason})
            return
        self._refuse_foreign(resource, seen)
        waits = any(references(wanted))
        previewed = replace(change, note=_UNKNOWN) if waits else self._preview(resource, change)
        if previewed.action == "update" and not previewed.edits:  # the server fills in the rest itself
            self.plan.already_ok.append({"address": resource.address, "reason": resource.reason})
            return
        found = replace(previewed, impact=resource.impact(previewed, seen))
        self.plan.operations.append(Operation("change", resource, found))

    def _with_known(self, resource: Resource) -> Resource:
        """Return a resource with what is known already of what it refers to; the rest is known after apply."""
        if strange := [item.address for item in references(resource) if item.address not in self._known]:
            raise AssertionError(f"{resource.address} refers to {strange[0]}, which no step before it makes")
        if any(references(identity(resource))):
            raise AssertionError("which thing it is cannot be known only after apply")
        return resolved(resource, self._known)

    def _refuse_foreign(self, resource: Resource, seen: Seen) -> None:
        owner = resource.owner(seen)
        if owner and not self.accept_drift:
            raise Refused(
                f"{resource.address} is owned by {owner}, which may revert or fight this change",
                next=(advice("change it through {}", owner), repeat("--accept-drift")),
            )

    def _preview(self, resource: Resource, change: Change) -> Change:
        """Ask the server; an identity that may only read gets a client-side diff, labelled as weaker."""
        try:
            return resource.preview(self.api, change)
        except Forbidden:
            return replace(change, note="computed here, not checked by the server: this identity may not write it")


def make_plan(
    book: Runbook,
    target: Target,
    parameters: dict[str, Any],
    values: dict[str, Any],
    api: Api,
    *,
    accept_drift: bool = False,
) -> Plan:
    """Make the plan of a runbook without writing anything.

    Args:
        book: the runbook.
        target: what it acts on.
        parameters: the parameters as JSON, for the record.
        values: the same parameters parsed.
        api: the clients.
        accept_drift: act on objects that another controller owns.

    Raises:
        Refused, NotApplicable, ApiError: as the runbook and the APIs say.
        StalePlan: the target changes faster than it can be read.
    """
    for _ in range(_LOOKS):
        plan, facts = Plan(book, target, parameters), Facts(api)
        try:
            with api.snapshot():
                Planner(plan, api, accept_drift=accept_drift).drive(book.steps(target, **values, facts=facts))
        except Conflict as problem:
            moved = problem  # somebody wrote between reading and previewing: look again
        else:
            if plan.changes:
                Reach.of([book], target, parameters, facts).require([*plan.operations, *plan.undo])
                plan.missing = missing(plan, api)
            plan.unchecked += [Caution("from the API server", text) for text in api.warnings()]
            return plan
    raise StalePlan(f"the target is being changed right now: {moved.summary}", "nothing was changed", repeat())
