"""Facts that the GKE API knows about a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import Facts, Network, Permission, State, networks


@dataclass(frozen=True)
class GkeNetwork:
    """The address ranges of a GKE cluster, and who masquerades there.

    `named_only` are additional pod ranges that no node pool gives the addresses of; `has_subnet` says whether `nodes`
    holds the subnet's range; `default_snat` whether nodes masquerade by themselves.
    """

    pods: tuple[Network, ...]
    services: tuple[Network, ...]
    nodes: tuple[Network, ...]
    named_only: tuple[str, ...] = ()
    has_subnet: bool = False
    autopilot: bool = False
    default_snat: bool = True


@dataclass(frozen=True)
class ClusterNetwork:
    """Pod, service and control-plane ranges and the masquerading settings from ``clusters.get``.

    Source: https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters
    """

    project: str
    location: str
    cluster: str

    permissions = (Permission.google("container.clusters.get"),)

    def ask(self, facts: Facts) -> GkeNetwork:
        """Read the cluster and pick out what concerns pod addresses."""
        found = facts.api.google.cluster(self.project, self.location, self.cluster)
        allocation = found.get("ipAllocationPolicy") or {}
        pools = [pool.get("networkConfig") or {} for pool in found.get("nodePools") or []]
        pods, services, nodes = (networks(filter(None, texts)) for texts in _ranges(found, allocation, pools))
        return GkeNetwork(
            pods,
            services,
            nodes,
            named_only=_named_only(allocation, pools),
            has_subnet="nodeIpv4CidrBlock" in allocation,
            autopilot=bool((found.get("autopilot") or {}).get("enabled")),
            default_snat=not ((found.get("networkConfig") or {}).get("defaultSnatStatus") or {}).get("disabled"),
        )


def _ranges(found: State, allocation: State, pools: list[State]) -> tuple[list[str | None], ...]:
    """Return the texts of the pod, service and node ranges, None for those that are not given."""
    pods = [
        allocation.get("clusterIpv4CidrBlock"),
        found.get("clusterIpv4Cidr"),
        *(pool.get("podIpv4CidrBlock") for pool in pools),
    ]
    services = [
        allocation.get("servicesIpv4CidrBlock"),
        allocation.get("servicesIpv6CidrBlock"),
        found.get("servicesIpv4Cidr"),
    ]
    nodes = [
        allocation.get("nodeIpv4CidrBlock"),
        allocation.get("subnetIpv6CidrBlock"),
        (found.get("privateClusterConfig") or {}).get("masterIpv4CidrBlock"),
    ]
    return pods, services, nodes


def _named_only(allocation: State, pools: list[State]) -> tuple[str, ...]:
    """Return the additional pod ranges whose addresses no node pool gives."""
    named = (allocation.get("additionalPodRangesConfig") or {}).get("podRangeNames") or []
    known = {pool.get("podRange") for pool in pools if pool.get("podIpv4CidrBlock")}
    return tuple(name for name in named if name not in known)
