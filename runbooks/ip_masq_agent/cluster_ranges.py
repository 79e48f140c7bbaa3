"""Address ranges that a cluster itself knows: of its nodes, their pods and its services."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import NODES, Facts, Network, NotFound, ObjectsOf, Permission, network, networks


@dataclass(frozen=True)
class NodePodRanges:
    """The pod ranges that nodes were given, ``spec.podCIDRs``."""

    permissions = NODES.permissions

    def ask(self, facts: Facts) -> tuple[Network, ...]:
        """Collect them from the node list."""
        return networks(text for node in facts(NODES) for text in node["spec"].get("podCIDRs") or [])


@dataclass(frozen=True)
class NodeAddresses:
    """The internal addresses of the nodes, as single-address networks."""

    permissions = NODES.permissions

    def ask(self, facts: Facts) -> tuple[Network, ...]:
        """Collect them from the node list."""
        addresses = [address for node in facts(NODES) for address in node.get("status", {}).get("addresses") or []]
        return networks(address["address"] for address in addresses if address["type"] == "InternalIP")


@dataclass(frozen=True)
class ServiceRanges:
    """The ranges of Service addresses (ServiceCIDR objects, Kubernetes 1.33 and later); None when they are not served."""

    permissions = (Permission("list", "servicecidrs", "networking.k8s.io"),)

    def ask(self, facts: Facts) -> tuple[Network, ...] | None:
        """List the ServiceCIDR objects."""
        try:
            found = facts(ObjectsOf("networking.k8s.io/v1", "ServiceCIDR"))
        except NotFound:
            return None
        return tuple(network(text) for item in found for text in item["spec"].get("cidrs") or [])
