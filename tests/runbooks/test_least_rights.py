"""`runbook rbac` prints enough rights and no more: each Kubernetes runbook runs with exactly its role."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediation.testing.planted import key_file
from runbook_sandbox.control_plane import ControlPlane
from tests.running import RUNBOOK, Cli


def grant(control_plane: ControlPlane, cli: Cli, *words: str) -> None:
    """Apply what rbac prints for a user without rights, and act as that user from now on."""
    user, kubeconfig = control_plane.take_user()
    roles = subprocess.run(
        [str(RUNBOOK), "rbac", *words, "--user", user], capture_output=True, text=True, check=True
    ).stdout
    control_plane.kubectl("apply", "-f", "-", stdin=roles)
    cli.options = ("--kubeconfig", str(kubeconfig), "--context", "control-plane")


def test_ip_masq_agent(cli: Cli, agent: Any, control_plane: ControlPlane) -> None:
    """Plan, run, run again, verify and rollback need nothing beyond the role."""
    agent()
    words = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")
    grant(control_plane, cli, *words)
    assert not [item for item in cli("plan", *words).expect(0).json["plan"]["checks"] if item["status"] == "missing"]
    loop(cli, *words)


def test_pull_secret(cli: Cli, control_plane: ControlPlane, tmp_path: Path) -> None:
    """The namespace's Role is enough, with one Secret and one service account by name."""
    namespace = control_plane.namespace()
    control_plane.kubectl("-n", namespace, "create", "serviceaccount", "web")
    words = ("pull-secret", "--namespace", namespace, "--registry", "gcr.io", "--service-account", "web")
    grant(control_plane, cli, *words)
    loop(cli, *words, "--from-key-file", str(key_file(tmp_path)))
    secret = base64.b64encode(b"{}").decode()
    other = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}, "data": {"x": secret}}
    control_plane.kubectl("-n", namespace, "create", "-f", "-", stdin=yaml.safe_dump(other))
    refused = cli("plan", *words, "--secret", "other", "--from-key-file", str(key_file(tmp_path))).expect(3)
    assert "cannot get resource" in refused.json["error"]["summary"]


def test_ipam_cleanup(cli: Cli, control_plane: ControlPlane) -> None:
    """Looking at a healthy node needs the role's reads only; the plan of a leaking one names nothing missing."""
    grant(control_plane, cli, "ipam-cleanup", "--node", "node-3")
    assert cli("run", "ipam-cleanup", "--node", "node-3", "--yes").expect(0).status == "already_ok"


def test_ipam_cleanup_of_a_leaking_node(cli: Cli, leak: str, control_plane: ControlPlane) -> None:
    """The whole loop, with the cordon, the DaemonSet and its removal, needs nothing beyond the role."""
    del leak
    words = ("ipam-cleanup", "--node", "node-2")
    grant(control_plane, cli, *words)
    assert not [item for item in cli("plan", *words).expect(0).json["plan"]["checks"] if item["status"] == "missing"]
    loop(cli, *words)


def loop(cli: Cli, *words: str) -> None:
    done = cli("run", *words, "--yes").expect(0)
    assert done.status in ("verified", "applied")
    assert cli("run", *words, "--yes").expect(0).status == "already_ok"
    cli("verify", done.json["run_id"], "--within", "1")
    assert cli("rollback", done.json["run_id"], "--yes").expect(0).status == "rolled_back"


@pytest.mark.parametrize(
    "right", ["patch configmaps ip-masq-agent", "patch daemonsets", "create configmaps", "update leases"]
)
def test_no_right_is_superfluous(cli: Cli, agent: Any, control_plane: ControlPlane, right: str) -> None:
    """Taking a right away makes the plan name it as missing."""
    agent()
    grant(control_plane, cli, "ip-masq-agent", "--masquerade", "10.1.0.0/16")
    verb, resource = right.split()[:2]
    role = yaml.safe_load(
        control_plane.kubectl("-n", "kube-system", "get", "role", "runbook-ip-masq-agent", "-o", "yaml").stdout
    )
    for rule in role["rules"]:
        if rule["resources"] == [resource] and verb in rule["verbs"]:
            rule["verbs"] = [item for item in rule["verbs"] if item != verb] or ["list"]
    control_plane.kubectl("replace", "-f", "-", stdin=yaml.safe_dump(role))
    missing = [
        item["check"]
        for item in cli("plan", "ip-masq-agent", "--masquerade", "10.1.0.0/16").expect(0).json["plan"]["checks"]
        if item["status"] == "missing"
    ]
    assert any(right in item for item in missing)
