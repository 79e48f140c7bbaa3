"""ipam-cleanup on a real API server, whose simulated nodes play the symptom and the cleaning pod."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from runbook_sandbox.control_plane import ControlPlane
from runbooks.ipam_cleanup.leaks import cure
from tests.running import Cli, content

NODE = "node-2"
Get = Callable[..., dict[str, Any]]


def test_the_whole_loop(cli: Cli, leak: str, get: Get, control_plane: ControlPlane) -> None:
    """Only the named node is cleaned, it is cordoned meanwhile, and nothing temporary is left."""
    before = content(get("node", NODE))
    found = cli("diagnose", "ipam-cleanup").expect(0).json["findings"][0]
    assert (found["status"], found["parameters"]) == ("fault", {"node": NODE})
    mark = control_plane.mark()
    cli("plan", "ipam-cleanup", "--node", NODE).expect(0)
    assert control_plane.writes(mark) == []
    done = cli("run", "ipam-cleanup", "--node", NODE, "--yes").expect(0)
    assert done.status == "verified"
    assert f"{NODE}: 1 reservation quarantined" in done.json["verify"]["checks"][0]["detail"]
    writes = [item for item in control_plane.writes(mark) if item["objectRef"]["resource"] != "leases"]
    steps = [
        (item["verb"], item["objectRef"]["resource"])
        for item in writes
        if item["user"]["username"] == "admin" and item["objectRef"]["resource"] != "pods"
    ]
    assert steps == [
        ("patch", "nodes"),
        ("create", "configmaps"),
        ("create", "daemonsets"),
        ("delete", "daemonsets"),
        ("delete", "configmaps"),
        ("patch", "nodes"),
    ]
    assert writes[0]["requestObject"][-1] == {"op": "add", "path": "/spec/unschedulable", "value": True}
    assert writes[1]["requestObject"]["immutable"] is True
    made = next(item for item in writes if (item["verb"], item["objectRef"]["resource"]) == ("create", "daemonsets"))[
        "requestObject"
    ]
    terms = made["spec"]["template"]["spec"]["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]["nodeSelectorTerms"]
    assert terms == [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}]}]
    assert content(get("node", NODE)) == before
    assert get("daemonset", "runbook-ipam-cleanup") == {} == get("configmap", "runbook-ipam-cleanup")
    mark = control_plane.mark()
    assert cli("run", "ipam-cleanup", "--node", NODE, "--yes").expect(0).status == "already_ok"
    cli("verify", done.json["run_id"]).expect(0)
    assert [item for item in control_plane.writes(mark) if item["objectRef"]["resource"] != "pods"] == []
    assert cli("rollback", done.json["run_id"], "--yes").expect(0).status == "rolled_back"
    assert content(get("node", NODE)) == before


def test_a_cordoned_node_stays_cordoned(cli: Cli, leak: str, get: Get, control_plane: ControlPlane) -> None:
    """Somebody's own cordon is not lifted by the run."""
    control_plane.kubectl("cordon", NODE)
    cli("run", "ipam-cleanup", "--node", NODE, "--yes").expect(0)
    assert get("node", NODE)["spec"]["unschedulable"] is True


def test_the_limit_has_to_fit_the_node(cli: Cli, leak: str, get: Get, control_plane: ControlPlane) -> None:
    """A limit below what must have leaked is refused in the plan, with the number, before anything is cordoned."""
    del leak
    mark = control_plane.mark()
    error = cli("run", "ipam-cleanup", "--node", NODE, "--max-reservations", "64", "--yes").expect(2).json["error"]
    numbers = re.search(r"its pods use (\d+) of 254, so up to (\d+) leaked; allowed is \2 to 1024", error["summary"])
    assert numbers
    assert int(numbers[1]) + int(numbers[2]) == 254
    assert f"--max-reservations {numbers[2]}" in error["next"]
    assert control_plane.writes(mark) == []
    assert "unschedulable" not in get("node", NODE)["spec"]


def test_what_is_known_of_the_node_is_in_the_plan(cli: Cli, leak: str, control_plane: ControlPlane) -> None:
    """Version and dataplane say whether an upgrade cures it; a node without an address outside may not reach Docker Hub."""
    del leak

    def unchecked(*words: str) -> dict[str, str]:
        checks = cli("plan", "ipam-cleanup", "--node", NODE, *words).expect(0).json["plan"]["checks"]
        return {item["check"]: item["detail"] for item in checks if item["status"] != "planned"}

    reach = f"that {NODE} can pull the image"
    found = unchecked()
    assert "is not a version of GKE" in found["what cures the cause"]
    assert "without Cloud NAT" in found[reach]
    assert reach not in unchecked("--image", f"registry.example.com/debian@sha256:{'a' * 64}")
    node = json.loads(control_plane.kubectl("get", "node", NODE, "-o", "json").stdout)["status"]
    status(control_plane, {"addresses": [{"type": "ExternalIP", "address": "192.0.2.200"}]}, "v1.24.8-gke.2000")
    try:
        found = unchecked()
        assert "Dataplane V2, but that does not run here" in found["what cures the cause"]
        assert reach not in found
    finally:
        status(control_plane, {"addresses": node["addresses"]}, node["nodeInfo"]["kubeletVersion"])


def status(control_plane: ControlPlane, found: dict[str, Any], version: str) -> None:
    """Let the node say so of itself."""
    patch = {"status": found | {"nodeInfo": {"kubeletVersion": version}}}
    control_plane.kubectl("patch", "node", NODE, "--subresource=status", "--type=merge", "-p", json.dumps(patch))


@pytest.mark.parametrize(
    ("version", "dataplane", "says"),
    [
        ("v1.24.9-gke.3100", True, "1.24.9-gke.3200 cures that"),
        ("v1.24.9-gke.3200", True, "an upgrade is not known to cure this leak"),
        ("v1.22.16-gke.1000000", None, "whether that runs here could not be read; 1.22.17-gke.3100 cures that"),
        ("v1.33.4-gke.1036000", True, "an upgrade is not known to cure this leak"),
        ("v1.21.14-gke.7100", True, "is older than the versions with the known fault, 1.22 to 1.25"),
        ("", True, "its version is not a version of GKE"),
    ],
)
def test_whether_an_upgrade_cures_it(version: str, dataplane: bool | None, says: str) -> None:
    """Numbers are compared as numbers, and each minor has a first version with the fix."""
    assert says in cure(version, dataplane)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "--node is missing"),
        (("--node", "node-9"), 2, "'node-9' is not a node of this cluster; allowed: node-"),
        (("--node", "node-1", "--node", "node-2", "--node", "node-3", "--node", "node-1"), 2, "allowed are 3 nodes"),
        (("--node", "Node 1"), 2, "is not an object name"),
        (("--node", NODE, "--max-reservations", "0"), 2, "a whole number from 1 to 1024"),
        (("--node", NODE, "--image", "debian:bookworm"), 2, "is not pinned"),
    ],
)
def test_bad_input(cli: Cli, control_plane: ControlPlane, words: tuple[str, ...], code: int, says: str) -> None:
    """Each wrong value ends in one sentence that names it, and nothing is written."""
    mark = control_plane.mark()
    assert says in cli("run", "ipam-cleanup", *words, "--yes").expect(code).json["error"]["summary"]
    assert control_plane.writes(mark) == []


def test_a_pod_that_waits_for_something_else_is_not_the_symptom(cli: Cli, control_plane: ControlPlane) -> None:
    """A pod without an address, and without the error of exhausted addresses, says nothing about leaks."""
    namespace = control_plane.namespace()
    for name, image in (("runs", "registry.example.com/web:1"), ("waits", "private.registry.example/web:1")):
        spec = {"nodeName": "node-3", "containers": [{"name": "web", "image": image}]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        control_plane.kubectl("-n", namespace, "create", "-f", "-", stdin=yaml.safe_dump(pod))
    started = ("-n", namespace, "get", "pods", "-o", "jsonpath={.items[*].status.startTime}")
    control_plane.wait_for(lambda: control_plane.kubectl(*started).stdout.count("T") == 2, "two pods")
    since = '{"status": {"startTime": "2026-01-01T00:00:00Z"}}'
    control_plane.kubectl("-n", namespace, "patch", "pod", "waits", "--subresource=status", "-p", since)
    done = cli("run", "ipam-cleanup", "--node", "node-3", "--yes").expect(0)
    assert done.status == "already_ok"
    # Pods of other tests on this control plane may wait there too.
    assert re.search(r"[1-9]\d* more waits? for something else", done.json["verify"]["checks"][0]["detail"])


def test_warnings_of_the_server_are_shown(cli: Cli, leak: str, control_plane: ControlPlane) -> None:
    """Where a namespace warns of privileged pods, the plan of a privileged DaemonSet says so."""
    del leak
    label = "pod-security.kubernetes.io/warn"
    control_plane.kubectl("label", "namespace", "kube-system", f"{label}=restricted")
    try:
        checks = cli("plan", "ipam-cleanup", "--node", NODE).expect(0).json["plan"]["checks"]
    finally:
        control_plane.kubectl("label", "namespace", "kube-system", f"{label}-")
    warned = [item["detail"] for item in checks if item["check"] == "from the API server"]
    assert any("would violate PodSecurity" in text for text in warned)
