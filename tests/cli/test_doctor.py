"""Doctor says who one is, what one may do, and how far the clocks are apart."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from remediation.model.refs import Ref
from runbook_sandbox.kubernetes.requests import User
from tests.engine.world import World
from tests.running import RUNBOOK, Cli, google_env

RBAC = "rbac.authorization.k8s.io/v1"
_REVIEWS = {
    "apiGroups": ["authentication.k8s.io", "authorization.k8s.io"],
    "resources": ["selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    "verbs": ["create"],
}
# What every cluster lets everybody ask about themselves.
BASIC: list[dict[str, Any]] = [
    {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "system:basic-user"}, "rules": [_REVIEWS]},
    {
        "apiVersion": RBAC,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "system:basic-user"},
        "roleRef": {"apiGroup": RBAC.partition("/")[0], "kind": "ClusterRole", "name": "system:basic-user"},
        "subjects": [{"apiGroup": RBAC.partition("/")[0], "kind": "Group", "name": "system:authenticated"}],
    },
]


def doctor(world: World, tmp_path: Path, token: str, *more: str, code: int = 0) -> dict[str, Any]:
    path = tmp_path / f"kubeconfig-{token[:12]}"
    path.write_text(json.dumps(world.server.kubeconfig(token)))
    env = google_env(world.google, world.folder)
    done = Cli(tmp_path, "--kubeconfig", str(path), "--context", "sandbox", env=env)("doctor", *more).expect(code)
    assert done.json["status"] == {0: "ok", 3: "missing"}[code]
    return {item["check"]: item for item in done.json["checks"]}


def test_the_rights_for_each_runbook(world: World, tmp_path: Path) -> None:
    """All are there for the administrator; with the role of one runbook, the others lack some: exit 3 and the way on."""
    world.cluster.tokens |= {
        "token-admin": User("kubernetes-admin", ("system:masters",)),
        "token-oncall": User("oncall", ("system:authenticated",)),
    }
    rights = {
        name: item["status"]
        for name, item in doctor(world, tmp_path, "token-admin", "--project", "example-prod").items()
    }
    assert [
        rights[f"rights for {name}"]
        for name in ("container-service-agent", "ip-masq-agent", "ipam-cleanup", "pull-secret")
    ] == ["ok"] * 4
    for item in BASIC:
        world.client.create(Ref(RBAC, item["kind"], item["metadata"]["name"], ""), item)
    words = [str(RUNBOOK), "rbac", "ip-masq-agent", "--user", "oncall", "-o", "json"]
    for role in json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)["kubernetes"]:
        metadata = role["metadata"]
        world.client.create(Ref(RBAC, role["kind"], metadata["name"], metadata.get("namespace", "")), role)
    seen = doctor(world, tmp_path, "token-oncall", code=3)
    assert seen["rights for ip-masq-agent"]["status"] == "ok"
    assert seen["rights for ipam-cleanup"]["status"] == "missing"
    assert "are missing, such as: " in seen["rights for pull-secret"]["detail"]
    assert seen["rights for pull-secret"]["next"] == "runbook rbac pull-secret"
    assert "rights for container-service-agent" not in seen


def test_versions_and_clock(world: World, tmp_path: Path) -> None:
    """Each has a line of its own."""
    seen = doctor(world, tmp_path, world.server.token)
    assert "Python" in seen["versions"]["detail"]
    assert seen["clock"]["status"] == "ok"
    assert "v1." in seen["kubernetes"]["detail"]
