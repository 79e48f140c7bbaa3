"""How the real ip-masq-agent reads its file: YAML made JSON without strictness, then Go's rules for JSON, then its own.

Source: https://github.com/kubernetes-sigs/ip-masq-agent, cmd/ip-masq-agent/ip-masq-agent.go, which reads with
apimachinery's ToJSON: of a key that is written twice the last value counts, and nothing is said.
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from runbook_sandbox import yaml_text

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
RESERVED = (
    *("100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
)
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_TERM = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)")
_TYPES = {"masqLinkLocal": bool, "masqLinkLocalIPv6": bool, "cidrLimit": int}
_GO_TYPES = {bool: "bool", int: "int"}


class Rejected(Exception):
    """What the agent logs after ``Error syncing configuration:``."""


def defaults(flags: set[str]) -> dict[str, Any]:
    """Return the configuration that an agent with these switches has built in, as it is logged."""
    return {
        "nonMasqueradeCIDRs": [*PRIVATE, *(RESERVED if "nomasq-all-reserved-ranges" in flags else ())],
        "cidrLimit": 64,
        "masqLinkLocal": False,
        "masqLinkLocalIPv6": False,
        "resyncInterval": 60 * 10**9,
    }


def parse(text: str, flags: set[str]) -> dict[str, Any]:
    """Return what a file says, as it is logged; raises Rejected for what cannot be read."""
    config = defaults(flags)
    for key, value in _members(text):
        # Go compares the names of fields without regard to case, and drops names that it does not know.
        name = next((name for name in config if name.casefold() == key.casefold()), "")
        if name:
            config[name] = _value(name, value, config[name])
    return config


def _members(text: str) -> list[tuple[str, Any]]:
    try:
        found = yaml_text.load(_with_spaces(text))
    except yaml_text.YamlProblem as problem:
        raise Rejected(f"yaml: {' '.join(str(problem).split())}") from None
    if found is None:
        return []
    if not isinstance(found, dict):
        raise Rejected("json: cannot unmarshal array into Go value of type main.MasqConfig")
    return sorted((str(key), value) for key, value in found.items())


def _with_spaces(text: str) -> str:
    """Go's reader takes a tab between words for a space."""
    return re.sub(r"(?<=\S)\t+", lambda found: " " * len(found[0]), text)


def _value(name: str, value: Any, before: Any) -> Any:
    if name == "resyncInterval":
        return _duration(value)
    if name == "nonMasqueradeCIDRs":
        return _texts(name, value)
    if value is None:
        return before
    if type(value) is not _TYPES[name]:
        raise _wrong_type(value, name, _GO_TYPES[_TYPES[name]])
    return value


def _texts(name: str, value: Any) -> list[str]:
    """Return a list of texts as Go reads it: null is none at all, and the empty text inside of one."""
    if value is not None and not isinstance(value, list):
        raise _wrong_type(value, name, "[]string")
    for item in value or []:
        if item is not None and not isinstance(item, str):
            raise _wrong_type(item, name, "string")
    return [item or "" for item in value or []]


def _wrong_type(value: Any, name: str, wanted: str) -> Rejected:
    shown = f"number {value}" if isinstance(value, float) and wanted == "int" else _kind(value)
    return Rejected(f"json: cannot unmarshal {shown} into Go struct field MasqConfig.{name} of type {wanted}")


def _kind(value: Any) -> str:
    names = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _duration(value: Any) -> int:
    """Read a duration as Go's time.ParseDuration does, in nanoseconds."""
    if not isinstance(value, str):
        raise Rejected(f"json: cannot unmarshal {_kind(value)} into Go value of type string")
    rest, sign = value.lstrip("+-"), -1 if value.startswith("-") else 1
    total, position = 0.0, 0
    while position < len(rest) and rest != "0":
        match = _TERM.match(rest, position)
        if match is None:
            raise Rejected(f"time: invalid duration {json.dumps(value)}")
        if match[2] not in _UNITS:
            why = f"unknown unit {json.dumps(match[2])}" if match[2] else "missing unit"
            raise Rejected(f"time: {why} in duration {json.dumps(value)}")
        total += float(match[1]) * _UNITS[match[2]]
        position = match.end()
    if not rest:
        raise Rejected(f"time: invalid duration {json.dumps(value)}")
    return sign * int(total)


def validate(config: dict[str, Any], flags: set[str]) -> None:
    """Raise Rejected for what can be read and not be used."""
    listed, limit = config["nonMasqueradeCIDRs"], config["cidrLimit"]
    if len(listed) > limit:
        raise Rejected(
            f"the daemon can only accept up to {limit} CIDRs (excluding link-local), but got {len(listed)} CIDRs (excluding link local)"
        )
    for text in listed:
        network = _network(text)
        if network.version == 6 and "enable-ipv6" not in flags:
            raise Rejected(
                f"ipv6 is not enabled, but ipv6 cidr {text} provided. Enable ipv6 using --enable-ipv6 agent flag"
            )


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    address, _, length = text.partition("/")
    try:
        # Go takes neither a netmask for a length nor the name of an interface.
        is_plain = re.fullmatch("[0-9]+", length) and "%" not in address
        network = ipaddress.ip_network(text if is_plain else "", strict=False)
    except ValueError:
        raise Rejected(f'CIDR "{text}" could not be parsed, invalid CIDR address: {text}') from None
    if ipaddress.ip_address(address) != network.network_address:
        raise Rejected(f'CIDR "{text}" is not aligned to a CIDR block, ip: "{address}" network: "{network}"')
    return network
