"""What NetworkPolicies let a pod reach: the domain's own logic, pure.

Policies add up: a pod that one of them isolates may reach what any of them allows. The API server fills in ``policyTypes``.
Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from remediation import State

# A word that somebody would use who blocks the metadata server on purpose.
_ON_PURPOSE = re.compile(r"metadata|imds", re.IGNORECASE)


@dataclass(frozen=True)
class Peer:
    """Where a dataplane sees packets for the metadata server go, and the ports that a policy should allow there."""

    dataplane: str
    address: str
    ports: tuple[int, ...]

    @property
    def rule(self) -> State:
        """The egress rule that allows it."""
        ports = [{"protocol": "TCP", "port": port} for port in self.ports]
        return {"to": [{"ipBlock": {"cidr": f"{self.address}/32"}}], "ports": ports}

    @property
    def words(self) -> str:
        """``169.254.169.254 port 80``."""
        return f"{self.address} port {self.ports[0]}"


# What only a label that is there fulfils.
_PRESENT = ("In", "Exists")


def selects(selector: State, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector matches these labels; an empty one matches all."""
    plain = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return plain and all(_holds(each, labels) for each in selector.get("matchExpressions") or [])


def _holds(each: State, labels: Mapping[str, str]) -> bool:
    present, values = each["key"] in labels, each.get("values") or []
    match each["operator"]:
        case "In":
            return present and labels[each["key"]] in values
        case "NotIn":
            return not present or labels[each["key"]] not in values
        case "Exists":
            return present
    return not present


def fewest(selector: State) -> dict[str, str]:
    """Return the fewest labels that a selector matches; labels that it does not match where there are none."""
    expressions = selector.get("matchExpressions") or []
    needed = {each["key"]: _value(each["key"], expressions) for each in expressions if each["operator"] in _PRESENT}
    return needed | dict(selector.get("matchLabels") or {})


def _value(key: str, expressions: Iterable[State]) -> str:
    """Return a value of a label that every expression about it holds for, any where none of those that are named does."""
    about = [each for each in expressions if each["key"] == key]
    listed = [value for each in about if each["operator"] == "In" for value in each["values"]]
    fitting = (value for value in (*listed, "true", "runbook") if all(_holds(each, {key: value}) for each in about))
    return next(fitting, "true")


def isolates(policy: State) -> bool:
    """Tell whether a policy limits what its pods may reach."""
    return "Egress" in (policy["spec"].get("policyTypes") or [])


def allows(policy: State, peer: Peer) -> bool:
    """Tell whether a policy lets its pods reach a peer, at its first port."""
    rules = policy["spec"].get("egress") or []
    return any(_to(rule, peer.address) and _at(rule, peer.ports[0]) for rule in rules)


def _to(rule: State, address: str) -> bool:
    peers = rule.get("to")
    return not peers or any(_holds_address(each["ipBlock"], address) for each in peers if "ipBlock" in each)


def _holds_address(block: State, address: str) -> bool:
    return _within(address, [block["cidr"]]) and not _within(address, block.get("except") or [])


def _within(address: str, ranges: Iterable[str]) -> bool:
    found = ipaddress.ip_address(address)
    return any(found in ipaddress.ip_network(text, strict=False) for text in ranges)


def _at(rule: State, port: int) -> bool:
    ports = rule.get("ports")
    return not ports or any(_is(each, port) for each in ports if each.get("protocol", "TCP") == "TCP")


def _is(each: State, port: int) -> bool:
    first = each.get("port", port)
    return isinstance(first, int) and first <= port <= each.get("endPort", first)


def on_purpose(policy: State, peer: Peer) -> str:
    """Return the sign that somebody keeps these pods from the metadata server on purpose, empty when there is none."""
    metadata = policy["metadata"]
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    for key, value in marks.items():
        if _ON_PURPOSE.search(f"{key}={value}") and "last-applied" not in key:
            return f"it says {key}={value}"
    for rule in policy["spec"].get("egress") or []:
        for each in rule.get("to") or []:
            if _within(peer.address, (each.get("ipBlock") or {}).get("except") or []):
                return f"its ipBlock {each['ipBlock']['cidr']} leaves out {peer.address}"
    return ""
