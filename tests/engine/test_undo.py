"""What is left after a run that did not end well: nothing of ours, and everything of others."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remediation.model.errors import Invalid
from remediation.model.refs import Ref
from runbook_sandbox.kubernetes import Fault
from runbook_sandbox.kubernetes.requests import Response
from runbook_sandbox.places import HOST, PULLER
from tests.engine.world import Held, World, break_, comparable, end, start

IPAM = ("ipam-cleanup", "--node", "node-2")
MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")
PULL = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST)
PULL_KEY = (*PULL, "--google-service-account", PULLER)
CLEANER = ("runbook-ipam-cleanup", "kube-system")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, secure=False)
    yield made
    made.close()


def left(world: World) -> dict[str, Any]:
    """What a cleaning must not leave behind."""
    nodes = world.cluster.store.list("nodes")
    return {
        "daemonset": world.cluster.get("daemonsets.apps", *CLEANER) is not None,
        "configmap": world.cluster.get("configmaps", *CLEANER) is not None,
        "cordoned": [item["metadata"]["name"] for item in nodes if item["spec"].get("unschedulable")],
    }


NOTHING_LEFT = {"daemonset": False, "configmap": False, "cordoned": []}


def stopped(world: World, tmp_path: Path, method: str, path: str, *words: str) -> None:
    """Kill a run while the API server is busy with one of its writes, and let that write never happen."""
    held = Held(world, method, path, 0.5, close="before")
    process = start(world, tmp_path, "run", *words, "--yes")
    assert held.came.wait(30)
    process.kill()
    process.communicate(timeout=60)
    time.sleep(0.6)
    world.cluster.faults = None


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.1)


def remove(world: World, kind: str, name: str) -> None:
    ref = Ref("v1", kind, name)
    world.client.delete(ref, world.client.read(ref)["metadata"]["uid"])


def answer(code: int, message: str = "") -> Fault:
    body = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message}
    return Fault(answer=Response(code, body))


def modes(world: World) -> list[str]:
    """Collect the modes in which the cleaning DaemonSet is deployed from now on."""
    found: list[str] = []

    def look(method: str, path: str, query: Any, headers: Any, body: Any) -> Fault | None:
        if method == "POST" and path.endswith("/daemonsets") and "dryRun" not in query:
            env = json.loads(body)["spec"]["template"]["spec"]["initContainers"][0]["env"]
            found.extend(item["value"] for item in env if item["name"] == "MODE")
        return None

    world.cluster.faults = look
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_cleaning_that_is_stopped_can_be_rolled_back(world: World, tmp_path: Path, run: Any, number: int) -> None:
    """Its DaemonSet goes first, then live reservations come back, and nothing stays behind."""
    break_(world, "ipam-cleanup")
    held = Held(world, "DELETE", "/daemonsets/runbook-ipam-cleanup", 60)
    process = start(world, tmp_path, "run", *IPAM, "--yes")
    assert held.came.wait(30)
    process.send_signal(number)
    held.let_go.set()
    process.communicate(timeout=60)
    deployed = modes(world)
    done = run("rollback", "last", "--yes")
    assert (done["code"], done["status"], left(world)) == (0, "rolled_back", NOTHING_LEFT), done
    assert deployed == ["restore"]


def test_an_unhealthy_cleaning_is_rolled_back_with_its_reservations(world: World, run: Any) -> None:
    """Two pods with one address are what putting reservations back is for."""
    break_(world, "ipam-cleanup")
    for name in ("a", "b"):
        spec = {"nodeName": "node-2", "containers": [{"name": "web", "image": "registry.example.com/web:1"}]}
        world.cluster.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}, "spec": spec}
        )
    time.sleep(1)
    shared = {"phase": "Running", "podIP": "10.64.2.200", "podIPs": [{"ip": "10.64.2.200"}]}
    for name in ("a", "b"):
        world.cluster.edit("pods", name, lambda pod: pod["status"].update(shared), "shop")
    deployed = modes(world)
    done = run("run", *IPAM, "--yes", "--on-unhealthy", "rollback")
    assert "share the address" in json.dumps(done["error"])
    assert (done["code"], done["status"], deployed) == (7, "rolled_back", ["clean", "restore"])
    assert left(world) == NOTHING_LEFT


def test_nobody_changes_the_script_before_it_runs(world: World, tmp_path: Path) -> None:
    """It runs as root on the node: what the plan showed is what starts, or nothing."""
    break_(world, "ipam-cleanup")
    held = Held(world, "POST", "/daemonsets", 60)
    process = start(world, tmp_path, "run", *IPAM, "--yes")
    assert held.came.wait(30)
    script = [{"op": "replace", "path": "/data/clean-reservations.sh", "value": "#!/bin/sh\nmine"}]
    with pytest.raises(Invalid, match="immutable"):
        world.client.patch(Ref("v1", "ConfigMap", *CLEANER), script)
    held.let_go.set()
    assert end(process)["status"] == "verified"
    assert left(world) == NOTHING_LEFT


def test_a_label_of_others_does_not_keep_the_cleaner(world: World, tmp_path: Path, run: Any) -> None:
    """A policy engine labels the DaemonSet of a run that was killed: it goes all the same."""
    break_(world, "ipam-cleanup")
    held = Held(world, "DELETE", "/daemonsets/runbook-ipam-cleanup", 2)
    process = start(world, tmp_path, "run", *IPAM, "--yes")
    assert held.came.wait(30)
    process.kill()
    process.communicate(timeout=60)
    mark = lambda found: found["metadata"].setdefault("labels", {}).update(policy="seen")  # noqa: E731 - one use
    for kind in ("daemonsets.apps", "configmaps"):
        if world.cluster.get(kind, *CLEANER):
            world.cluster.edit(kind, CLEANER[0], mark, CLEANER[1])
    assert run("rollback", "last", "--yes")["status"] == "rolled_back"
    assert left(world) == NOTHING_LEFT


def test_the_preview_of_a_rollback_shows_what_it_does(world: World, run: Any) -> None:
    """Only the node that was cleaned is touched again, and the dry run says so."""
    break_(world, "ipam-cleanup")
    run("run", *IPAM, "--node", "node-1", "--yes")
    shown = [change["address"] for change in run("rollback", "last", "--dry-run")["plan"]["changes"]]
    assert shown == [
        "node/node-2",
        "configmap/kube-system/runbook-ipam-cleanup",
        "daemonset/kube-system/runbook-ipam-cleanup",
    ]
    done = run("rollback", "last", "--yes")
    assert [change["address"] for change in done["plan"]["changes"]] == shown
    assert done["verify"]["checks"][0]["check"].startswith("live reservations are back on node-2")


def test_a_node_that_is_gone_needs_nothing_back(world: World, run: Any) -> None:
    """Its disk is gone with it."""
    break_(world, "ipam-cleanup")
    run("run", *IPAM, "--yes")
    remove(world, "Node", "node-2")
    deployed = modes(world)
    assert (run("rollback", "last", "--yes")["status"], deployed) == ("rolled_back", [])


def test_what_another_run_left_behind_is_refused(world: World, tmp_path: Path, run: Any) -> None:
    """A second operator does not edit what a run that was killed has left in place."""
    break_(world, "ipam-cleanup")
    stopped(world, tmp_path, "POST", "/daemonsets", *IPAM)
    found = run("plan", *IPAM, store="of-another-host.db")
    assert (found["code"], found["status"]) == (3, "refused")
    assert "exists already, and is from run" in found["error"]["summary"]


def test_a_rollback_of_a_run_at_work_is_refused_and_leaves_no_trace(world: World, tmp_path: Path, run: Any) -> None:
    """The run in the other terminal goes on and ends well."""
    break_(world, "ip-masq-agent")
    held = Held(world, "PATCH", "/daemonsets/ip-masq-agent", 60)
    first = start(world, tmp_path, "run", *MASQ, "--yes")
    assert held.came.wait(30)
    for verb in ("rollback", "resume"):
        refused = run(verb, "last", "--yes")
        assert (refused["code"], refused["status"]) == (3, "refused")
    assert run("runs")["runs"][0]["status"] == "running"
    held.let_go.set()
    assert end(first)["status"] == "verified"


def test_of_two_rollbacks_at_once_one_does_the_work(world: World, tmp_path: Path, run: Any) -> None:
    """The other finds it done, or is told who does it."""
    before = break_(world, "ip-masq-agent")
    run("run", *MASQ, "--yes")
    both = [start(world, tmp_path, "rollback", "last", "--yes") for _ in range(2)]
    codes = sorted(end(process)["code"] for process in both)
    assert codes in ([0, 0], [0, 3])
    kinds = [event["kind"] for event in run("runs", "last")["events"]]
    assert (kinds.count("run.rolling_back"), kinds.count("undo.done")) == (1, 2)
    assert comparable(world.state()) == before


def test_resume_asks_the_preconditions_again(world: World, tmp_path: Path, run: Any) -> None:
    """A node pool inside the destination came while the run lay dead: its pods would lose their addresses."""
    before = break_(world, "ip-masq-agent")
    stopped(world, tmp_path, "PATCH", "/configmaps/ip-masq-agent", *MASQ)
    spec = {"podCIDR": "10.1.3.0/24", "podCIDRs": ["10.1.3.0/24"]}
    world.cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-9"}, "spec": spec})
    refused = run("resume", "last", "--yes")
    assert (refused["code"], refused["status"]) == (3, "refused")
    assert "pod range 10.1.3.0/24" in refused["error"]["summary"]
    remove(world, "Node", "node-9")
    assert run("rollback", "last", "--yes")["status"] == "rolled_back"
    assert comparable(world.state()) == before


def test_resume_does_not_clean_where_nothing_leaks_any_more(world: World, tmp_path: Path, run: Any) -> None:
    """Somebody upgraded the node while the run lay dead."""
    break_(world, "ipam-cleanup")
    stopped(world, tmp_path, "POST", "/daemonsets", *IPAM)
    world.cluster.edit("nodes", "node-2", lambda found: found["metadata"]["annotations"].pop("sandbox.runbook/leaked"))
    world.cluster.controllers.kubelet.reconsider()
    wait_for(lambda: all(pod["status"].get("podIP") for pod in world.cluster.store.list("pods")))
    deployed = modes(world)
    refused = run("resume", "last", "--yes")
    assert (refused["code"], deployed) == (3, []), refused
    assert run("rollback", "last", "--yes")["status"] == "rolled_back"
    assert left(world) == NOTHING_LEFT


def test_a_cordon_of_others_stays(world: World, tmp_path: Path, run: Any) -> None:
    """The run was killed before its cordon; the one that is there now is an administrator's."""
    break_(world, "ipam-cleanup")
    time.sleep(6)  # the scenario has written to the node under our name, too
    stopped(world, tmp_path, "PATCH", "/nodes/node-2", *IPAM)
    world.cluster.edit("nodes", "node-2", lambda found: found["spec"].update(unschedulable=True))
    assert run("rollback", "last", "--yes")["status"] == "rolled_back"
    assert left(world)["cordoned"] == ["node-2"]


def test_a_run_that_changed_something_is_never_refused(world: World, run: Any) -> None:
    """Credentials die between two writes: what is in place is named, and the exit code is not that of "nothing changed"."""
    break_(world, "ipam-cleanup")
    dead = threading.Event()

    def expire(method: str, path: str, query: Any, headers: Any, body: Any) -> Fault | None:
        if method == "POST" and path.endswith("/daemonsets") and "dryRun" not in query:
            dead.set()
        return answer(401) if dead.is_set() else None

    world.cluster.faults = expire
    done = run("run", *IPAM, "--yes")
    assert (done["code"], done["status"]) == (1, "failed")
    assert "not put back: node/node-2, configmap/kube-system/runbook-ipam-cleanup" in done["error"]["detail"]
    world.cluster.faults = None
    assert run("rollback", "last", "--yes")["status"] == "rolled_back"
    assert left(world) == NOTHING_LEFT


def test_the_first_error_is_told_when_undoing_fails_too(world: World, run: Any) -> None:
    """What stopped the run is what the person has to know."""
    break_(world, "ipam-cleanup")
    denied = {("POST", "daemonsets"): "PodSecurity denies hostPath", ("DELETE", CLEANER[0]): "deleting is denied"}

    def fault(method: str, path: str, query: Any, headers: Any, body: Any) -> Fault | None:
        message = denied.get((method, path.rpartition("/")[2]))
        return answer(403, message) if message and "dryRun" not in query else None

    world.cluster.faults = fault
    done = run("run", *IPAM, "--yes")
    assert "hostPath" in done["error"]["summary"]
    assert "that failed too" in done["error"]["detail"]
    assert done["code"] == 1


def test_a_key_does_not_outlive_the_cluster_that_went_away(world: World, run: Any) -> None:
    """Google can be reached when the API server no longer is."""
    break_(world, "pull-secret")
    world.cluster.faults = lambda method, path, query, headers, body: (
        Fault(close="before") if world.cloud.accounts[PULLER].keys else None
    )
    done = run("run", *PULL_KEY, "--yes")
    assert done["code"] == 4
    assert world.cloud.accounts[PULLER].keys == {}


def test_a_key_in_a_secret_that_was_there_can_be_rolled_back(world: World, run: Any) -> None:
    """The undo starts from the credentials that the run has left, which no plan could know."""
    break_(world, "pull-secret")
    entry = {"auths": {"gcr.io": {"auth": "X2pzb25fa2V5Ont9"}}}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
              "metadata": {"name": "web-registry", "namespace": "shop"}, "stringData": {".dockerconfigjson": json.dumps(entry)}}  # fmt: skip
    world.cluster.create(secret)
    before = comparable(world.state())
    assert run("run", *PULL_KEY, "--yes")["status"] == "verified"
    done = run("rollback", "last", "--yes")
    assert (done["code"], done["status"]) == (0, "rolled_back"), done
    assert comparable(world.state()) == before


def test_last_is_the_last_run_that_changed_something(world: World, run: Any) -> None:
    """A second run that found nothing to do does not stand between a person and the undo."""
    before = break_(world, "ip-masq-agent")
    changed = run("run", *MASQ, "--yes")
    idle = run("run", *MASQ, "--yes")
    nothing = run("rollback", idle["run_id"], "--yes")
    assert (nothing["code"], nothing["status"]) == (0, "already_ok")
    done = run("rollback", "last", "--yes")
    assert (done["run_id"], done["status"]) == (changed["run_id"], "rolled_back")
    assert f"run {idle['run_id']} changed nothing; the last run that did is {changed['run_id']}" in " ".join(
        done["stderr"].split()
    )
    assert comparable(world.state()) == before
    statuses = {item["run_id"]: item["status"] for item in run("runs")["runs"]}
    assert statuses == {changed["run_id"]: "rolled_back", idle["run_id"]: "already_ok"}


def test_who_may_not_watch_asks_again_and_again(world: World, run: Any) -> None:
    """A role without watch costs seconds, not the run."""
    break_(world, "ip-masq-agent")
    world.cluster.faults = lambda method, path, query, headers, body: (
        answer(403, "no watch") if "watch" in query and path.endswith("/daemonsets") else None
    )
    assert run("run", *MASQ, "--yes")["status"] == "verified"
