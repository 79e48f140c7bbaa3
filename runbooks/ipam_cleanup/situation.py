"""What is looked at, once, for diagnosis and steps alike."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import Cluster, Facts

from .addressing import Addressing, NodeAddressing
from .leaks import DataplaneV2, cure


@dataclass(frozen=True)
class Situation:
    """The pod addresses of the named nodes, or of all where none is named; nothing is asked before it is needed."""

    facts: Facts
    named: tuple[str, ...]

    @classmethod
    def look(cls, target: Cluster, facts: Facts, node: tuple[str, ...] = ()) -> Situation:
        """Name each node once."""
        return cls(facts, tuple(dict.fromkeys(node)))

    @property
    def nodes(self) -> dict[str, NodeAddressing]:
        """Those that exist, by name."""
        return self.facts(Addressing(self.named))

    @property
    def leaking(self) -> list[NodeAddressing]:
        """Those of which addresses leaked."""
        return [item for item in self.nodes.values() if item.leaking]

    def cure(self, item: NodeAddressing) -> str:
        """Return what is known about an upgrade as a cure for a node."""
        return cure(item.version, self.facts(DataplaneV2()))
