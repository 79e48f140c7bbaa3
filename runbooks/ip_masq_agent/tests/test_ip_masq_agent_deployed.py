"""ip-masq-agent on clusters where no agent runs: what is said of them, and an agent that comes and goes again."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from runbook_sandbox.google import GoogleCloud, Server
from runbook_sandbox.kubernetes import Fault
from runbook_sandbox.kubernetes.requests import Response
from runbook_sandbox.nodes.marks import DESTINATION
from tests.catalogue import CONFIG
from tests.masquerade import PLACE, World
from tests.running import RUNBOOK

CONFIG_MAP = ("configmaps", "ip-masq-agent", "kube-system")
DAEMON_SET = ("daemonsets.apps", "ip-masq-agent", "kube-system")
DEPLOY = ("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--deploy-agent", "--yes", *PLACE)
OUTSIDE = "10.1.125.70"


@pytest.fixture
def gke(cloud: tuple[GoogleCloud, Server]) -> Callable[..., None]:
    """Say what the GKE API knows of the cluster."""
    return lambda **network: cloud[0].add_cluster("example-prod", "europe-west3", "other", networkConfig=network)


def client(world: World, address: str = OUTSIDE) -> None:
    """Start a pod that needs an address outside."""
    metadata = {"name": "client", "namespace": "default", "annotations": {DESTINATION: address}}
    spec = {"containers": [{"name": "client", "image": "registry.example.com/client:1"}]}
    world.cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    world.cluster.settle()


def left(world: World) -> tuple[bool, bool, bool]:
    """Tell whether there is a ConfigMap, a DaemonSet, and a node whose rules hide pod addresses from the destination."""
    masqueraded = [world.agents.masquerades(node, OUTSIDE) for node in ("node-1", "node-2")]
    return world.cluster.get(*CONFIG_MAP) is not None, world.cluster.get(*DAEMON_SET) is not None, any(masqueraded)


# Diagnosis


def test_without_an_agent_time_outs_are_judged_by_the_nodes_own_list(world: World, gke: Callable[..., None]) -> None:
    """It is the usual cluster of this fault, and the command that is printed plans the fix."""
    gke()
    client(world)
    found = world.finding(*PLACE)
    assert (found["status"], found["confidence"]) == ("fault", "possible")
    assert f"pods time out to {OUTSIDE}/32, and nodes keep their address towards it" in found["summary"]
    assert "--deploy-agent" in found["fix"]
    assert found["fix"].split()[4] == f"{OUTSIDE}/32"
    words = found["fix"].split()[1:]
    kept = [word for word in words if word not in ("--kubeconfig", "--context")]
    planned = world.cli(*kept[:5], *PLACE).expect(0)
    assert [item["action"] for item in planned.json["plan"]["changes"]] == ["create", "create"]


def test_without_an_agent_and_default_snat_pods_keep_their_address_everywhere(
    world: World, gke: Callable[..., None]
) -> None:
    """Not even a public destination is masqueraded there."""
    gke(defaultSnatStatus={"disabled": True})
    world.agents.default_snat = False
    client(world, "8.8.8.8")
    found = world.finding(*PLACE)
    assert found["status"] == "fault"
    assert "default SNAT is disabled: pods keep their address towards every destination" in str(found["evidence"])
    assert found["fix"] is None


@pytest.mark.parametrize(
    ("network", "says", "evidence"),
    [
        ({}, "nodes keep pod addresses towards their default ranges", []),
        ({"defaultSnatStatus": {"disabled": True}}, "default SNAT is disabled", []),
        (None, "nodes keep pod addresses towards their default ranges", ["whether default SNAT is on is not known"]),
    ],
)
def test_without_an_agent_and_without_time_outs_nothing_is_wrong(
    world: World, gke: Callable[..., None], network: dict[str, Any] | None, says: str, evidence: list[str]
) -> None:
    """What holds there is told, and what is not known."""
    gke(**network or {})
    found = world.finding(*(PLACE if network is not None else ()))
    assert found["status"] == "healthy"
    assert says in found["summary"]
    assert [item.partition(":")[0] for item in found["evidence"]] == evidence


def test_a_configuration_that_no_agent_reads_is_a_fault(world: World, gke: Callable[..., None]) -> None:
    """The documented first step without the second; an agent makes it count, and nothing else is needed."""
    gke()
    world.put(CONFIG, daemonset=False)
    found = world.finding(*PLACE)
    assert (found["status"], found["confidence"]) == ("fault", "probable")
    assert "has no effect without an agent" in found["summary"]
    done = world.cli("run", "ip-masq-agent", "--deploy-agent", "--yes", *PLACE).expect(0)
    assert done.status == "verified"
    assert world.text() == CONFIG
    assert world.finding(*PLACE)["status"] == "healthy"


# Rollback


def deletions(world: World) -> list[tuple[str, bool]]:
    """Collect what is deleted from now on, and whether a node still had rules of the run at that moment."""
    found: list[tuple[str, bool]] = []

    def look(method: str, path: str, query: Any, headers: Any, body: Any) -> Fault | None:
        kind = path.split("/")[-2]
        if method == "DELETE" and kind in ("configmaps", "daemonsets"):
            found.append((kind, left(world)[2]))
        return None

    world.cluster.faults = look
    return found


def test_a_deployed_agent_takes_its_rules_back_before_it_goes(world: World, gke: Callable[..., None]) -> None:
    """Nothing cleans the kernels of the nodes, so the configuration goes first and the agent when all have noticed."""
    gke()
    done = world.cli(*DEPLOY).expect(0).json["run_id"]
    assert left(world) == (True, True, True)
    preview = world.cli("rollback", done, "--dry-run").expect(0).json["plan"]
    assert [item["address"].partition("/")[0] for item in preview["changes"]] == ["configmap", "daemonset"]
    assert preview["checks"] == [
        {"check": "before it goes, the agent on every node is back at its built-in ranges", "status": "planned"}
    ]
    deleted = deletions(world)
    undone = world.cli("rollback", done, "--yes").expect(0)
    assert undone.status == "rolled_back"
    assert deleted == [("configmaps", True), ("daemonsets", False)]
    assert left(world) == (False, False, False)
    assert undone.json["verify"]["checks"][0]["detail"] == "2 agents"


def test_an_agent_that_sleeps_is_waited_for(world: World, gke: Callable[..., None]) -> None:
    """Its last line still tells of the configuration, so the DaemonSet stays until it wakes."""
    gke()
    done = world.cli(*DEPLOY).expect(0).json["run_id"]
    world.agents.asleep = {"node-2"}
    deleted = deletions(world)
    waker = threading.Timer(3, world.agents.wake)
    waker.start()
    assert world.cli("rollback", done, "--yes").expect(0).status == "rolled_back"
    waker.join()
    assert deleted == [("configmaps", True), ("daemonsets", False)]
    assert left(world) == (False, False, False)


def test_a_rollback_that_is_killed_while_it_waits_goes_on(world: World, gke: Callable[..., None]) -> None:
    """The second rollback waits for the same agents and ends with nothing left."""
    gke()
    done = world.cli(*DEPLOY).expect(0).json["run_id"]
    world.agents.asleep = {"node-1", "node-2"}
    deleted = deletions(world)
    words = ("rollback", done, "--yes", "--store", str(world.cli.store), *world.cli.options)
    process = subprocess.Popen([str(RUNBOOK), *words], env=os.environ | world.cli.env, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not deleted:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert left(world) == (False, True, True)
    preview = world.cli("rollback", done, "--dry-run").expect(0).json["plan"]
    assert [item["address"].partition("/")[0] for item in preview["changes"]] == ["daemonset"]
    assert len(preview["checks"]) == 1
    world.agents.wake()
    assert world.cli("rollback", done, "--yes").expect(0).status == "rolled_back"
    assert deleted == [("configmaps", True), ("daemonsets", False)]


def test_nodes_that_keep_rules_are_named(world: World, gke: Callable[..., None]) -> None:
    """An agent whose log cannot be read does not stop the rollback, which says where rules may stay, and for how long."""
    gke()
    done = world.cli(*DEPLOY).expect(0).json["run_id"]
    world.agents.asleep = {"node-2"}
    world.cluster.faults = unreadable(world, "node-2")
    shown = world.cli("rollback", done, "--yes", json_output=False).expect(0)
    said = " ".join(shown.out.split())
    assert "rolled back" in said
    assert "rules may stay on node-2 until a node is rebooted or made anew (node-2: its log cannot be read" in said
    assert "dial tcp 192.0.2.12:10250: i/o timeout" in said
    assert left(world) == (False, False, True)


def test_a_configuration_of_others_keeps_its_rules_on_the_nodes(world: World, gke: Callable[..., None]) -> None:
    """It is theirs, so it stays, and the agents obey it until they go: said, with the nodes."""
    gke()
    world.put(CONFIG, daemonset=False)
    done = world.cli(*DEPLOY).expect(0).json["run_id"]
    undone = world.cli("rollback", done, "--yes").expect(0)
    assert (undone.status, world.text()) == ("rolled_back", CONFIG)
    check = undone.json["verify"]["checks"][0]
    assert check["status"] == "unknown"
    assert "was there before this run, and its rules stay on node-1, node-2" in check["detail"]


def test_an_automatic_rollback_does_the_same(world: World, gke: Callable[..., None]) -> None:
    """Agents that log an error are taken away in the same order."""
    gke()
    found: list[str] = []

    def rejecting(method: str, path: str, *_: Any) -> Fault | None:
        if method == "DELETE" and path.split("/")[-2] in ("configmaps", "daemonsets"):
            found.append(path.split("/")[-2])
        if path.endswith("/log") and world.text() is not None:
            return Fault(answer=Response(200, "E1121 03:00:00 Error syncing configuration: of this node\n"))
        return None

    world.cluster.faults = rejecting
    done = world.cli(*DEPLOY, "--on-unhealthy", "rollback").expect(7)
    assert "node-1, node-2: it rejects its configuration: of this node (2 of 2 agents)" in str(done.json["verify"])
    assert (done.status, found, left(world)) == ("rolled_back", ["configmaps", "daemonsets"], (False, False, False))


def test_a_restarted_agent_starts_with_the_old_configuration_again(world: World) -> None:
    """The configuration comes back before the template, so the pods that start then read the right one."""
    world.put(CONFIG)
    done = world.cli("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes").expect(0).json["run_id"]
    preview = world.cli("rollback", done, "--dry-run").expect(0).json["plan"]
    assert [item["address"].partition("/")[0] for item in preview["changes"]] == ["configmap", "daemonset"]
    assert preview["checks"] == []
    assert world.cli("rollback", done, "--yes").expect(0).status == "rolled_back"
    world.cluster.settle()
    assert world.text() == CONFIG
    assert left(world) == (True, True, False)


def unreadable(world: World, node: str) -> Callable[..., Fault | None]:
    """Let the kubelet of one node not answer for logs."""
    message = "Get \"https://192.0.2.12:10250/containerLogs/kube-system/ip-masq-agent\": dial tcp 192.0.2.12:10250: i/o timeout"  # fmt: skip
    body = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 500, "message": message}

    def look(method: str, path: str, query: Any, headers: Any, sent: Any) -> Fault | None:
        name = path.split("/")[-2]
        pod = world.cluster.get("pods", name, "kube-system") if path.endswith("/log") else None
        on = pod is not None and pod["spec"]["nodeName"] == node
        return Fault(answer=Response(500, body)) if on else None

    return look
