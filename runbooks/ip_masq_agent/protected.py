"""What must keep seeing pod addresses, and what else than the ip-masq-agent decides over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from remediation import NODES, Fact, Facts, Network, Permission, Unchecked

from .cluster_ranges import NodeAddresses, NodePodRanges, ServiceRanges
from .config import MasqueradeConfig
from .gke_network import ClusterNetwork, GkeNetwork

# GKE names the nodes of Autopilot clusters so, and those of Standard clusters gke-.
_AUTOPILOT = "gk3-"


@dataclass(frozen=True)
class ProtectedRanges:
    """Everything that must keep seeing pod addresses, by name, and what could not be asked."""

    project: str | None = None
    location: str | None = None
    cluster: str | None = None

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Nodes, service ranges, and the GKE cluster where one is named."""
        return (*NODES.permissions, *ServiceRanges.permissions, *(self._gke.permissions if self._gke else ()))

    @property
    def _gke(self) -> ClusterNetwork | None:
        if self.project and self.location and self.cluster:
            return ClusterNetwork(self.project, self.location, self.cluster)
        return None

    def ask(self, facts: Facts) -> Protected:
        """Ask the cluster and, where its coordinates are known, Google."""
        sources: list[Fact[Any]] = [NODES, ServiceRanges(), *([self._gke] if self._gke else [])]
        nodes, services, *gke = facts.together(*sources)
        found = Protected(
            facts(NodePodRanges()),
            services or (),
            facts(NodeAddresses()),
            autopilot=any(node["metadata"]["name"].startswith(_AUTOPILOT) for node in nodes),
        )
        if gke:
            found = found.with_gke(gke[0])
        return replace(found, unchecked=(*_lacking(nodes, services, gke[0] if gke else None),))


def _lacking(nodes: Any, services: Any, gke: GkeNetwork | None) -> Iterator[Unchecked]:
    without = [node for node in nodes if not node["spec"].get("podCIDRs")]
    if without and not (gke and gke.pods):
        reason = f"{len(without)} of {len(nodes)} nodes have no podCIDRs, so something else gives pods their addresses"
        yield Unchecked("pod ranges", reason)
    if services is None:
        yield Unchecked("service range", "this API server does not serve ServiceCIDR objects")
    if gke is None:
        reason = "only the GKE API knows them: add --project, --location and --cluster"
        yield Unchecked("additional pod ranges, subnet range, default SNAT", reason)
    else:
        yield from _unnamed(gke)


def _unnamed(gke: GkeNetwork) -> Iterator[Unchecked]:
    """Yield what the GKE API names without its addresses."""
    if gke.named_only:
        reason = f"the GKE API gives no addresses for {', '.join(gke.named_only)}"
        yield Unchecked("additional pod ranges", reason)
    if not gke.has_subnet:
        yield Unchecked("subnet range", "the GKE API does not give it; the nodes of today are protected one by one")


@dataclass(frozen=True)
class Protected:
    """Ranges that must not be masqueraded, and what else decides over pod addresses.

    `default_snat` says whether nodes masquerade by themselves where no agent runs; None when that is not known.
    """

    pods: tuple[Network, ...]
    services: tuple[Network, ...]
    nodes: tuple[Network, ...]
    unchecked: tuple[Unchecked, ...] = ()
    autopilot: bool = False
    default_snat: bool | None = None

    def with_gke(self, gke: GkeNetwork) -> Protected:
        """Return the same with what the GKE API knows."""
        return replace(
            self,
            pods=(*self.pods, *gke.pods),
            services=(*self.services, *gke.services),
            nodes=(*self.nodes, *gke.nodes),
            autopilot=self.autopilot or gke.autopilot,
            default_snat=gke.default_snat,
        )

    @property
    def all(self) -> tuple[Network, ...]:
        """Every protected range."""
        return (*self.pods, *self.services, *self.nodes)

    def lost(self, before: MasqueradeConfig, after: MasqueradeConfig) -> list[str]:
        """Return a phrase for each range of which less keeps pod addresses after than before."""
        named = (("pod range", self.pods), ("service range", self.services), ("node address", self.nodes))
        return [f"{name} {item}" for name, ranges in named for item in ranges if after.covers(before.kept_of(item))]
