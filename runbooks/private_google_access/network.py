"""A subnet and the ways out of it, as Compute Engine and Cloud DNS tell: addresses, NAT, routes, firewalls, private zones.

Sources: https://cloud.google.com/vpc/docs/private-google-access, https://cloud.google.com/nat/docs/overview and the rule
of https://github.com/GoogleCloudPlatform/gcpdiag: private nodes, no Private Google Access and no NAT are a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from remediation import Facts, Forbidden, GoogleApi, GoogleField, Permission, State

FIELD, METHOD = "privateIpGoogleAccess", "setPrivateIpGoogleAccess"
# How Google's registries end; Private Google Access leads to these and to none of anybody else's.
_REGISTRIES = ("pkg.dev", "gcr.io")
_GATEWAY = "/gateways/default-internet-gateway"
_READS = (
    *("compute.subnetworks.get", "compute.routers.list", "compute.routes.list"),
    *("compute.networks.getEffectiveFirewalls", "dns.managedZones.list"),
    *("dns.responsePolicies.list", "dns.responsePolicyRules.list"),
)
_EVERYWHERE = "0.0.0.0/0"


def registry_of_google(host: str) -> str:
    """Return the domain of Google's that a registry is in, ``pkg.dev`` or ``gcr.io``; empty for anybody else's."""
    return next((name for name in _REGISTRIES if host == name or host.endswith(f".{name}")), "")


@dataclass(frozen=True)
class Subnet:
    """A subnet with what surrounds it; None stands for what the caller may not read.

    Attributes:
        path: ``projects/P/regions/R/subnetworks/S``.
        access: whether it has Private Google Access.
        nats: the Cloud NATs that translate addresses of its nodes.
        routes, firewalls: those of its network, as their API shows them.
        zones: the names that DNS answers there otherwise than elsewhere.
    """

    path: str
    access: bool
    foreign: bool
    nats: tuple[str, ...] | None
    routes: tuple[State, ...] | None
    firewalls: State | None
    zones: tuple[str, ...] | None

    @property
    def short(self) -> str:
        """Its name with its region, and its project where that is not the cluster's."""
        _, project, _, region, _, name = self.path.split("/")
        return f"{name} in {region}" + (f" of project {project}" if self.foreign else "")

    @property
    def words(self) -> tuple[str, ...]:
        """How gcloud is told which one it is."""
        _, project, _, region, _, name = self.path.split("/")
        return name, f"--region={region}", f"--project={project}"

    @property
    def opened(self) -> GoogleField:
        """The subnet with Private Google Access; others come to depend on it at once, so it goes only when asked for."""
        return GoogleField(
            "compute",
            "subnetworks",
            self.path,
            FIELD,
            value=True,
            method=METHOD,
            operations="regionOperations",
            does=f"every VM in subnet {self.short} without an external address reaches Google APIs and registries",
            undoes=f"every VM in subnet {self.short} without an external address or NAT loses Google APIs and registries, "
            "also those that came to depend on it since",
            foreign_project=self.foreign,
            shared=True,
            reason="Private Google Access is on",
        )

    @property
    def unread(self) -> tuple[str, ...]:
        """What could not be looked at."""
        named = (("Cloud NAT", self.nats), ("routes", self.routes), ("firewalls", self.firewalls), ("DNS zones", self.zones))  # fmt: skip
        return tuple(name for name, found in named if found is None)

    def obstacles(self, address: str) -> tuple[str, ...]:
        """Return what keeps packets from an address of Google's, whatever access the subnet has."""
        return tuple(filter(None, (self._without_route(address), *self._denying(address)))) if address else ()

    def _without_route(self, address: str) -> str:
        if self.routes is None:
            return ""
        fitting = [each for each in self.routes if _inside(address, each.get("destRange", ""))]
        best = max(fitting, key=lambda each: (ip_network(each["destRange"]).prefixlen, -each["priority"]), default=None)
        if best is None:
            return f"no route leads to {address}"
        there = str(best.get("nextHopGateway", "")).endswith(_GATEWAY)
        return "" if there else f"route {best['name']} leads {address} elsewhere than to the default internet gateway"

    def _denying(self, address: str) -> Iterator[str]:
        """Yield the first rule for https to an address, where it denies; those with targets may be for other VMs."""
        for said, denies, targeted in _rules(self.firewalls or {}, address):
            if not targeted:
                if denies:
                    yield f"{said} denies {address}:443"
                return
            if denies:
                yield f"{said} denies {address}:443 to some VMs, perhaps to the nodes"

    def half_migrated(self, host: str) -> str:
        """Return what tells that names were moved to private addresses without those of a registry, empty when nothing does."""
        own = f"{registry_of_google(host)}."
        others = [
            name for name in self.zones or () if name in ("googleapis.com.", "gcr.io.", "pkg.dev.") and name != own
        ]
        if own in (self.zones or ()) or not others:
            return ""
        return f"private DNS names are there for {', '.join(others)} and not for {own}: half a migration"


@dataclass(frozen=True)
class SubnetWays:
    """A subnet and the ways out of it. ``foreign`` says that its project is not the cluster's: Shared VPC."""

    path: str
    foreign: bool = False

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Read networks, and zones."""
        project = self._project if self.foreign else ""
        return tuple(Permission.google(each, project) for each in _READS)

    @property
    def _project(self) -> str:
        return self.path.split("/")[1]

    def ask(self, facts: Facts) -> Subnet:
        """Read the subnet; what else may not be read is an open question, and no failure."""
        google, base = facts.api.google, f"/compute/v1/projects/{self._project}"
        found = google.get("compute", f"/compute/v1/{self.path}")
        network = str(found["network"])
        routers = _readable(
            lambda: google.every("compute", f"{base}/{'/'.join(self.path.split('/')[2:4])}/routers", "items")
        )
        routes = _readable(lambda: google.every("compute", f"{base}/global/routes", "items"))
        rules = _readable(
            lambda: google.get("compute", f"/compute/v1/{network.partition('/v1/')[2]}/getEffectiveFirewalls")
        )
        zones = _readable(lambda: tuple(_names(google, f"/dns/v1/projects/{self._project}", network)))
        return Subnet(
            self.path,
            bool(found.get(FIELD)),
            self.foreign,
            None if routers is None else tuple(_nats(routers, found)),
            None if routes is None else tuple(each for each in routes if each.get("network") == network),
            rules,
            zones,
        )


def _readable(read: Callable[[], Any]) -> Any:
    """Return an answer, None where the caller may not have it."""
    try:
        return read()
    except Forbidden:
        return None


def _nats(routers: list[State], subnet: State) -> Iterator[str]:
    """Yield the Cloud NATs for the internet that translate the range of the nodes; one without a type is of that kind."""
    for router in routers:
        if router.get("network") == subnet["network"]:
            public = (nat for nat in router.get("nats") or [] if nat.get("type", "PUBLIC") == "PUBLIC")
            yield from (f"{nat['name']} of router {router['name']}" for nat in public if _covers(nat, subnet))


def _covers(nat: State, subnet: State) -> bool:
    if nat.get("sourceSubnetworkIpRangesToNat") != "LIST_OF_SUBNETWORKS":
        return True
    ranges = [set(each.get("sourceIpRangesToNat") or ()) for each in nat.get("subnetworks") or [] if each["name"] == subnet["selfLink"]]  # fmt: skip
    return any(each & {"ALL_IP_RANGES", "PRIMARY_IP_RANGE"} for each in ranges)


def _names(google: GoogleApi, base: str, network: str) -> Iterator[str]:
    """Yield the names that a network sees otherwise than the world does: by private zones, and by rules of response policies."""
    for zone in google.every("dns", f"{base}/managedZones", "managedZones"):
        if _sees((zone.get("privateVisibilityConfig") or {}).get("networks"), network):
            yield str(zone["dnsName"])
    for policy in google.every("dns", f"{base}/responsePolicies", "responsePolicies"):
        if _sees(policy.get("networks"), network):
            rules = f"{base}/responsePolicies/{policy['responsePolicyName']}/rules"
            yield from (
                str(rule["dnsName"]).removeprefix("*.") for rule in google.every("dns", rules, "responsePolicyRules")
            )


def _sees(networks: list[State] | None, network: str) -> bool:
    """Tell whether a network is among those that are named; links to one differ in their host."""
    found = {str(each.get("networkUrl")).partition("/projects/")[2] for each in networks or []}
    return network.partition("/projects/")[2] in found


def _rules(firewalls: State, address: str) -> Iterator[tuple[str, bool, bool]]:
    """Yield what fits https to an address, in the order in which it decides: its name, whether it denies, whether for some VMs.

    Policies of the organisation and its folders come before the rules of the network, those of the network after them.
    Source: https://cloud.google.com/firewall/docs/firewall-policies-overview#rule-evaluation
    """
    policies = firewalls.get("firewallPolicys") or []
    for policy in (each for each in policies if each.get("type") != "NETWORK"):
        yield from _of_policy(policy, address)
    own = [each for each in firewalls.get("firewalls") or [] if _applies(each, each, address)]
    for rule in sorted(own, key=lambda each: (each["priority"], not each.get("denied"))):
        targeted = bool(rule.get("targetTags") or rule.get("targetServiceAccounts"))
        yield f"firewall rule {rule['name']}", bool(rule.get("denied")), targeted
    for policy in (each for each in policies if each.get("type") == "NETWORK"):
        yield from _of_policy(policy, address)


def _of_policy(policy: State, address: str) -> Iterator[tuple[str, bool, bool]]:
    named = policy.get("shortName") or policy.get("displayName") or policy.get("name")
    for rule in sorted(policy.get("rules") or [], key=lambda each: int(each["priority"])):
        if rule.get("action") in ("allow", "deny") and _applies(rule, rule.get("match") or {}, address):
            targeted = any(rule.get(name) for name in ("targetResources", "targetServiceAccounts", "targetSecureTags"))
            yield f"firewall policy {named}", rule["action"] == "deny", targeted


def _applies(rule: State, match: State, address: str) -> bool:
    ranges = match.get("destIpRanges") or match.get("destinationRanges") or [_EVERYWHERE]
    entries = match.get("layer4Configs") or match.get("denied") or match.get("allowed") or []
    inside = any(_inside(address, each) for each in ranges)
    return rule.get("direction") == "EGRESS" and not rule.get("disabled") and inside and any(map(_is_https, entries))


def _is_https(entry: State) -> bool:
    protocol = entry.get("ipProtocol") or entry.get("IPProtocol")
    return protocol in ("all", "tcp", "6") and (not entry.get("ports") or any(map(_holds_443, entry["ports"])))


def _holds_443(ports: str) -> bool:
    first, _, last = ports.partition("-")
    return int(first) <= 443 <= int(last or first)


def _inside(address: str, text: str) -> bool:
    try:
        return ip_address(address) in ip_network(text)
    except ValueError:
        return False
