"""What the emulated nodes let a pod reach, compared with the documented rules of network policies and of GKE's metadata server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from runbook_sandbox.kubernetes import Cluster
from runbook_sandbox.nodes.network_policies import METADATA, NetworkPolicies

POD = {"metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}}, "spec": {"nodeName": "node-1"}}
DNS = {"ports": [{"protocol": "UDP", "port": 53}]}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(nodes=1) as found:
        yield found


def agent(cluster: Cluster, name: str) -> None:
    """Run what enforces policies."""
    labels = {"k8s-app": name}
    pod = {"containers": [{"name": name, "image": f"gke.gcr.io/{name}:1"}], "hostNetwork": True}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    about = {"name": name, "namespace": "kube-system"}
    cluster.create({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": about, "spec": spec})


def policy(cluster: Cluster, name: str, *egress: dict[str, Any], **spec: Any) -> None:
    about = {"name": name, "namespace": "default"}
    wanted = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": list(egress)} | spec
    cluster.create({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": about, "spec": wanted})


def to(cidr: str, *ports: int, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"to": [{"ipBlock": {"cidr": cidr} | more}]}
    return found | ({"ports": [{"protocol": "TCP", "port": port} for port in ports]} if ports else {})


def reaches(cluster: Cluster, port: int = 80, **pod: Any) -> bool:
    return NetworkPolicies(cluster).allow(POD | pod, METADATA, port)


def test_a_policy_isolates_only_where_somebody_enforces_it(cluster: Cluster) -> None:
    """Without Dataplane V2 or Calico a policy is an object that nobody reads."""
    policy(cluster, "dns-only", DNS)
    assert reaches(cluster)
    agent(cluster, "anetd")
    assert not reaches(cluster)
    assert reaches(cluster, spec=POD["spec"] | {"hostNetwork": True})
    assert reaches(cluster, metadata=POD["metadata"] | {"labels": {"app": "other"}})
    assert reaches(cluster, metadata=POD["metadata"] | {"namespace": "elsewhere"})


@pytest.mark.parametrize(
    ("dataplane", "rule", "expected"),
    [
        ("anetd", to("169.254.169.254/32", 80), True),
        ("anetd", to("169.254.169.254/32"), True),
        ("anetd", to("169.254.0.0/16", 80, **{"except": ["169.254.169.0/24"]}), False),
        ("anetd", to("169.254.169.254/32", 8080), False),
        ("anetd", to("169.254.169.252/32", 988), False),
        ("anetd", {"ports": [{"protocol": "TCP", "port": 1, "endPort": 100}]}, True),
        ("anetd", {"ports": [{"protocol": "UDP", "port": 80}]}, False),
        ("anetd", {"to": [{"podSelector": {}}]}, False),
        ("anetd", {}, True),
        ("calico-node", to("169.254.169.252/32", 988), True),
        ("calico-node", to("169.254.169.254/32", 80), False),
    ],
)
def test_what_reaches_the_metadata_server(
    cluster: Cluster, dataplane: str, rule: dict[str, Any], expected: bool
) -> None:
    """Each dataplane judges another address and port, and policies are added up."""
    agent(cluster, dataplane)
    policy(cluster, "dns-only", DNS)
    assert not reaches(cluster)
    policy(cluster, "more", rule)
    assert reaches(cluster) is expected


def test_a_policy_for_incoming_traffic_keeps_nobody_from_asking(cluster: Cluster) -> None:
    """The API server fills in what a policy is for; without egress rules it is not for egress."""
    agent(cluster, "anetd")
    policy(cluster, "ingress", policyTypes=["Ingress"])
    assert reaches(cluster)
