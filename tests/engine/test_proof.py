"""What is called verified is proven; what is not proven says why, in every verb and list alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook_sandbox.kubernetes import Fault, Response
from tests.engine.world import Held, World, break_, start
from tests.running import Cli

MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, secure=False)
    yield made
    made.close()


@pytest.fixture
def cli(world: World, tmp_path: Path) -> Cli:
    """The command line as a person reads it."""
    where = ("--kubeconfig", str(world.kubeconfig), "--context", "sandbox", "--project", "example-prod")
    return Cli(tmp_path, *where)


def no_logs(method: str, path: str, query: Any, headers: Any, body: Any) -> Fault | None:
    """Answer as an API server whose kubelets cannot be reached."""
    status = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 500, "message": "the kubelet is gone"}
    return Fault(answer=Response(500, status)) if path.endswith("/log") else None


def killed_before_its_first_write(world: World, tmp_path: Path) -> None:
    held = Held(world, "PATCH", "/configmaps/ip-masq-agent", 0.5, close="before")
    process = start(world, tmp_path, "run", *MASQ, "--yes")
    assert held.came.wait(30)
    process.kill()
    process.communicate(timeout=60)
    held.let_go.set()
    world.cluster.faults = None


def test_half_a_proof_is_no_proof(world: World, run: Any, cli: Cli) -> None:
    """The rollout is seen and the logs are not: that is said with the reason, by run, verify and both lists."""
    break_(world, "ip-masq-agent")
    world.cluster.faults = no_logs
    done = run("run", *MASQ, "--yes")
    assert (done["code"], done["status"], done["verify"]["status"]) == (0, "applied", "unknown")
    assert done["verify"]["summary"].startswith("1 of 2 proven (")
    assert "the kubelet is gone" in done["verify"]["summary"]
    again = run("verify", "last", "--within", "1")
    assert (again["code"], again["status"]) == (0, "applied")
    assert again["verify"]["summary"].startswith("1 of 2 proven (")
    listed = run("runs")["runs"][0]
    assert (listed["status"], listed["proven"]) == ("applied", done["verify"]["summary"])
    assert "applied, 1 of 2 " in cli("runs", json_output=False).out
    said = " ".join(cli("verify", "last", "--within", "1", json_output=False).expect(0).out.split())
    assert "applied, 1 of 2 proven (" in said
    world.cluster.faults = None
    assert run("verify", "last", "--within", "5")["status"] == "verified"


def test_a_run_that_did_nothing_has_nothing_to_prove(world: World, tmp_path: Path, run: Any) -> None:
    """It was killed before its first write; all the same the agent is rolled out and content with what it has."""
    break_(world, "ip-masq-agent")
    killed_before_its_first_write(world, tmp_path)
    found = run("verify", "last", "--within", "1")
    assert (found["code"], found["status"] in ("unknown", "unhealthy")) == (5, True)
    told = {item["check"]: (item["status"], item["detail"]) for item in found["verify"]["checks"]}
    made = told["daemonset/kube-system/ip-masq-agent is as the run left it"]
    assert made == ("unknown", "this run never made the change")
    assert "resume" in found["error"]["next"]


def test_a_cleaning_that_was_killed_is_not_verified_while_its_node_is_cordoned(
    world: World, tmp_path: Path, run: Any
) -> None:
    """Every pod may have an address by then; the cordon is the run's, and is named."""
    break_(world, "ipam-cleanup")
    held = Held(world, "DELETE", "/daemonsets/runbook-ipam-cleanup", 0.5, close="before")
    process = start(world, tmp_path, "run", "ipam-cleanup", "--node", "node-2", "--yes")
    assert held.came.wait(60)
    process.kill()
    process.communicate(timeout=60)
    held.let_go.set()
    world.cluster.faults = None
    found = run("verify", "last", "--within", "20")
    assert (found["code"], found["status"]) == (5, "unhealthy")
    assert "node/node-2 is as the run found it" in json.dumps(found["error"])


def test_no_proof_at_all_is_not_green(world: World, run: Any) -> None:
    """The run has done what it could; who then asks for the proof alone gets none."""
    break_(world, "ip-masq-agent")
    world.cluster.faults = no_logs
    done = run("run", *MASQ, "--no-restart", "--yes")
    assert (done["code"], done["status"]) == (0, "applied")
    assert done["verify"]["summary"].startswith("0 of 1 proven (")
    found = run("verify", "last", "--within", "1")
    assert (found["code"], found["status"]) == (5, "unknown")
