"""`runbook rbac` says which rights let their holder take more than they say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from remediation.model.powers import powers
from remediation.model.rights import Permission
from tests.running import Cli

SYSTEM = "kube-system"


@pytest.mark.parametrize(
    ("right", "as_good_as"),
    [
        (Permission("create", "daemonsets", "apps", SYSTEM), "root on the nodes"),
        (Permission("patch", "daemonsets", "apps", SYSTEM, "one"), "root on the nodes"),
        (Permission("create", "pods"), "root on the nodes"),
        (Permission("update", "deployments", "apps", "shop"), "the rights of every service account of the namespace"),
        (Permission("get", "nodes/proxy"), "root on the nodes"),
        (Permission("patch", "nodes", "", "", "node-1"), "the say in where pods run"),
        (Permission("create", "secrets", "", "shop"), "the rights of every service account of the namespace"),
        (Permission("list", "secrets", "", "shop"), "all that the secrets of the namespace open"),
        (Permission("get", "secrets", "", "shop", "one"), None),
        (Permission("create", "serviceaccounts/token", "", "shop", "web"), "the rights of the service account"),
        (Permission("patch", "configmaps", "", SYSTEM), "administrator of the cluster"),
        (Permission("patch", "configmaps", "", SYSTEM, "ip-masq-agent"), None),
        (Permission("patch", "configmaps", "", "shop"), None),
        (Permission("bind", "clusterroles", "rbac.authorization.k8s.io"), "administrator of the cluster"),
        (Permission("list", "pods"), None),
        (Permission("delete", "pods", "", SYSTEM), None),
        (Permission.google("resourcemanager.projects.setIamPolicy"), "owner of the project"),
        (Permission.google("iam.serviceAccountKeys.create"), "the rights of every service account of the project"),
        (Permission.google("resourcemanager.projects.getIamPolicy"), None),
    ],
)
def test_what_a_right_is_as_good_as(right: Permission, as_good_as: str | None) -> None:
    """Rights to make pods, tokens, volumes and roles are; reading, and changing one named thing, are not."""
    assert [power.as_good_as for power in powers([right])] == ([as_good_as] if as_good_as else [])


def test_the_roles_say_it_and_can_still_be_applied(tmp_path: Path) -> None:
    """As comments in front of the YAML, and under a key of their own for machines."""
    cli = Cli(tmp_path)
    words = ("rbac", "ipam-cleanup", "--node", "node-2")
    text, document = cli(*words, json_output=False).expect(0).out, cli(*words).expect(0).json
    assert list(yaml.safe_load_all(text)) == document["kubernetes"]
    said = " ".join(line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))
    root, nodes = document["powers"]
    assert root["rights"][0] == "create daemonsets.apps in namespace kube-system"
    assert (root["as_good_as"], nodes["rights"]) == ("root on the nodes", ["patch nodes node-2"])
    assert f"{root['rights'][0]}, {root['rights'][1]}: as good as root on the nodes; {root['why']}" in said


def test_a_google_role_says_it_too(tmp_path: Path) -> None:
    """Whoever may set the policy of a project may become its owner, and a role without such rights says nothing."""
    (power,) = Cli(tmp_path)("rbac", "container-service-agent").expect(0).json["powers"]
    assert (power["rights"], power["as_good_as"]) == (["resourcemanager.projects.setIamPolicy"], "owner of the project")
