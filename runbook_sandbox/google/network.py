"""The networks of an emulated project: what Compute Engine and Cloud DNS keep of them.

Source: https://cloud.google.com/compute/docs/reference/rest/v1 and https://cloud.google.com/dns/docs/reference/rest/v1
"""

from __future__ import annotations

import base64
import copy
import hashlib
from typing import Any

from runbook_sandbox.google.compute_operations import Operations

Json = dict[str, Any]
BASE = "https://www.googleapis.com/compute/v1/projects"
# What an auto mode network has in the regions that are played.
_REGIONS = {"europe-west1": "10.132.0.0/20", "europe-west3": "10.156.0.0/20", "us-central1": "10.128.0.0/20"}
_CREATED = "2026-01-05T00:00:00.000-08:00"
# Of each kind in which scope its things are.
SCOPES = {
    "networks": "global",
    "routes": "global",
    "firewalls": "global",
    "subnetworks": "regions/{region}",
    "routers": "regions/{region}",
}
_KINDS = {"networks": "network", "routes": "route", "firewalls": "firewall", "subnetworks": "subnetwork", "routers": "router"}  # fmt: skip


class Network:
    """All networks of one project.

    Attributes:
        things: by kind, and there by path below the project, ``regions/R/subnetworks/S``.
        policies: firewall policies that hold for a network, by its name, as ``getEffectiveFirewalls`` shows them.
        zones: Cloud DNS managed zones.
        response_policies: Cloud DNS response policies, each with its ``rules``.
        operations: those of its regions.
    """

    def __init__(self, project: str) -> None:
        self.project = project
        self.things: dict[str, dict[str, Json]] = {kind: {} for kind in SCOPES}
        self.policies: dict[str, list[Json]] = {}
        self.zones: list[Json] = []
        self.response_policies: list[Json] = []
        self.operations = Operations(f"{BASE}/{project}", self._take_effect)
        self.add_network("default", _REGIONS)

    def add_network(self, name: str, regions: dict[str, str]) -> None:
        """Add a network with a subnet of its name in each region, a way out and what its firewall starts with."""
        link = self.add("networks", name, autoCreateSubnetworks=True, mtu=1460)["selfLink"]
        for region, addresses in regions.items():
            self.add_subnetwork(region, name, addresses, network=link)
        gateway = f"{BASE}/{self.project}/global/gateways/default-internet-gateway"
        out = {"destRange": "0.0.0.0/0", "nextHopGateway": gateway, "priority": 1000, "network": link}
        self.add("routes", f"{name}-route-out", **out)
        inside = {"network": link, "direction": "INGRESS", "priority": 65534, "sourceRanges": ["10.128.0.0/9"]}
        self.add("firewalls", f"{name}-allow-internal", allowed=[{"IPProtocol": "all"}], **inside)

    def add_subnetwork(self, region: str, name: str, addresses: str, **fields: Any) -> Json:
        """Add a subnet, without Private Google Access unless the fields say so."""
        usual = {
            "network": f"{BASE}/{self.project}/global/networks/default",
            "ipCidrRange": addresses,
            "privateIpGoogleAccess": False,
            "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
            "purpose": "PRIVATE",
            "stackType": "IPV4_ONLY",
        }
        return self.add("subnetworks", name, region, **usual | fields)

    def add_nat(self, region: str, network: str = "default", **nat: Any) -> Json:
        """Add a router with one Cloud NAT, which is for every range of every subnet unless the fields say less."""
        usual = {
            "name": "nat",
            "type": "PUBLIC",
            "natIpAllocateOption": "AUTO_ONLY",
            "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
        }
        link = f"{BASE}/{self.project}/global/networks/{network}"
        return self.add("routers", f"{network}-router", region, network=link, nats=[usual | nat])

    def add(self, kind: str, name: str, region: str = "", /, **fields: Any) -> Json:
        """Add a thing of a kind."""
        path = f"{SCOPES[kind].format(region=region)}/{kind}/{name}"
        number = int(hashlib.sha256(f"{self.project}/{path}".encode()).hexdigest()[:15], 16)
        made = {
            "kind": f"compute#{_KINDS[kind]}",
            "id": str(number),
            "creationTimestamp": _CREATED,
            "name": name,
            "selfLink": f"{BASE}/{self.project}/{path}",
        } | fields
        if region:
            made["region"] = f"{BASE}/{self.project}/regions/{region}"
        made["fingerprint"] = _fingerprint(made)
        self.things[kind][path] = made
        return made

    def subnetwork(self, region: str, name: str) -> Json:
        """Return a subnet as it is now."""
        self.operations.settle()
        return self.things["subnetworks"][f"regions/{region}/subnetworks/{name}"]

    def _take_effect(self, target: str, fields: Json) -> None:
        """Let an operation that has ended change what it is about."""
        kind = target.split("/")[-2]
        if found := self.things[kind].get(target):
            found.update(fields)
            found["fingerprint"] = _fingerprint(found)

    def effective_firewalls(self, network: str) -> Json:
        """Return the rules of a network, and the policies of its organisation, its folders and itself."""
        link = f"{BASE}/{self.project}/global/networks/{network}"
        rules = [each for each in self.things["firewalls"].values() if each["network"] == link]
        policies = self.policies.get(network, [])
        return {"firewalls": rules} | ({"firewallPolicys": policies} if policies else {})

    def dump(self) -> Json:
        """Return the networks as JSON."""
        kept = {"things": self.things, "policies": self.policies, "zones": self.zones}
        kept |= {"response_policies": self.response_policies, "operations": self.operations.dump()}
        return copy.deepcopy(kept)

    def load(self, kept: Json) -> None:
        """Take over what `dump` returned; an earlier version has kept nothing."""
        if kept:
            self.things, self.policies, self.zones = kept["things"], kept["policies"], kept["zones"]
            self.response_policies = kept["response_policies"]
            self.operations.load(kept["operations"])


def _fingerprint(fields: Json) -> str:
    content = repr(sorted((name, str(value)) for name, value in fields.items() if name != "fingerprint"))
    return base64.b64encode(hashlib.sha256(content.encode()).digest()[:9]).decode()
