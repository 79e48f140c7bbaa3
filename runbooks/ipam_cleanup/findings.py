"""Which nodes have no address left for their pods, and why."""

from __future__ import annotations

from collections.abc import Iterator

from remediation import Finding

from .addressing import NodeAddressing
from .refusals import MORE_NODES
from .situation import Situation


def findings(now: Situation) -> Iterator[Finding]:
    """Yield one finding for each node with pods that wait."""
    found = [item for item in now.nodes.values() if item.waiting]
    yield from (_full(now, item) if item.full else _leaking(now, item) for item in found)
    if not found:
        yield Finding("healthy", "no pod waits for an address")


def _full(now: Situation, item: NodeAddressing) -> Finding:
    cause = f"its pods use {item.used} of {item.capacity}, so add nodes instead"
    return Finding("fault", *_about(now, item, cause), "possible", by_hand=MORE_NODES)


def _leaking(now: Situation, item: NodeAddressing) -> Finding:
    about = _about(now, item, "addresses leaked on the node")
    return Finding("fault", *about, "probable", ("a full node",), {"node": item.node})


def _about(now: Situation, item: NodeAddressing, cause: str) -> tuple[str, str, tuple[str, ...]]:
    """Return the summary, the resource and the evidence."""
    evidence = (item.numbers, f"{item.origin}: {item.error}", now.cure(item))
    return f"pods on {item.node} get no address: {cause}", f"node/{item.node}", evidence
