"""A scenario: how something breaks, what a person then sees, and what fixes it; the world is what it breaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from remediation.model.diffing import State
from remediation.model.refs import Ref

States = list[State]


class World(Protocol):
    """A cluster and a cloud that may be broken: whoever breaks them has every right there."""

    @property
    def real(self) -> bool:
        """Whether the API server is a real one; its simulated nodes have no network, no disks and no logs."""

    @property
    def places(self) -> Mapping[str, str]:
        """What ``{host}`` and the like stand for in parameters: names that only this world knows."""

    @property
    def marks(self) -> Mapping[str, str]:
        """The annotations and labels that the nodes of this world obey, by what they mean."""

    def read(self, ref: Ref) -> State | None:
        """Return an object, None where there is none."""

    def list(self, ref: Ref, labels: str = "") -> States:
        """Return every object of a kind that the selector matches."""

    def put(self, obj: State) -> State:
        """Replace an object by this one, whatever was there; its namespace is made when there is none."""

    def change(self, ref: Ref, wanted: State) -> None:
        """Let an object hold these fields too."""

    def delete(self, ref: Ref) -> None:
        """Delete an object; one that is gone is fine."""

    def run(self, name: str, image: str, replicas: int = 1, *, namespace: str = "shop", **pod: Any) -> None:
        """Run pods of a Deployment; ``labels``, ``annotations`` and ``spec`` are theirs."""

    def report(self, app: str, reason: str, message: str) -> None:
        """Let the kubelet of a pod of ``app`` in ``shop`` warn of something, once the pod has a node."""

    def tell(self, *words: str) -> None:
        """Tell the embedded cloud what to break, in the words of its `breaking` module."""

    def wait_until(self, holds: Callable[[], Any], what: str) -> None:
        """Wait until this holds; raises Unavailable when that takes longer than it should."""


@dataclass(frozen=True)
class Symptom:
    """What a person sees while something is broken; at least one way to see it.

    Attributes:
        finding: part of the summary or the evidence of what ``diagnose`` reports.
        status: the status of that finding.
        kubectl: the arguments of a kubectl whose output holds ``shown``; nothing where nodes are only simulated.
    """

    finding: str
    status: str = "fault"
    kubectl: tuple[str, ...] = ()
    shown: str = ""


@dataclass(frozen=True)
class Scenario:
    """How something breaks, what a person then sees, and what fixes it: one for each branch of a runbook's steps.

    Attributes:
        name: what ``runbook sandbox break`` takes.
        summary: one line for a person: what is broken.
        breaks: breaks a world.
        parameters: those of the run that fixes it, by name; texts may hold ``{places}`` of the world.
        seen: what shows the fault.
        ends: the status of the run: ``verified``, ``applied`` where nothing can prove it, ``refused``, ``not_applicable``,
            ``already_ok``.
        says: part of what the run says.
        undone: whether the run can be undone; one that cannot says so in its plan.
        neighbours: objects that neither the run nor its rollback may touch.
        rehearsed: whether ``runbook sandbox break`` offers it; the others are for the contract suite only.
        servers: where it can be played: ``emulated``, ``real``.
        runbook: the runbook that fixes it; that of the folder unless given.
    """

    name: str
    summary: str
    breaks: Callable[[World], None]
    seen: Symptom
    parameters: Mapping[str, Any] = field(default_factory=dict)
    ends: str = "verified"
    says: str = ""
    undone: bool = True
    neighbours: tuple[Ref, ...] = ()
    rehearsed: bool = True
    servers: tuple[str, ...] = ("emulated", "real")
    runbook: str = ""

    @property
    def changes(self) -> bool:
        """Whether its run changes anything."""
        return self.ends not in ("refused", "already_ok", "not_applicable")

    def values(self, places: Mapping[str, str]) -> dict[str, Any]:
        """Return the parameters as they are in a world with these places."""
        return {name: _placed(value, places) for name, value in self.parameters.items()}

    def words(self, places: Mapping[str, str]) -> list[str]:
        """Return the runbook with its parameters as a person types them."""
        return [self.runbook, *(word for name, value in self.values(places).items() for word in _typed(name, value))]


def _placed(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map(places)
    return tuple(_placed(item, places) for item in value) if isinstance(value, tuple | list) else value


def _typed(name: str, value: Any) -> list[str]:
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    values = value if isinstance(value, tuple) else (value,)
    return [word for item in values for word in (f"--{option}", str(item))]
