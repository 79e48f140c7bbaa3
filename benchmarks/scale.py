"""Measure reading verbs on a large cluster: many nodes and pods on a real API server.

    KUBEBUILDER_ASSETS=… .venv/bin/python benchmarks/scale.py [--nodes 1000] [--pods 15000] [--runs 3]

The pods are about as large as those of a production cluster, and none of them runs: only etcd and the API server are
needed to answer. Each command is a new process. Nothing is judged, because no other tool answers the same questions;
``kubectl get pods`` stands beside ours as the price of listing the pods at all.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from subjects import Bench, Sample, Subject, runbook

from remediation.model.refs import Ref
from remediation.providers.kubernetes.client import KubernetesClient
from remediation.providers.kubernetes.configurations import load
from runbook_sandbox.control_plane import ControlPlane, running_or_reason

NAMESPACE = "shop"
PODS_OF_NODE = 15


def _node(number: int) -> dict[str, Any]:
    name, ranges = f"large-{number}", f"10.{64 + number // 256}.{number % 256}.0/24"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "spec": {"podCIDR": ranges, "podCIDRs": [ranges]},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"172.16.{number // 256}.{number % 256}"}],
            "images": [{"names": [f"registry.example.com/image-{each}@sha256:{each:064}"]} for each in range(40)],
        },
    }


def _pod(number: int) -> dict[str, Any]:
    environment = [{"name": f"SETTING_{each}", "value": "x" * 40} for each in range(30)]
    container = {"name": "web", "image": "registry.example.com/web:1.0", "env": environment}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"web-{number}", "labels": {"app": "web", "pod-template-hash": f"{number % 97}"}},
        "spec": {
            "nodeName": f"large-{number // PODS_OF_NODE}",
            "containers": [container, container | {"name": "side"}],
        },
    }


def _status(number: int) -> dict[str, Any]:
    node, host = divmod(number, PODS_OF_NODE)
    address = f"10.{64 + node // 256}.{node % 256}.{host + 2}"
    running = [
        {"name": name, "ready": True, "restartCount": 0, "image": "web", "imageID": ""} for name in ("web", "side")
    ]
    state = {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    return status | {"containerStatuses": [item | state for item in running]}


def _create_pod(client: KubernetesClient, number: int) -> None:
    ref = Ref("v1", "Pod", f"web-{number}", NAMESPACE)
    client.create(ref, _pod(number))
    patch = [{"op": "add", "path": "/status", "value": _status(number)}]
    client.request("PATCH", f"{ref.path}/status", {}, patch, "application/json-patch+json")


def populate(client: KubernetesClient, nodes: int, pods: int) -> None:
    """Create the nodes, and the pods with the status that a kubelet would have given them."""
    client.create(Ref("v1", "Namespace", NAMESPACE), {"metadata": {"name": NAMESPACE}})
    for name in ("default", "web"):
        account = Ref("v1", "ServiceAccount", name, NAMESPACE)
        client.create(account, {"metadata": {"name": name}})
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: client.create(Ref("v1", "Node", f"large-{number}"), _node(number)), range(nodes)))
        list(pool.map(lambda number: _create_pod(client, number), range(pods)))


def _subjects(kubeconfig: Path) -> Iterator[Subject]:
    for words in (
        ("diagnose",),
        ("diagnose", "ip-masq-agent"),
        ("diagnose", "ipam-cleanup"),
        ("diagnose", "pull-secret"),
        ("plan", "ipam-cleanup", "--node", "large-7"),
    ):
        yield runbook(*words, kubeconfig=kubeconfig)
    yield Subject("kubectl", ("kubectl", "get", "pods", "--all-namespaces"))
    yield Subject("kubectl", ("kubectl", "get", "pods", "--all-namespaces", "--output=json"))


def main() -> int:
    """Fill a cluster, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=15000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    reason = running_or_reason()
    if isinstance(reason, str):
        print(reason, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch, ControlPlane.start(Path(scratch, "plane"), nodes=1) as plane:
        _measure(plane, Path(scratch), arguments)
    return 0


def _measure(plane: ControlPlane, scratch: Path, arguments: argparse.Namespace) -> None:
    for name in ("kwok", "kube-controller-manager", "kube-scheduler"):
        os.kill(plane.pids[name], signal.SIGKILL)
    bench = Bench(plane, scratch)
    populate(KubernetesClient(load(str(plane.kubeconfig_path), None)[0]), arguments.nodes, arguments.pods)
    print(f"{arguments.nodes} nodes, {arguments.pods} pods\n{'median s':>9} {'peak MB':>8} {'requests':>8}")
    for subject in _subjects(bench.kubeconfig):
        sample = Sample()
        for _ in range(arguments.runs):
            bench.measure(subject, sample)
        numbers = f"{statistics.median(sample.seconds):>9.2f} {max(sample.peak_mb):>8.0f} {max(sample.requests):>8}"
        print(f"{numbers}  {subject.name} {' '.join(word for word in subject.command[1:] if word[0] != '/')}")


if __name__ == "__main__":
    sys.exit(main())
