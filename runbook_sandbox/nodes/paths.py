"""Which registries a GKE node reaches: by an address of its own, by Cloud NAT, or by Private Google Access.

Plays what these pages say of packets that leave a node without an external address:
https://cloud.google.com/vpc/docs/private-google-access and https://cloud.google.com/nat/docs/overview
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from runbook_sandbox.google import GoogleCloud
from runbook_sandbox.google.gke import region_of
from runbook_sandbox.google.network import Network

Json = dict[str, Any]
POOL_LABEL, DEFAULT_POOL = "cloud.google.com/gke-nodepool", "default-pool"
_GOOGLE = (".pkg.dev", ".gcr.io")
# Addresses that names have: of Google's own, of the private ones that a zone gives them, and of everybody else's.
_PUBLIC, _PRIVATE, _ELSEWHERE = "142.250.102.82", "199.36.153.8", "198.51.100.7"
_INTERNET = "/gateways/default-internet-gateway"


class Paths:
    """The ways out of the nodes of one cluster.

    Args:
        cloud: the cloud that it is in.
        project, location, cluster: where it is there.
    """

    def __init__(self, cloud: GoogleCloud, project: str, location: str, cluster: str) -> None:
        self._cloud, self._project, self._key = cloud, project, f"{location}/{cluster}"
        self._region = region_of(location)

    def dead_end(self, node: Json, host: str) -> str:
        """Return the address that a node dials in vain for a registry, empty where it gets an answer."""
        with self._cloud.lock:
            pool, cluster = self._pool(node), self._cluster
            if not _is_private(pool, cluster):
                return ""
            network, subnet = self._subnet(pool, cluster)
            address = _resolved(network, subnet, host)
            covered = any(_covers(nat, subnet) for nat in self._nats(network, subnet))
            google = subnet["privateIpGoogleAccess"] and _is_google(host)
            opened = (covered or google) and _routed(network, subnet, address) and not _denied(network, subnet, address)
            return "" if opened else address

    @property
    def _cluster(self) -> Json:
        return self._cloud.projects[self._project].clusters[self._key]

    def _pool(self, node: Json) -> Json:
        pools: list[Json] = self._cluster["nodePools"]
        name = (node["metadata"].get("labels") or {}).get(POOL_LABEL, pools[0]["name"])
        return next((pool for pool in pools if pool["name"] == name), pools[0])

    def _subnet(self, pool: Json, cluster: Json) -> tuple[Network, Json]:
        """Return a pool's subnet, and the network of the project that has it: with Shared VPC it is another one."""
        path = (pool.get("networkConfig") or {}).get("subnetwork") or cluster["networkConfig"]["subnetwork"]
        _, project, _, region, _, name = path.split("/")
        network = self._cloud.projects[project].network
        return network, network.subnetwork(region, name)

    def _nats(self, network: Network, subnet: Json) -> Iterator[Json]:
        for router in network.things["routers"].values():
            if router["network"] == subnet["network"] and router["region"] == subnet["region"]:
                yield from router.get("nats", [])


def _is_private(pool: Json, cluster: Json) -> bool:
    own = (pool.get("networkConfig") or {}).get("enablePrivateNodes")
    usual = (cluster.get("networkConfig") or {}).get("defaultEnablePrivateNodes")
    old = (cluster.get("privateClusterConfig") or {}).get("enablePrivateNodes")
    return bool(next((item for item in (own, usual, old) if item is not None), False))


def _is_google(host: str) -> bool:
    return host == "gcr.io" or host.endswith(_GOOGLE)


def _resolved(network: Network, subnet: Json, host: str) -> str:
    """Return the address of a name, which a private zone of the network may have changed."""
    for zone in network.zones:
        links = (zone.get("privateVisibilityConfig") or {}).get("networks") or []
        seen = any(each["networkUrl"] == subnet["network"] for each in links)
        if seen and f".{host}.".endswith(f".{zone['dnsName']}"):
            return _PRIVATE
    return _PUBLIC if _is_google(host) else _ELSEWHERE


def _covers(nat: Json, subnet: Json) -> bool:
    """Tell whether a NAT translates the addresses of the nodes, which are in the primary range."""
    if nat.get("type", "PUBLIC") != "PUBLIC":
        return False
    if nat.get("sourceSubnetworkIpRangesToNat") != "LIST_OF_SUBNETWORKS":
        return True
    return any(
        item["name"] == subnet["selfLink"]
        and {"ALL_IP_RANGES", "PRIMARY_IP_RANGE"} & set(item.get("sourceIpRangesToNat", ()))
        for item in nat.get("subnetworks", ())
    )


def _routed(network: Network, subnet: Json, address: str) -> bool:
    """Tell whether the most special route for an address leads to the gateway of the internet."""
    routes = [
        (ipaddress.ip_network(route["destRange"]).prefixlen, -route["priority"], route.get("nextHopGateway", ""))
        for route in network.things["routes"].values()
        if route["network"] == subnet["network"]
        and ipaddress.ip_address(address) in ipaddress.ip_network(route["destRange"])
    ]
    return bool(routes) and max(routes)[2].endswith(_INTERNET)


def _denied(network: Network, subnet: Json, address: str) -> bool:
    """Tell whether the first rule that fits https to an address forbids it; without any it is allowed."""
    rules = [rule for policy in network.policies.get(subnet["network"].split("/")[-1], ()) for rule in policy["rules"]]
    ranked = [(0, rule["priority"], rule["action"] == "deny") for rule in rules if _fits_policy(rule, address)]
    own = network.things["firewalls"].values()
    ranked += [(1, rule["priority"], "denied" in rule) for rule in own if rule["network"] == subnet["network"] and _fits(rule, address)]  # fmt: skip
    return bool(ranked) and min(ranked, key=lambda item: (item[0], item[1], not item[2]))[2]


def _fits(rule: Json, address: str) -> bool:
    listed = rule.get("denied") or rule.get("allowed") or ()
    entries = [(item["IPProtocol"], item.get("ports")) for item in listed]
    return rule["direction"] == "EGRESS" and _matches(rule.get("destinationRanges", ["0.0.0.0/0"]), entries, address)


def _fits_policy(rule: Json, address: str) -> bool:
    match = rule["match"]
    entries = [(item["ipProtocol"], item.get("ports")) for item in match.get("layer4Configs", ())]
    return rule["direction"] == "EGRESS" and _matches(match.get("destIpRanges", ["0.0.0.0/0"]), entries, address)


def _matches(ranges: list[str], entries: list[Any], address: str) -> bool:
    inside = any(ipaddress.ip_address(address) in ipaddress.ip_network(each) for each in ranges)
    return inside and any(
        protocol in ("all", "tcp", "6") and (not ports or "443" in ports) for protocol, ports in entries
    )
