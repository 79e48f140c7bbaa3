"""Faults that a real control plane can be started with, each with its cure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook_sandbox.control_plane import ControlPlane
from runbook_sandbox.control_plane.stages import FAULTS, stages

PRIVATE_IMAGE = "private.registry.example/team/app:1.4.2"
EXHAUSTED = {"sandbox.runbook/ip-exhausted": "true"}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[ControlPlane]:
    """Start one control plane that has every fault."""
    with ControlPlane.start(tmp_path_factory.mktemp("faults"), nodes=2, faults=FAULTS) as started:
        yield started


def test_private_image_is_not_pulled_until_there_is_a_pull_secret(plane: ControlPlane) -> None:
    """The pod backs off with the registry's answer, and its successor runs once the service account has a secret."""
    namespace = plane.namespace()
    _apply(plane, namespace, _deployment(PRIVATE_IMAGE))
    broken = _wait_for_pod(plane, namespace, lambda pod: _waiting(pod) == "ImagePullBackOff")
    message = broken["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    assert f'Back-off pulling image "{PRIVATE_IMAGE}"' in message
    _wait_for_event(plane, namespace, "Failed", f'Failed to pull image "{PRIVATE_IMAGE}": ', "401 Unauthorized")

    plane.kubectl("patch", "sa", "default", "-n", namespace, "-p", '{"imagePullSecrets": [{"name": "registry"}]}')
    plane.kubectl("rollout", "restart", "deploy/app", "-n", namespace)
    rollout = plane.kubectl("rollout", "status", "deploy/app", "-n", namespace, "--timeout=30s")
    assert "successfully rolled out" in rollout.stdout, rollout.stderr


def test_public_image_is_not_concerned(plane: ControlPlane) -> None:
    """Pods that no fault describes run as ever beside the broken ones."""
    namespace = plane.namespace()
    _apply(plane, namespace, _deployment("registry.example.com/app:1"))
    _wait_for_pod(plane, namespace, _runs)


def test_pod_without_address_waits_until_the_node_has_one(plane: ControlPlane) -> None:
    """The pod stays ContainerCreating with its node's range in the event, and runs when the label is gone."""
    namespace = plane.namespace()
    _apply(plane, namespace, _pod(EXHAUSTED, {"nodeName": "node-2"}))
    broken = _wait_for_pod(plane, namespace, lambda pod: _waiting(pod) == "ContainerCreating")
    assert "podIP" not in broken["status"]
    text = "failed to allocate for range 0: no IP addresses available in range set: 10.64.2.1-10.64.2.254"
    _wait_for_event(plane, namespace, "FailedCreatePodSandBox", text)

    plane.kubectl("label", "pod/app", "sandbox.runbook/ip-exhausted-", "-n", namespace)
    cured = _wait_for_pod(plane, namespace, _runs)
    assert cured["status"]["podIP"].startswith("10.64.2.")


def test_host_network_pod_needs_no_address(plane: ControlPlane) -> None:
    """On an exhausted node the pods of the host network still start; a cleanup depends on that."""
    namespace = plane.namespace()
    _apply(plane, namespace, _pod(EXHAUSTED, {"hostNetwork": True, "nodeName": "node-1"}))
    running = _wait_for_pod(plane, namespace, _runs)
    assert running["status"]["podIP"] == "10.128.0.2"


@pytest.mark.parametrize("result", [None, '{"status":"refused","reason":"runtime answers nothing"}'])
def test_cleanup_pod_reports_its_result(plane: ControlPlane, result: str | None) -> None:
    """The init container ends with the result as termination message, by default one quarantined address."""
    namespace = plane.namespace()
    annotations = {"sandbox.runbook/ipam-result": result} if result else {}
    env = [{"name": "MODE", "value": "clean"}, {"name": "RUN_ID", "value": "run-7"}]
    init = [{"name": "clean", "image": "registry.example.com/ipam-cleanup:1", "env": env}]
    pod = _pod({"app.kubernetes.io/name": "ipam-cleanup"}, {"initContainers": init}, annotations)
    _apply(plane, namespace, _daemon_set(pod))
    running = _wait_for_pod(plane, namespace, _runs)
    ended = running["status"]["initContainerStatuses"][0]["state"]["terminated"]
    assert ended["exitCode"] == 0
    assert ended["message"] == (result or '{"mode":"clean","run_id":"run-7","status":"ok","quarantined":["10.64.1.7"]}')
    rollout = plane.kubectl("rollout", "status", "ds/app", "-n", namespace, "--timeout=30s")
    assert "successfully rolled out" in rollout.stdout, rollout.stderr


def test_unknown_fault_is_refused(tmp_path: Path) -> None:
    """A misspelt fault is an error that lists the faults there are, not a healthy cluster."""
    with pytest.raises(ValueError, match=r"no such fault: ip-exhausted; there are .*ip-exhaustion"):
        stages(tmp_path, tmp_path, ["ip-exhausted"])


def _pod(
    labels: dict[str, str], spec: dict[str, Any] | None = None, annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    containers = [{"name": "app", "image": "registry.example.com/app:1"}]
    metadata = {"name": "app", "labels": {"app": "app", **labels}, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **(spec or {})}}


def _workload(kind: str, pod: dict[str, Any]) -> dict[str, Any]:
    template = {"metadata": {**pod["metadata"], "name": None}, "spec": pod["spec"]}
    spec = {"selector": {"matchLabels": {"app": "app"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "app"}, "spec": spec}


def _daemon_set(pod: dict[str, Any]) -> dict[str, Any]:
    return _workload("DaemonSet", pod)


def _deployment(image: str) -> dict[str, Any]:
    return _workload("Deployment", _pod({}, {"containers": [{"name": "app", "image": image}]}))


def _apply(plane: ControlPlane, namespace: str, wanted: dict[str, Any]) -> None:
    applied = plane.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(wanted))
    assert applied.returncode == 0, applied.stderr


def _items(plane: ControlPlane, namespace: str, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(plane.kubectl("get", kind, "-n", namespace, "-o", "json").stdout)["items"]
    return found


def _wait_for_pod(plane: ControlPlane, namespace: str, is_wanted: Callable[[Any], bool]) -> dict[str, Any]:
    plane.wait_for(lambda: any(map(is_wanted, _items(plane, namespace, "pods"))), "a pod in the wanted state", 20)
    return next(filter(is_wanted, _items(plane, namespace, "pods")))


def _wait_for_event(plane: ControlPlane, namespace: str, reason: str, *texts: str) -> None:
    """Wait for what a kubelet reports; it says so itself, and names its node, and says nothing else before the text."""

    def is_there() -> bool:
        events = [event for event in _items(plane, namespace, "events") if event["reason"] == reason]
        nodes = {pod["metadata"]["uid"]: pod["spec"]["nodeName"] for pod in _items(plane, namespace, "pods")}
        return any(
            event["source"] == {"component": "kubelet", "host": nodes.get(event["involvedObject"]["uid"])}
            and event["message"].startswith("Failed to ")
            and all(text in event["message"] for text in texts)
            for event in events
        )

    plane.wait_for(is_there, f"an event {reason}", 10)


def _waiting(pod: dict[str, Any]) -> str | None:
    statuses = pod["status"].get("containerStatuses", [{"state": {}}])
    reason: str | None = statuses[0]["state"].get("waiting", {}).get("reason")
    return reason


def _runs(pod: dict[str, Any]) -> bool:
    return bool(pod["status"]["phase"] == "Running")
