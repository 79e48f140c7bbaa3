"""What a run refuses to do, each with the way on."""

from __future__ import annotations

from difflib import get_close_matches

from remediation import NODES, advice, allow, command, need

from .addressing import NodeAddressing
from .situation import Situation

MORE_NODES = advice("add nodes, or move pods away")
_MOST_NODES = 3


def require_named(nodes: tuple[str, ...]) -> None:
    """Reject a run on no node, or on many at once."""
    allow(nodes, "--node is missing; allowed is the name of a node", command("kubectl", "get", "nodes"))
    allow(len(nodes) <= _MOST_NODES, f"--node was given {len(nodes)} times; allowed are {_MOST_NODES} nodes in one run")


def require_cleanable(now: Situation, name: str) -> None:
    """Refuse a node that does not exist, cannot be cleaned, or has nothing to clean."""
    item = now.nodes.get(name)
    near = [] if item else get_close_matches(name, [node["metadata"]["name"] for node in now.facts(NODES)], 3, 0.0)
    item = allow(
        item,
        f"--node {name!r} is not a node of this cluster; allowed: {', '.join(near)}",
        command("kubectl", "get", "nodes"),
    )
    need(
        not item.node.startswith("gk3-"),
        f"--node {item.node!r} belongs to Autopilot, which forbids what this needs",
        advice("replace the pods instead"),
    )
    need(
        item.linux and bool(item.ranges) and bool(item.hostname),
        f"node {item.node} is not a Linux node with a pod range and a hostname label",
    )
    need(
        not (item.waiting and item.full),
        f"node {item.node} is full: {item.numbers}, so hardly any can have leaked",
        MORE_NODES,
    )


def require_enough(item: NodeAddressing, limit: int) -> None:
    """Reject a limit that the node's leak exceeds for certain."""
    most = min(item.most_leaked, 1024)
    allow(
        limit >= most,
        f"--max-reservations {limit} is too small for {item.node}: it has no address left, and its pods use {item.used} of "
        f"{item.capacity}, so up to {item.most_leaked} leaked; allowed is {most} to 1024",
        command("runbook", "plan", "ipam-cleanup", "--node", item.node, "--max-reservations", str(most)),
    )
