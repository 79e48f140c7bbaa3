"""What is said of a dataplane that is only half seen, or is somebody's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook_sandbox.kubernetes import Cluster, User, serve
from tests.running import Cli

CILIUM = {"k8s-app": "cilium"}


class Nodes:
    """An emulated cluster of two nodes, and the command line on it."""

    def __init__(self, cluster: Cluster, folder: Path, kubeconfig: dict[str, Any]) -> None:
        self.cluster, self.path = cluster, folder / "kubeconfig"
        self.kubeconfig(kubeconfig)
        self.cli = Cli(folder, "--kubeconfig", str(self.path), "--context", "sandbox")

    def kubeconfig(self, document: dict[str, Any]) -> None:
        self.path.write_text(json.dumps(document))

    def daemon_set(self, name: str, **spec: Any) -> None:
        pod = {"hostNetwork": True, "containers": [{"name": name, "image": f"gke.gcr.io/{name}:1"}], **spec}
        template = {"metadata": {"labels": CILIUM}, "spec": pod}
        about = {"name": name, "namespace": "kube-system"}
        spec = {"selector": {"matchLabels": CILIUM}, "template": template}
        self.cluster.create({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": about, "spec": spec})
        self.cluster.settle()

    def finding(self) -> Any:
        return self.cli("diagnose", "dataplane-v2").json["findings"][0]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with Cluster(nodes=2) as cluster, serve(cluster) as server:
        yield Nodes(cluster, tmp_path, server.kubeconfig())


def test_a_cilium_of_ones_own_is_something_else(nodes: Nodes) -> None:
    """Its pods have the same label, and prove nothing about GKE's."""
    nodes.daemon_set("cilium")
    found = nodes.finding()
    assert found["status"] == "not_applicable"
    assert "a Cilium of your own runs here" in found["evidence"][0]


def test_a_node_without_a_pod_of_the_agent_counts(nodes: Nodes) -> None:
    """The numbers of the DaemonSet are fine: it does not want a pod there."""
    nodes.daemon_set("anetd", nodeSelector={"kubernetes.io/hostname": "node-1"})
    found = nodes.finding()
    assert found["status"] == "fault"
    assert "does not work on 1 of 2 nodes: node-2: no pod of anetd" in found["summary"]


def test_who_may_not_look_learns_nothing_of_its_health(nodes: Nodes) -> None:
    """What was not seen is unknown, and never healthy."""
    nodes.daemon_set("anetd")
    nodes.cluster.tokens["reader"] = User("reader")
    document = json.loads(nodes.path.read_text())
    document["users"][0]["user"] = {"token": "reader"}
    nodes.kubeconfig(document)
    rule = {"apiGroups": [""], "resources": ["nodes", "pods", "events"], "verbs": ["list"]}
    group = "rbac.authorization.k8s.io"
    name = {"name": "reader"}
    nodes.cluster.create({"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": name, "rules": [rule]})
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": name,
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "reader"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "reader"}],
    }
    nodes.cluster.create(binding)
    found = nodes.finding()
    assert found["status"] == "unknown"
    assert "add --project, --location and --cluster" in found["summary"]
