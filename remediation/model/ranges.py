"""IP ranges as people and APIs write them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(text: str) -> Network:
    """Return a range, or a single address as a range; raises ValueError that says what is allowed."""
    try:
        return ipaddress.ip_network(text, strict=True)
    except ValueError:
        raise ValueError(_why(text)) from None


def _why(text: str) -> str:
    try:
        aligned = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return f"{text!r} is not a CIDR; allowed is an IPv4 or IPv6 range such as 10.1.0.0/16"
    return f"{text!r} is not aligned to its prefix; allowed is {aligned}, or a longer prefix"


def destination(text: str) -> Network:
    """Return a range that traffic may be masqueraded to; raises ValueError for one that would mean everything."""
    found = network(text)
    if found.prefixlen == 0:
        raise ValueError(f"{text!r} means every destination; allowed is a range with a prefix longer than /0")
    return found


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the ranges that can be read, collapsed; text that is no address is left out."""
    return collapsed(item for text in texts if (item := _readable(text)) is not None)


def collapsed(ranges: Iterable[Network]) -> tuple[Network, ...]:
    """Return the smallest sorted list of ranges that holds the same addresses, IPv4 first."""
    known = tuple(ranges)
    v4 = ipaddress.collapse_addresses(item for item in known if isinstance(item, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(item for item in known if isinstance(item, ipaddress.IPv6Network))
    return (*v4, *v6)


def _readable(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
