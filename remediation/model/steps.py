"""The words of the engine as values. Knows no API."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from remediation.model.api import Api
from remediation.model.artefacts import Collect
from remediation.model.changes import Change, Intent, Seen, Written
from remediation.model.commands import Hint, Hints
from remediation.model.diffing import State
from remediation.model.remarks import (
    Unchecked,
)
from remediation.model.rights import Permission


class ResourceDefaults:
    """What a resource is unless it says otherwise."""

    ephemeral: ClassVar[bool] = False
    nothing_to_undo: ClassVar[bool] = False
    reversible: ClassVar[bool] = True
    learnt: ClassVar[tuple[str, ...]] = ("reason", "row")
    # Of those, the fields that say what a change of it may touch: the survey of a runbook keeps them.
    bounds: ClassVar[tuple[str, ...]] = ()
    programs: ClassVar[tuple[str, ...]] = ()

    def own(self, change: Change) -> Change:
        """Return the change: all of it is ours."""
        return change

    def made_by(self, run_id: str, state: State) -> bool:
        """Tell that nothing says who made it."""
        del run_id, state
        return True

    def foreign(self, change: Change) -> list[str]:
        """Return every place of an update: this resource is only made or removed."""
        return [edit.pointer or "/" for edit in change.edits] if change.action == "update" else []

    def plans(self: Resource, change: Change) -> bool:
        """Tell whether what is to be created is what this resource wants."""
        return change.action == "update" or change.after == self.desired(None)

    def says_the_same(self, other: Any) -> bool:
        """Tell nothing apart: which thing it is says all."""
        return other is not None

    @property
    def reason(self) -> str:
        """Why nothing has to be done, where nothing has to be."""
        return "already as wanted"

    @property
    def shared(self) -> bool:
        """Whether others come to depend on its change at once, so that it is undone only when somebody asks for that."""
        return False

    def owner(self, seen: Seen) -> str | None:
        """Return nobody: no controller reverts its changes."""
        return None

    def impact(self, change: Change, seen: Seen) -> str:
        """Return nothing: what its change does is what the change says."""
        del change, seen
        return ""

    def look(self: Any, api: Api) -> Seen:
        """Return the present state and the clock of the target."""
        return Seen(self.read(api), api.now())

    def drifted(self, change: Change, seen: Seen) -> list[str]:
        """Return every field that a change starts from and that is no longer so."""
        return change.drifted(seen.state)

    def outdate(self, api: Api) -> None:
        """Do nothing: what is still on its way here cannot be stopped."""


class Resource(Protocol):
    """One addressable thing with the state we want; a frozen dataclass (see `records`) on top of `ResourceDefaults`."""

    @property
    def learnt(self) -> tuple[str, ...]:
        """The fields that say what is wanted of the thing; all others say which thing it is."""

    @property
    def programs(self) -> tuple[str, ...]:
        """The images that it makes the target run."""

    @property
    def ephemeral(self) -> bool:
        """Whether it makes a value that only this process knows, and that nobody may keep when the run fails."""

    @property
    def nothing_to_undo(self) -> bool:
        """Whether its change leaves nothing that would have to be put back."""

    @property
    def reversible(self) -> bool:
        """Whether its change can be undone."""

    @property
    def reason(self) -> str:
        """Why nothing has to be done, where nothing has to be."""

    @property
    def shared(self) -> bool:
        """Whether others come to depend on its change at once, so that it is undone only when somebody asks for that."""

    def owner(self, seen: Seen) -> str | None:
        """Return the controller that would revert a change, None when there is none."""

    def impact(self, change: Change, seen: Seen) -> str:
        """Return what else a change brings about, in words for the question whether to make it: ``3 agents restart``."""

    def own(self, change: Change) -> Change:
        """Return a recorded change without what the API did along with it, which earlier versions recorded too."""

    def made_by(self, run_id: str, state: State) -> bool:
        """Tell whether what was read carries the mark of the run that made it, where there can be one."""

    def foreign(self, change: Change) -> list[str]:
        """Return the pointers of a change that lie outside of what this resource sets."""

    def plans(self, change: Change) -> bool:
        """Tell whether this resource makes this change of the state before it. Pure."""

    def says_the_same(self, other: Any) -> bool:
        """Tell whether another resource of the same identity wants the same of it."""

    @property
    def address(self) -> str:
        """Where the thing lives, readable and unique: ``configmap/kube-system/ip-masq-agent``."""

    @property
    def scope(self) -> str:
        """What to lock while it is written: ``cluster/NAMESPACE/ADDRESS``, ``project/NAME`` or ``serviceaccount/EMAIL``."""

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Every right that reading, writing and undoing this resource takes."""

    def read(self, api: Api) -> State | None:
        """Return the present state, without volatile fields and secret values."""

    def look(self, api: Api) -> Seen:
        """Return the present state with what the API tells of it: its version, its identity, its clock."""

    def drifted(self, change: Change, seen: Seen) -> list[str]:
        """Return the pointers that keep a change from being made: somebody else has set them since."""

    def desired(self, current: State | None) -> State | None:
        """Return the state we want, given the present one. Pure."""

    def preview(self, api: Api, change: Change) -> Change:
        """Ask the API what it would make of the change, without making it."""

    def write(self, api: Api, change: Change, run_id: str, identity: str = "") -> Written:
        """Make exactly this change, guarded; raises Conflict when the resource is not at ``change.before``."""

    def settle(self, api: Api, change: Change, run_id: str, intent: Intent) -> Written | None:
        """After an ambiguous write: return what it left if it took effect, None if it did not; else raise Conflict."""

    def outdate(self, api: Api) -> None:
        """See to it that a write which has not landed yet does not land any more, where the API has a way to."""


@dataclass(frozen=True)
class Verdict:
    """The answer of a check: ``ok``, ``failing`` (not yet) or ``unknown`` (could not be asked)."""

    status: Literal["ok", "failing", "unknown"]
    detail: str = ""
    final: bool = False  # waiting will not change it


class CheckDefaults:
    """What a check is unless it says otherwise."""

    required: ClassVar[bool] = True
    costly: ClassVar[bool] = False
    learnt: ClassVar[tuple[str, ...]] = ()

    @property
    def about(self) -> Any:
        """The resource that it only reads, where it is about one: whoever may change that may ask."""
        return None

    def explained(self, api: Api, verdict: Verdict) -> Verdict:
        """Return the answer as it is."""
        del api
        return verdict


class Check(Protocol):
    """A read-only question. Implementations are frozen dataclasses (see `records`) on top of `CheckDefaults`."""

    @property
    def learnt(self) -> tuple[str, ...]:
        """The fields that only the target tells; all others say what is asked about."""

    @property
    def required(self) -> bool:
        """Whether a run is unhealthy when it cannot be answered."""

    @property
    def costly(self) -> bool:
        """Whether it takes more requests than a run with nothing to change should make."""

    @property
    def description(self) -> str:
        """What is true when the check passes."""

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Every right that asking takes."""

    def ask(self, api: Api) -> Verdict:
        """Answer once."""

    def explained(self, api: Api, verdict: Verdict) -> Verdict:
        """Add to a failing answer what a person wants to know who waits for it; it may take requests and decides nothing."""

    def moments(self, api: Api, within: float) -> Iterable[None]:
        """Yield whenever the answer may have changed, for at most ``within`` seconds."""


@dataclass(frozen=True)
class Ensure:
    """Wait for the check for at most ``within`` seconds; ``always`` ones are the proof, asked even when all is right."""

    check: Check
    within: float = 60.0
    always: bool = True


@dataclass(frozen=True)
class During:
    """Put ``resources`` in place, wait for ``until``, then put everything back as it was.

    One that ``proves`` what was changed before it is only for a run that changes something.
    """

    resources: tuple[Resource, ...]
    until: Ensure
    proves: bool = False


@dataclass(frozen=True)
class Advise:
    """Leave it to a person: what to type, in order, and what comes of it. Nothing is applied."""

    summary: str
    commands: Hints
    consequences: tuple[str, ...] = ()

    def as_json(self) -> State:
        """Return its part of the plan."""
        commands = [str(item) for item in self.commands]
        return {"summary": self.summary, "commands": commands, "consequences": list(self.consequences)}


@dataclass(frozen=True)
class WhenUndone:
    """Put back what was changed at the addresses ``first``, wait ``then``, and only then put back the rest of the run."""

    first: tuple[str, ...]
    then: tuple[Ensure, ...] = ()


Step = Unchecked | Ensure | During | WhenUndone | Advise | Collect | Resource
Steps = Generator[Step, None, None]


@dataclass(frozen=True)
class Finding:
    """What a diagnosis reports. ``status``: ``fault``, ``healthy``, ``not_applicable`` or ``unknown``."""

    status: Literal["fault", "healthy", "not_applicable", "unknown"]
    summary: str
    resource: str = ""
    evidence: tuple[str, ...] = ()
    confidence: Literal["certain", "probable", "possible"] = "certain"
    excluded: tuple[str, ...] = ()  # cheaper explanations that were ruled out
    parameters: dict[str, Any] = field(default_factory=dict)  # of the runbook that fixes it
    by_hand: Hint | None = None  # what a person has to do, where no run of the runbook would get on
