"""What a DaemonSet makes of nodes with taints and of nodes that are not ready, in the emulation and in a real control plane."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from remediation.model.refs import Ref
from runbook_sandbox.kubernetes import Cluster
from runbook_sandbox.kubernetes.objects import condition, set_condition
from tests.sandbox.kubernetes.test_contract import POD, Server, server

__all__ = ["server"]
NODE = Ref("v1", "Node", "node-2")
COUNTS = ("desiredNumberScheduled", "currentNumberScheduled", "numberMisscheduled", "numberReady", "numberAvailable")


def counts(server: Server, name: str) -> tuple[int, ...]:
    status = server.client.read(server.ref("DaemonSet", name, "apps/v1"))["status"]
    return tuple(status.get(count, 0) for count in COUNTS)


def wait_for(what: Callable[[], Any], wanted: Any) -> None:
    deadline = time.monotonic() + 30
    while (seen := what()) != wanted:
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)


def taint(server: Server, *effects: str) -> None:
    """Give a node these taints and no others."""
    taints = [{"key": "example.com/full", "effect": effect} for effect in effects]
    server.client.request("PATCH", NODE.path, {}, {"spec": {"taints": taints or None}}, "application/merge-patch+json")


def touch(server: Server, name: str) -> None:
    """Let the controller count again: for a node that only takes no new pods it does not."""
    path = server.ref("DaemonSet", name, "apps/v1").path
    server.client.request("PATCH", path, {}, {"metadata": {"labels": {"seen": "yes"}}}, "application/merge-patch+json")


def test_a_taint_that_keeps_new_pods_away_drives_none_out(server: Server) -> None:
    """The pod stays and is counted as misscheduled; only NoExecute ends it."""
    nodes = len(server.client.list(Ref("v1", "Node")))
    server.daemonset("plain")
    wait_for(lambda: counts(server, "plain"), (nodes, nodes, 0, nodes, nodes))
    try:
        taint(server, "NoSchedule")
        touch(server, "plain")
        wait_for(lambda: counts(server, "plain"), (nodes - 1, nodes - 1, 1, nodes - 1, nodes - 1))
        assert len(server.client.list(server.ref("Pod", ""))) == nodes
        taint(server, "NoSchedule", "NoExecute")
        wait_for(lambda: counts(server, "plain"), (nodes - 1, nodes - 1, 0, nodes - 1, nodes - 1))
    finally:
        taint(server)
    wait_for(lambda: counts(server, "plain"), (nodes, nodes, 0, nodes, nodes))


def test_the_pods_of_a_node_that_is_not_ready_are_not_available() -> None:
    """A DaemonSet that tolerates everything wants its pod there, and has it back when the node is back.

    kwok makes such a node Ready at once, so only the emulation can be asked.
    """
    labels = {"app": "agent"}
    template = {"metadata": {"labels": labels}, "spec": POD | {"tolerations": [{"operator": "Exists"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "agent", "namespace": "default"}
    with Cluster(nodes=3) as cluster:
        cluster.create({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec})
        cluster.settle()
        assert _counts(cluster) == (3, 3, 0, 3, 3)
        for up, ready in ((False, 2), (True, 3)):
            _ready(cluster, up=up)
            assert _counts(cluster) == (3, 3, 0, ready, ready)


def _ready(cluster: Cluster, *, up: bool) -> None:
    cluster.edit("nodes", NODE.name, lambda node: set_condition(node["status"], condition("Ready", holds=up)))
    cluster.settle()


def _counts(cluster: Cluster) -> tuple[int, ...]:
    found = cluster.get("daemonsets.apps", "agent", "default")
    assert found
    return tuple(found["status"].get(count, 0) for count in COUNTS)
