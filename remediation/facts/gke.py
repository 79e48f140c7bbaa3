"""Facts that the GKE API knows about a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from remediation.facts import Facts
from remediation.model import Permission
from remediation.ranges import Network, networks


@dataclass(frozen=True)
class GkeRanges:
    """The address ranges of a GKE cluster."""

    pods: tuple[Network, ...]
    services: tuple[Network, ...]
    nodes: tuple[Network, ...]


@dataclass(frozen=True)
class ClusterRanges:
    """Pod, service and control-plane ranges from ``clusters.get``.

    Source: https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters
    """

    project: str
    location: str
    cluster: str

    permissions = (Permission.google("container.clusters.get"),)

    def ask(self, facts: Facts) -> GkeRanges:
        """Read the cluster and collect its ranges."""
        found = facts.api.google.cluster(self.project, self.location, self.cluster)
        allocation = found.get("ipAllocationPolicy") or {}
        pools = [pool.get("networkConfig") or {} for pool in found.get("nodePools") or []]
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
        return GkeRanges(*(networks(text for text in texts if text) for texts in (pods, services, nodes)))
