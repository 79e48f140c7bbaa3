"""Ranges that only the GKE API knows are protected too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runbook_sandbox.control_plane import ControlPlane
from runbook_sandbox.google import OWNER, GoogleCloud, Server
from tests.running import Cli, google_env

PLACE = ("--project", "example-prod", "--location", "europe-west3", "--cluster", "example")
RANGES: dict[str, Any] = {
    "ipAllocationPolicy": {
        "clusterIpv4CidrBlock": "10.20.0.0/14",
        "servicesIpv4CidrBlock": "10.31.0.0/20",
        "nodeIpv4CidrBlock": "10.132.0.0/20",
    },
    "nodePools": [{"networkConfig": {"podIpv4CidrBlock": "10.40.0.0/20"}}],
    "privateClusterConfig": {"masterIpv4CidrBlock": "172.16.9.0/28"},
}


@pytest.fixture
def google(cloud: tuple[GoogleCloud, Server]) -> GoogleCloud:
    cloud[0].add_cluster("example-prod", "europe-west3", "example", **RANGES)
    return cloud[0]


@pytest.fixture
def masq(tmp_path: Path, control_plane: ControlPlane, cloud: tuple[GoogleCloud, Server], google: GoogleCloud) -> Cli:
    del google
    env = google_env(cloud[1], tmp_path)
    return Cli(tmp_path, "--kubeconfig", str(control_plane.kubeconfig_path), "--context", "control-plane", env=env)


@pytest.mark.parametrize(
    ("destination", "says"),
    [
        ("10.21.0.0/16", "pod range 10.20.0.0/14"),
        ("10.40.8.0/24", "pod range 10.40.0.0/20"),
        ("10.31.0.0/24", "service range 10.31.0.0/20"),
        ("172.16.0.0/16", "node address 172.16.9.0/28"),
    ],
)
def test_a_range_of_the_cluster_is_never_masqueraded(
    masq: Cli, agent: Any, control_plane: ControlPlane, destination: str, says: str
) -> None:
    """Pod ranges of the cluster and of node pools, services and the control plane: refused, nothing written."""
    agent()
    mark = control_plane.mark()
    done = masq("run", "ip-masq-agent", "--masquerade", destination, *PLACE, "--yes").expect(3)
    assert says in done.json["error"]["summary"]
    assert control_plane.writes(mark) == []


def test_with_its_coordinates_no_range_stays_unchecked(masq: Cli, agent: Any) -> None:
    """Only the probe from a pod is left to do; a cluster that does not exist is a refusal, not a guess."""
    agent()
    plan = masq("plan", "ip-masq-agent", "--masquerade", "10.1.0.0/16", *PLACE).expect(0).json["plan"]
    left = [item["check"] for item in plan["checks"] if item["status"] == "not checked"]
    assert left == ["whether pods now reach the destination"]
    wrong = (*PLACE[:-1], "nowhere")
    assert "nowhere" in masq("plan", "ip-masq-agent", "--masquerade", "10.1.0.0/16", *wrong).json["error"]["summary"]


def test_google_is_not_allowed(masq: Cli, agent: Any, google: GoogleCloud, control_plane: ControlPlane) -> None:
    """Whoever names the cluster wants its ranges checked: without the right to, nothing is written."""
    agent()
    google.permissions[OWNER] = set()
    mark = control_plane.mark()
    done = masq("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", *PLACE, "--yes").expect(3)
    assert "container.clusters.get" in done.json["error"]["summary"]
    assert control_plane.writes(mark) == []
