"""Which registries the nodes of an emulated cluster reach, by what their subnet, NAT, routes and firewall let through."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from runbook_sandbox.daemon import new_cloud
from runbook_sandbox.google.breaking import hide_nodes
from runbook_sandbox.kubernetes import Cluster
from runbook_sandbox.nodes.paths import Paths
from runbook_sandbox.nodes.rules import install
from runbook_sandbox.process import COORDINATES

PUBLIC, VIP, HUB = "142.250.102.82", "199.36.153.8", "198.51.100.7"
NODE: dict[str, Any] = {"metadata": {"name": "node-1"}}


@pytest.mark.parametrize(
    ("words", "host", "dialled"),
    [
        ((), "us-docker.pkg.dev", PUBLIC),
        ((), "docker.io", HUB),
        (("google-access",), "us-docker.pkg.dev", ""),
        (("google-access",), "eu.gcr.io", ""),
        (("google-access",), "docker.io", HUB),
        (("nat",), "us-docker.pkg.dev", ""),
        (("nat",), "docker.io", ""),
        (("google-access", "denied"), "us-docker.pkg.dev", PUBLIC),
        (("google-access", "no-route"), "us-docker.pkg.dev", PUBLIC),
        (("half-migrated",), "us-docker.pkg.dev", PUBLIC),
        (("half-migrated",), "gcr.io", VIP),
        (("google-access", "half-migrated"), "gcr.io", ""),
        (("shared", "nat"), "us-docker.pkg.dev", PUBLIC),
    ],
)
def test_what_a_private_node_reaches(words: tuple[str, ...], host: str, dialled: str) -> None:
    """Private Google Access is for Google's registries, public NAT for all; a firewall or a missing route undoes both."""
    cloud = new_cloud()
    hide_nodes(cloud, *words)
    assert Paths(cloud, **COORDINATES).dead_end(NODE, host) == dialled


def test_nodes_with_addresses_of_their_own_reach_everything() -> None:
    """The cloud that a sandbox starts with is healthy."""
    assert Paths(new_cloud(), **COORDINATES).dead_end(NODE, "us-docker.pkg.dev") == ""


def test_a_cloud_that_an_earlier_version_has_kept_can_be_broken_too() -> None:
    """It knew nothing of networks, neither in its clusters nor beside them."""
    kept, later = new_cloud().dump(), new_cloud()
    for project in kept["projects"].values():
        del project["network"]
        for cluster in project["clusters"].values():
            del cluster["networkConfig"], cluster["nodePools"][0]["networkConfig"]
    later.load(kept)
    hide_nodes(later)
    assert Paths(later, **COORDINATES).dead_end(NODE, "us-docker.pkg.dev") == PUBLIC


@pytest.mark.parametrize(
    ("nat", "dialled"),
    [
        ({"type": "PRIVATE"}, PUBLIC),
        ({"sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS"}, PUBLIC),
        ({"sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES"}, ""),
    ],
)
def test_only_public_nat_of_the_node_range_counts(nat: dict[str, Any], dialled: str) -> None:
    """One for other networks, or for other subnets, is none."""
    cloud = new_cloud()
    hide_nodes(cloud)
    cloud.projects["example-prod"].network.add_nat("europe-west3", **nat)
    assert Paths(cloud, **COORDINATES).dead_end(NODE, "us-docker.pkg.dev") == dialled


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(nodes=1) as found:
        yield found


def test_a_pod_waits_until_its_node_has_a_way(cluster: Cluster) -> None:
    """The kubelet tries again by itself: nothing in the cluster tells it that the cloud has changed."""
    cloud = new_cloud()
    hide_nodes(cloud)
    install(cluster, Paths(cloud, **COORDINATES))
    image = "us-docker.pkg.dev/example-prod/shop/web:1.0"
    spec = {"containers": [{"name": "web", "image": image}]}
    cluster.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"}, "spec": spec}
    )
    waiting = lambda: _state(cluster).get("waiting", {}).get("message", "")  # noqa: E731 - one line, asked again
    _until(cluster, lambda: f"dial tcp {PUBLIC}:443: i/o timeout" in waiting())
    assert (
        f'Head "https://us-docker.pkg.dev/v2/example-prod/shop/web/manifests/1.0": dial tcp {PUBLIC}:443' in waiting()
    )
    cloud.projects["example-prod"].network.subnetwork("europe-west3", "default")["privateIpGoogleAccess"] = True
    _until(cluster, lambda: "running" in _state(cluster))


def test_a_world_that_is_set_back_goes_on_trying(cluster: Cluster) -> None:
    """A pod that ran, and is set back to where it waits, is tried again like any other."""
    cloud = new_cloud()
    hide_nodes(cloud)
    install(cluster, Paths(cloud, **COORDINATES))
    spec = {"containers": [{"name": "web", "image": "us-docker.pkg.dev/example-prod/shop/web:1.0"}]}
    cluster.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"}, "spec": spec}
    )
    _until(cluster, lambda: "waiting" in _state(cluster))
    waiting, subnet = (
        cluster.dump(),
        lambda: cloud.projects["example-prod"].network.subnetwork("europe-west3", "default"),
    )
    for _ in range(3):
        subnet()["privateIpGoogleAccess"] = True
        _until(cluster, lambda: "running" in _state(cluster))
        cluster.load(waiting)
        cluster.settle()  # the kubelet has looked at it already, and believes that it runs
        subnet()["privateIpGoogleAccess"] = False
        cluster.controllers.kubelet.reconsider()
        _until(cluster, lambda: "waiting" in _state(cluster))


def _state(cluster: Cluster) -> dict[str, Any]:
    statuses = (cluster.get("pods", "web", "default") or {}).get("status", {}).get("containerStatuses") or [{}]
    return dict(statuses[0].get("state", {}))


def _until(cluster: Cluster, holds: Any) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
