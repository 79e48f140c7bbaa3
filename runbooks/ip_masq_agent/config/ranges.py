"""Arithmetic on lists of networks as the agent reads them: parse, contain, exclude."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from remediation import Network

# RFC 1918: what the agent leaves alone when it is started without --nomasq-all-reserved-ranges.
DEFAULT_RANGES: tuple[Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
)
# What it leaves alone with that flag, which GKE's own agent has.
RESERVED_RANGES: tuple[Network, ...] = (
    *DEFAULT_RANGES,
    IPv4Network("100.64.0.0/10"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("240.0.0.0/4"),
)
# The agent adds these two by itself unless masqLinkLocal or masqLinkLocalIPv6 is true.
LINK_LOCAL = IPv4Network("169.254.0.0/16")
LINK_LOCAL_IPV6 = IPv6Network("fe80::/10")

# Go wants an address and a prefix length. Python would also take a bare address, a netmask and an IPv6 zone.
_CIDR = re.compile(r"[0-9A-Fa-f:.]+/[0-9]{1,3}")


def parse_cidr(text: str) -> Network:
    """Read one CIDR with the rules of Go's net.ParseCIDR plus the agent's alignment check.

    Raises:
        ValueError: not a CIDR, or host bits are set; the sentence names the text and what is allowed.
    """
    network = aligned(text)
    if network is None:
        raise ValueError(f'"{text}" is not a CIDR; write an address and a prefix length, for example 192.0.2.0/24.')
    if not _is_aligned(text):
        raise ValueError(f'"{text}" is not aligned to its prefix length; write "{network}".')
    return network


def aligned(text: str) -> Network | None:
    """Return the network of an address and a prefix length, with the host bits cleared; None for other text."""
    try:
        return ip_network(text, strict=False) if _CIDR.fullmatch(text) else None
    except ValueError:
        return None


def _is_aligned(text: str) -> bool:
    try:
        ip_network(text, strict=True)
    except ValueError:
        return False
    return True


def is_subnet(inner: Network, outer: Network) -> bool:
    """Say whether `inner` lies completely inside `outer`; False across address families."""
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def overlaps(one: Network, other: Network) -> bool:
    """Say whether two networks share an address; False across address families."""
    return is_subnet(one, other) or is_subnet(other, one)


def exclude(blocks: Iterable[Network], destination: Network) -> tuple[Network, ...]:
    """Take one destination out of a list of blocks.

    A block that holds the destination is replaced, in place, by what remains of it in address order; a block inside
    the destination is dropped; every other block stays where it is. Excluding a prefix of length d from a block of
    length b leaves d - b blocks, so a /24 out of 10.0.0.0/8 leaves 16.
    """
    known = tuple(blocks)
    seen = {block for block in known if not overlaps(block, destination)}
    kept: list[Network] = []
    for block in known:
        pieces = [block]
        if overlaps(block, destination):
            # Blocks that overlap each other leave the same remains; listing those once is enough.
            pieces = [piece for piece in _remains(block, destination) if piece not in seen]
            seen.update(pieces)
        kept.extend(pieces)
    return tuple(kept)


def _remains(block: Network, destination: Network) -> tuple[Network, ...]:
    if is_subnet(block, destination):
        return ()
    if isinstance(block, IPv4Network) and isinstance(destination, IPv4Network):
        return tuple(sorted(block.address_exclude(destination)))
    if isinstance(block, IPv6Network) and isinstance(destination, IPv6Network):
        return tuple(sorted(block.address_exclude(destination)))
    return (block,)
