"""What the tests of the catalogue share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediation.catalogue.manifests import manifest
from runbook_sandbox.control_plane import ControlPlane
from runbook_sandbox.google import GoogleCloud, Server, serve
from runbook_sandbox.kubernetes import Cluster
from runbook_sandbox.kubernetes import serve as serve_kubernetes
from tests.masquerade import World
from tests.running import Cli, google_env

CONFIG = "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- 172.16.0.0/12\n- 192.168.0.0/16\nresyncInterval: 60s\n"


@pytest.fixture
def cli(tmp_path: Path, control_plane: ControlPlane) -> Cli:
    """The command line on the real control plane."""
    return Cli(tmp_path, "--kubeconfig", str(control_plane.kubeconfig_path), "--context", "control-plane")


@pytest.fixture
def get(control_plane: ControlPlane) -> Callable[..., dict[str, Any]]:
    """Read an object; an empty dict when it does not exist."""

    def read(kind: str, name: str, namespace: str = "kube-system") -> dict[str, Any]:
        found = control_plane.kubectl("-n", namespace, "get", kind, name, "--ignore-not-found", "-o", "yaml").stdout
        return yaml.safe_load(found) or {}

    return read


@pytest.fixture
def agent(control_plane: ControlPlane) -> Iterator[Callable[..., None]]:
    """Put an ip-masq-agent in place, and take it away afterwards."""

    def put(text: str | None = CONFIG, *, daemonset: bool = True, immutable: bool = False, **labels: str) -> None:
        objects = []
        if text is not None:
            objects.append({"apiVersion": "v1", "kind": "ConfigMap", "immutable": immutable, "data": {"config": text, "other": "kept"},
                            "metadata": {"name": "ip-masq-agent", "namespace": "kube-system"}})  # fmt: skip
        if daemonset:
            objects.append(manifest("runbooks.ip_masq_agent.runbook", "daemonset.yaml"))
            objects[-1]["metadata"]["labels"] |= labels
            objects[-1]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 0
        for item in objects:
            control_plane.kubectl("create", "-f", "-", stdin=yaml.safe_dump(item))
        if daemonset:
            control_plane.kubectl("-n", "kube-system", "rollout", "status", "daemonset/ip-masq-agent")

    yield put
    control_plane.kubectl(
        "-n", "kube-system", "delete", "daemonset,configmap", "ip-masq-agent", "--ignore-not-found", "--wait=true"
    )
    control_plane.kubectl("-n", "kube-system", "delete", "lease", "-l", "app.kubernetes.io/managed-by=runbook")


@pytest.fixture
def cloud() -> Iterator[tuple[GoogleCloud, Server]]:
    """A Google cloud with a cluster, whose service agent lacks its role."""
    found = GoogleCloud()
    found.add_cluster("example-prod", "europe-west3", "example", currentMasterVersion="1.32.9-gke.1000000")
    found.add_account("puller@example-prod.iam.gserviceaccount.com")
    server = serve(found)
    yield found, server
    server.close()


@pytest.fixture
def world(tmp_path: Path, cloud: tuple[GoogleCloud, Server]) -> Iterator[World]:
    env = google_env(cloud[1], tmp_path)
    with Cluster(nodes=2) as cluster, serve_kubernetes(cluster) as server:
        yield World(tmp_path, cluster, server, env)


NODE = "node-2"


@pytest.fixture
def leak(control_plane: ControlPlane) -> Iterator[str]:
    """Pods on one node wait for addresses, and get them some time after a cleaning pod ran there."""
    namespace = control_plane.namespace()
    spec = {
        "nodeSelector": {"kubernetes.io/hostname": NODE},
        "containers": [{"name": "orders", "image": "registry.example.com/orders:1"}],
    }
    template = {"metadata": {"labels": {"app": "orders", "sandbox.runbook/ip-exhausted": "true"}}, "spec": spec}
    orders = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders"},
              "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "orders"}}, "template": template}}  # fmt: skip
    control_plane.kubectl("-n", namespace, "create", "-f", "-", stdin=yaml.safe_dump(orders))
    waiting = ("-n", namespace, "get", "events", "--field-selector", "reason=FailedCreatePodSandBox", "-o", "name")
    control_plane.wait_for(
        lambda: len(control_plane.kubectl(*waiting).stdout.splitlines()) >= 2, "pods without addresses"
    )
    stopped = threading.Event()
    healer = threading.Thread(target=_heal, args=(control_plane, namespace, _cleanings(control_plane), stopped))
    healer.start()
    yield namespace
    stopped.set()
    healer.join()
    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")
    control_plane.kubectl("uncordon", NODE)
    control_plane.kubectl(
        "-n", "kube-system", "delete", "daemonset,configmap", "runbook-ipam-cleanup", "--ignore-not-found"
    )


def _heal(control_plane: ControlPlane, namespace: str, before: int, stopped: threading.Event) -> None:
    """Give the pods addresses once a cleaning pod was made, however long that takes; then a real kubelet gets one too."""
    while not stopped.wait(0.5):
        if _cleanings(control_plane) > before:
            label = ("-l", "app=orders", "sandbox.runbook/ip-exhausted-")
            control_plane.kubectl("-n", namespace, "label", "pods", *label)


def _cleanings(control_plane: ControlPlane) -> int:
    """Return how many cleaning DaemonSets there were; their events stay."""
    about = ("--field-selector", "involvedObject.name=runbook-ipam-cleanup,reason=SuccessfulCreate", "-o", "name")
    return len(control_plane.kubectl("-n", "kube-system", "get", "events", *about).stdout.splitlines())
