"""Whoever may write events steers nothing: only a kubelet's about a pod that exists counts, and its origin is shown."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_sandbox.kubernetes import PodOutcome
from tests.catalogue import CONFIG
from tests.masquerade import World

OUTSIDE = "10.1.125.70"


def pod(world: World, name: str = "client", namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    """Start a pod that reaches everything, and return it once it has a node."""
    container = {"name": "c", "image": "registry.example.com/client:1"}
    if world.cluster.get("namespaces", namespace) is None:
        world.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        world.cluster.settle()
    metadata = {"name": name, "namespace": namespace}
    world.cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container], **spec}})  # fmt: skip
    world.cluster.settle()
    found = world.cluster.get("pods", name, namespace)
    assert found
    return found


def event(world: World, about: dict[str, Any], address: str = OUTSIDE, *, name: str = "e", **changes: Any) -> None:
    """Write an event as a kubelet does, but for some fields."""
    metadata = about["metadata"]
    node = about["spec"]["nodeName"]
    reference = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}  # fmt: skip
    found = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": metadata["namespace"]},
        "involvedObject": reference, "type": "Warning", "reason": "Unhealthy", "count": 1,
        "message": f"Readiness probe failed: dial tcp {address}:443: i/o timeout", "lastTimestamp": "2026-11-21T02:58:00Z",
        "source": {"component": "kubelet", "host": node}, "reportingComponent": "kubelet", "reportingInstance": node,
    }  # fmt: skip
    found["involvedObject"] = reference | changes.pop("involved", {})
    world.cluster.create(found | changes)


def test_a_suggestion_shows_where_it_comes_from(world: World) -> None:
    """Pod, node, time, and who could have written it: what a person needs who has to judge it."""
    world.put(CONFIG)
    seen = pod(world)
    event(world, seen)
    found = world.finding()
    assert (found["confidence"], found["parameters"]) == ("possible", {"masquerade": f"{OUTSIDE}/32"})
    origin, caution = found["evidence"][:2]
    node = seen["spec"]["nodeName"]
    assert origin.endswith(f"{OUTSIDE}/32: event of pod shop/client on {node} at 2026-11-21T02:58:00Z")
    assert caution == "events are text: whoever may create events or pods in shop can make them say this"


FORGED: dict[str, dict[str, Any]] = {
    "another component": {"source": {"component": "attacker"}, "reportingComponent": ""},
    "two components": {"reportingComponent": "attacker"},
    "no component": {"source": {}, "reportingComponent": ""},
    "another node": {"source": {"component": "kubelet", "host": "node-9"}, "reportingInstance": "node-9"},
    "two nodes": {"reportingInstance": "node-9"},
    "no node": {"source": {"component": "kubelet"}, "reportingInstance": ""},
    "an earlier pod of that name": {"involved": {"uid": "00000000-0000-0000-0000-000000000000"}},
    "no uid": {"involved": {"uid": ""}},
    "another name": {"involved": {"name": "other"}},
    "another kind": {"involved": {"kind": "Deployment"}},
}


def test_an_event_that_no_kubelet_writes_suggests_nothing(world: World) -> None:
    """The rest of the cluster contradicts it; each has an address of its own that would tell which one counted."""
    world.put(CONFIG)
    seen = pod(world)
    for number, why in enumerate(FORGED, start=1):
        event(world, seen, f"10.1.1.{number}", name=f"forged-{number}", **FORGED[why])
    found = world.finding()
    assert (found["status"], found["fix"], found["evidence"]) == ("healthy", None, [])


def test_a_pod_that_is_gone_suggests_nothing(world: World) -> None:
    """Its events stay for an hour."""
    world.put(CONFIG)
    event(world, pod(world))
    world.cluster.store.remove("pods", "shop", "client")
    assert world.finding()["status"] == "healthy"


def test_a_pod_of_the_host_network_suggests_nothing(world: World) -> None:
    """Its packets have the node's address already."""
    world.put(CONFIG)
    event(world, pod(world, hostNetwork=True))
    assert world.finding()["status"] == "healthy"


def test_one_namespace_does_not_outvote_two(world: World) -> None:
    """Many pods of somebody with one namespace do not put their address before one that others miss too."""
    world.put(CONFIG)
    for number in range(4):
        event(world, pod(world, f"forged-{number}", "attacker"), "10.1.0.1", name=f"forged-{number}")
    for space in ("shop", "billing"):
        event(world, pod(world, "client", space))
    found = world.finding()
    assert found["parameters"] == {"masquerade": f"{OUTSIDE}/32"}
    assert "and of 1 more pod" in found["evidence"][0]
    assert "10.1.0.1/32: event of pod attacker/forged-" in found["evidence"][1]
    assert "in attacker, billing, shop can" in found["evidence"][2]


@pytest.mark.parametrize("changes", [{}, FORGED["another component"], FORGED["another node"]])
def test_no_node_is_cleaned_for_a_forged_event(world: World, changes: dict[str, Any]) -> None:
    """A pod that waits for a volume and an event that no kubelet wrote are no leak; a kubelet's is shown with its origin."""
    world.cluster.kubelet_rules.insert(0, lambda pod, cluster: PodOutcome("creating"))
    seen = pod(world)
    text = "failed to allocate for range 0: no IP addresses available in range set: 10.64.1.1-10.64.1.254"
    event(world, seen, reason="FailedCreatePodSandBox", message=text, **changes)
    found = world.cli("diagnose", "ipam-cleanup").expect(0).json["findings"][0]
    if changes:
        assert found["status"] == "healthy"
        return
    node = seen["spec"]["nodeName"]
    assert found["parameters"] == {"node": node}
    assert f"event of pod shop/client on {node} at 2026-11-21T02:58:00Z: failed to allocate" in str(found["evidence"])


@pytest.mark.parametrize("changes", [{}, FORGED["another component"], FORGED["an earlier pod of that name"]])
def test_no_pull_secret_is_named_by_a_forged_event(world: World, changes: dict[str, Any]) -> None:
    """Which secret is missing, and so which the fix would make, only a kubelet's event about the pod says."""
    refused = PodOutcome("waiting", "ImagePullBackOff", "unexpected status: 403 Forbidden", "c")
    world.cluster.kubelet_rules.insert(0, lambda pod, cluster: refused)
    text = "Unable to retrieve some image pull secrets (theirs); attempting to pull the image may not succeed."
    event(world, pod(world), reason="FailedToRetrieveImagePullSecret", message=text, **changes)
    found = world.cli("diagnose", "pull-secret").expect(0).json["findings"][0]
    assert found["status"] == "fault"
    assert found["parameters"].get("secret") == (None if changes else "theirs")
