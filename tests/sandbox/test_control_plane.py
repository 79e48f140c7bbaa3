"""The control plane that tests run on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runbook_sandbox.control_plane import ControlPlane, ControlPlaneError, running_or_reason

DAEMON_SET = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "agent"},
    "spec": {
        "selector": {"matchLabels": {"app": "agent"}},
        "template": {
            "metadata": {"labels": {"app": "agent"}},
            "spec": {"containers": [{"name": "agent", "image": "registry.example.com/agent:1"}]},
        },
    },
}
START_AND_WAIT = """
import sys, time
from pathlib import Path
from runbook_sandbox.control_plane import ControlPlane
plane = ControlPlane.start(Path(sys.argv[1]), nodes=0)
print(*plane.pids.values(), flush=True)
time.sleep(60)
"""


def test_nodes_are_ready_with_addresses_and_pod_ranges(control_plane: ControlPlane) -> None:
    """A test can schedule pods at once, on nodes that look like nodes of a VPC."""
    nodes = json.loads(control_plane.kubectl("get", "nodes", "-o", "json").stdout)["items"]
    assert [node["spec"]["podCIDR"] for node in nodes] == ["10.64.1.0/24", "10.64.2.0/24", "10.64.3.0/24"]
    assert [node["status"]["addresses"][0]["address"] for node in nodes] == ["10.128.0.2", "10.128.0.3", "10.128.0.4"]
    assert {node["metadata"]["labels"]["kubernetes.io/hostname"] for node in nodes} == {"node-1", "node-2", "node-3"}


def test_daemon_set_rolls_out(control_plane: ControlPlane) -> None:
    """Pods become Ready on every node although nothing runs, so a rollout finishes."""
    namespace = control_plane.namespace()
    applied = control_plane.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(DAEMON_SET))
    assert applied.returncode == 0, applied.stderr
    rollout = control_plane.kubectl("rollout", "status", "ds/agent", "-n", namespace, "--timeout=30s")
    assert "successfully rolled out" in rollout.stdout, rollout.stderr
    pods = json.loads(control_plane.kubectl("get", "pods", "-n", namespace, "-o", "json").stdout)["items"]
    assert {pod["status"]["podIP"].rsplit(".", 1)[0] for pod in pods} == {"10.64.1", "10.64.2", "10.64.3"}


def test_new_user_may_do_nothing(control_plane: ControlPlane) -> None:
    """A user of the pool is authenticated and has no rights, until a test grants some."""
    user, kubeconfig = control_plane.take_user()
    answer = control_plane.kubectl("get", "configmaps", user=user)
    assert f'User "{user}" cannot list resource "configmaps"' in answer.stderr
    assert control_plane.kubectl("get", "configmaps", f"--kubeconfig={kubeconfig}").returncode == 1


def test_users_are_given_out_once(control_plane: ControlPlane) -> None:
    """Rights that one test grants never leak into another."""
    assert control_plane.take_user()[0] != control_plane.take_user()[0]


def test_reader_reads_everything_and_writes_nothing(control_plane: ControlPlane) -> None:
    """The read-only user sees even Secrets, and cannot create anything."""
    assert control_plane.kubectl("get", "nodes,secrets", "-A", user="reader").returncode == 0
    assert "is forbidden" in control_plane.kubectl("create", "configmap", "x", user="reader").stderr


def test_any_user_in_any_group(control_plane: ControlPlane) -> None:
    """A kubeconfig can stand for a user and groups that were not known at the start."""
    kubeconfig = control_plane.kubeconfig_for("someone@example.com", ["sre@example.com"])
    answer = control_plane.kubectl("auth", "whoami", "-o", "json", f"--kubeconfig={kubeconfig}")
    identity = json.loads(answer.stdout)["status"]["userInfo"]
    assert identity["username"] == "someone@example.com"
    assert "sre@example.com" in identity["groups"]


def test_audit_shows_the_writes_of_one_user(control_plane: ControlPlane) -> None:
    """A test can ask which write requests a user made since a moment, and with what body."""
    namespace = control_plane.namespace()
    user, _ = control_plane.take_user()
    control_plane.kubectl("create", "rolebinding", "edit", "--clusterrole=edit", f"--user={user}", "-n", namespace)
    control_plane.kubectl("create", "configmap", "before", "-n", namespace, user=user)
    mark = control_plane.mark()
    control_plane.kubectl("create", "configmap", "x", "--from-literal=a=1", "-n", namespace, user=user)
    control_plane.kubectl("create", "configmap", "someone-elses", "-n", namespace)
    [write] = control_plane.writes(mark, user)
    assert (write["verb"], write["objectRef"]["name"]) == ("create", "x")
    assert write["requestObject"]["data"] == {"a": "1"}


def test_dry_run_refusal_and_read_are_no_writes(control_plane: ControlPlane) -> None:
    """What stores nothing counts as no write, and is in the log all the same."""
    mark = control_plane.mark()
    assert control_plane.kubectl("create", "configmap", "x", "--dry-run=server").returncode == 0
    assert control_plane.kubectl("create", "configmap", "x", user="reader").returncode == 1
    assert control_plane.kubectl("auth", "can-i", "create", "pods").returncode == 0
    assert control_plane.writes(mark) == []
    assert {event["verb"] for event in control_plane.audit_events(mark)} >= {"create", "get"}


def test_programs_die_when_the_parent_is_killed(assets: Path, tmp_path: Path) -> None:
    """Not even SIGKILL of a test run leaves a control plane behind."""
    command = [sys.executable, "-c", START_AND_WAIT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 5
        parent.send_signal(signal.SIGKILL)
    _wait_until_gone(pids)


def test_stop_ends_the_programs_and_can_be_repeated(assets: Path, tmp_path: Path) -> None:
    """After the block nothing of the control plane runs, whatever happened inside."""
    with ControlPlane.start(tmp_path, nodes=1, audit=False) as plane:
        pids = list(plane.pids.values())
        plane.stop()
    _wait_until_gone(pids)


def test_failed_start_shows_why(assets: Path, tmp_path: Path) -> None:
    """A program that ends takes the start with it, with the end of its log in the error."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("apiVersion: kwok.x-k8s.io/v1alpha1\nkind: Stage\nspec: [")
    with pytest.raises(ControlPlaneError, match="kwok ended with code"):
        ControlPlane.start(tmp_path / "plane", stages=[broken])


def test_reason_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Someone without the programs reads which variable to set, or which program is not there."""
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    assert "KUBEBUILDER_ASSETS is not set" in str(running_or_reason())
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert "no executable etcd" in str(running_or_reason())


def _wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 5
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still running: {[pid for pid in pids if _runs(pid)]}"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that nobody has collected yet is dead too.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
