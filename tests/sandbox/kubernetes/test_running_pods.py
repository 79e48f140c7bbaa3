"""Pods that run programs: what kubectl shows of them, how they end, and how ready they are meanwhile. A real control plane has no kubelet."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook_sandbox.kubernetes import Cluster, serve
from runbook_sandbox.nodes.marks import DESTINATION
from runbook_sandbox.nodes.rules import install
from runbooks.ip_masq_agent import remarks

OUTSIDE = "10.1.0.9"
AGENT: dict[str, Any] = {
    "containers": [{"name": "agent", "image": "registry.example.com/ip-masq-agent:1"}],
    "volumes": [
        {
            "name": "config",
            "configMap": {
                "name": "ip-masq-agent",
                "optional": True,
                "items": [{"key": "config", "path": "ip-masq-agent"}],
            },
        }
    ],
}


class World:
    """An emulated cluster with masquerade agents, and kubectl for it."""

    def __init__(self, cluster: Cluster, path: Path, assets: Path) -> None:
        self.cluster, self._path, self._assets = cluster, path, assets

    def run(self, *words: str, stdin: str = "", seconds: float = 30) -> subprocess.CompletedProcess[str]:
        command = [str(self._assets / "kubectl"), f"--kubeconfig={self._path}", *words]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=seconds)

    def make(self, kind: str, version: str, name: str, namespace: str, **fields: Any) -> None:
        metadata = {"name": name, "namespace": namespace, **fields.pop("metadata", {})}
        self.cluster.create({"apiVersion": version, "kind": kind, "metadata": metadata, **fields})
        self.cluster.settle()

    def masquerade(self) -> None:
        """Let the agents hide pod addresses from everything outside the cluster."""
        labels = {"k8s-app": "ip-masq-agent"}
        text = json.dumps({"nonMasqueradeCIDRs": ["10.64.0.0/16"]})
        self.make("ConfigMap", "v1", "ip-masq-agent", "kube-system", data={"config": text})
        template = {"metadata": {"labels": labels}, "spec": AGENT}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        self.make("DaemonSet", "apps/v1", "ip-masq-agent", "kube-system", spec=spec)

    def configure(self, kept: str) -> None:
        """Let the agents hide pod addresses from everything but a range."""
        text = json.dumps({"nonMasqueradeCIDRs": [kept]})
        self.cluster.edit(
            "configmaps", "ip-masq-agent", lambda found: found.update(data={"config": text}), "kube-system"
        )
        self.cluster.settle()


@pytest.fixture
def world(tmp_path: Path, assets: Path) -> Iterator[World]:
    """A fresh cluster."""
    with Cluster(nodes=3) as cluster, serve(cluster) as running:
        install(cluster)
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(running.kubeconfig()))
        yield World(cluster, path, assets)


def test_the_probe_that_a_plan_prints_tells_whether_packets_come_back(world: World) -> None:
    """It ends by itself, with nc's words and exit code, and leaves no pod behind."""
    printed = remarks._PROBE.partition("kubectl ")[2].format(address=OUTSIDE).replace("PORT", "443")
    words = printed.replace("-w 5", "-w 1").split()
    before = world.run(*words)
    assert (before.returncode, f"nc: {OUTSIDE} ({OUTSIDE}:443): Connection timed out" in before.stdout) == (1, True)
    world.masquerade()
    after = world.run(*words)
    assert (after.returncode, f"{OUTSIDE} ({OUTSIDE}:443) open" in after.stdout) == (0, True), after.stderr
    assert world.cluster.store.list("pods", "default") == []


def test_a_shell_ends_with_its_input(world: World) -> None:
    """What is piped into `kubectl run -i` is carried out, and the pod is done."""
    done = world.run("run", "shell", "--rm", "-i", "--restart=Never", "--image=busybox", stdin="echo hello\n")
    assert (done.returncode, "hello" in done.stdout) == (0, True), done.stderr


def test_exec_tells_the_exit_code(world: World) -> None:
    """`kubectl exec` shows what the command wrote and ends as it ended."""
    world.make("Pod", "v1", "app", "default", spec={"containers": [{"name": "app", "image": "app:1"}]})
    done = world.run("exec", "app", "--", "sh", "-c", "echo there && exit 3")
    assert (done.returncode, done.stdout) == (3, "there\n"), done.stderr


def test_a_followed_log_ends_with_the_pod(world: World) -> None:
    """`kubectl logs -f` shows what comes until the container has ended."""
    assert (
        world.run(
            "run", "job", "--restart=Never", "--image=busybox", "--", "sh", "-c", "sleep 0.4; echo done"
        ).returncode
        == 0
    )
    world.cluster.settle()
    followed = world.run("logs", "-f", "job")
    assert followed.stdout == "done\n", followed.stderr
    assert "container nope is not valid for pod job" in world.run("logs", "job", "-c", "nope").stderr


def test_a_ready_pod_turns_unready_when_what_it_needs_is_gone(world: World) -> None:
    """Readiness follows the cluster in both directions, and the container runs on."""
    world.masquerade()
    spec = {"containers": [{"name": "app", "image": "app:1"}]}
    world.make("Pod", "v1", "app", "default", spec=spec, metadata={"annotations": {DESTINATION: OUTSIDE}})
    assert world.run("wait", "pod/app", "--for=condition=Ready", "--timeout=5s").returncode == 0
    world.configure("10.0.0.0/8")
    gone = world.run("wait", "pod/app", "--for=condition=Ready=False", "--timeout=5s")
    assert gone.returncode == 0, gone.stderr
    assert "Running" in world.run("get", "pod", "app").stdout
    assert "Readiness probe failed" in world.run("events", "--for=pod/app").stdout
    world.configure("10.64.0.0/16")
    assert world.run("wait", "pod/app", "--for=condition=Ready", "--timeout=5s").returncode == 0


def test_a_command_ends_when_its_client_has_left(world: World) -> None:
    """Nobody waits for a sleep that nobody listens to."""
    world.make("Pod", "v1", "app", "default", spec={"containers": [{"name": "app", "image": "app:1"}]})
    before = threading.active_count()
    with pytest.raises(subprocess.TimeoutExpired):
        world.run("exec", "app", "--", "sleep", "infinity", seconds=0.5)
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before
