"""What is looked at, once, for diagnosis and steps alike."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import Cluster, Facts, Network

from .agent import Agent, MasqueradeAgent
from .protected import Protected, ProtectedRanges
from .timed_out import TimedOut, TimedOutDestinations


@dataclass(frozen=True)
class Situation:
    """The agent, what must keep seeing pod addresses, and where to ask what pods could not reach, if it comes to that.

    `agent` is the `present` one with its text mended and joined, as far as that was asked for.
    """

    present: Agent
    agent: Agent
    protected: Protected
    facts: Facts

    @classmethod
    def look(cls, target: Cluster, facts: Facts, *, repair: bool = False, join: bool = False) -> Situation:
        """Ask the cluster and, where its coordinates are known, Google."""
        present = facts(MasqueradeAgent())
        agent = present.prepared(repair=repair, join=join)
        return cls(present, agent, facts(ProtectedRanges(target.project, target.location, target.cluster)), facts)

    @property
    def no_snat(self) -> bool:
        """Whether pods keep their address towards everything: no agent, and default SNAT switched off."""
        return self.agent.daemonset is None and self.protected.default_snat is False

    @property
    def unreached(self) -> list[TimedOut]:
        """Destinations outside of the cluster that pods time out to, and that see their addresses."""
        return [item for item in self.facts(TimedOutDestinations()) if self._keeps_pod_address(item.destination)]

    def _keeps_pod_address(self, destination: Network) -> bool:
        known = [item for item in self.protected.all if item.version == destination.version]
        inside = any(destination.subnet_of(item) for item in known)  # type: ignore[arg-type] # the versions are equal
        return not inside and (self.no_snat or not self.agent.in_force.masquerades(destination))
