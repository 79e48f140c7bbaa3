"""The status that a kubelet writes, for each outcome of a pod."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.kubelet_rules import PodOutcome
from runbook_sandbox.kubernetes.objects import Object, clone, condition, digest, now, set_condition

Json = dict[str, Any]
_ENDED = {"succeeded": "Succeeded", "failed": "Failed"}


def status_of(pod: Object, outcome: PodOutcome, host_ip: str, pod_ip: str) -> Json:
    """Return the status of a pod with an outcome; `pod_ip` is empty while it has no sandbox."""
    status: Json = clone(pod.get("status", {}))
    status |= {"phase": _phase(outcome), "startTime": status.get("startTime", now())}
    status |= {"hostIP": host_ip, "hostIPs": [{"ip": host_ip}]} if host_ip else {}
    status |= {"podIP": pod_ip, "podIPs": [{"ip": pod_ip}]} if pod_ip else {}
    _set_conditions(pod, status, outcome)
    if pod["spec"].get("initContainers"):
        status["initContainerStatuses"] = [_init(each, outcome) for each in pod["spec"]["initContainers"]]
    chosen = outcome.container or pod["spec"]["containers"][0]["name"]
    status["containerStatuses"] = [
        _container(each, outcome, concerned=each["name"] == chosen) for each in pod["spec"]["containers"]
    ]
    return status


def _phase(outcome: PodOutcome) -> str:
    if outcome.state in _ENDED:
        return _ENDED[outcome.state]
    return "Running" if outcome.state in {"running", "crashing"} else "Pending"


def _set_conditions(pod: Object, status: Json, outcome: PodOutcome) -> None:
    ready = outcome.state == "running" and outcome.ready
    reason = {"succeeded": "PodCompleted", "failed": "PodFailed"}.get(outcome.state, "ContainersNotReady")
    names = " ".join(each["name"] for each in pod["spec"]["containers"])
    why: Json = {} if ready else {"reason": reason, "message": f"containers with unready status: [{names}]"}
    sandbox = outcome.state not in {"creating", *_ENDED}
    for kind, holds, more in (
        ("PodReadyToStartContainers", sandbox, {}),
        ("Initialized", outcome.state != "creating", {}),
        ("Ready", ready, why),
        ("ContainersReady", ready, why),
        ("PodScheduled", True, {}),
    ):
        new = condition(kind, holds=holds, **more)
        set_condition(status, {**new, "observedGeneration": pod["metadata"].get("generation", 1)})


def _init(container: Json, outcome: PodOutcome) -> Json:
    if outcome.state == "creating":
        return _status(container, {"waiting": {"reason": "PodInitializing"}}, ready=False)
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": now(), "finishedAt": now()}
    ended |= {"message": outcome.init_message} if outcome.init_message else {}
    return _status(container, {"terminated": ended}, ready=True)


def _container(container: Json, outcome: PodOutcome, *, concerned: bool) -> Json:
    if outcome.state in {"succeeded", "failed"}:
        return _status(container, {"terminated": _ended(outcome)}, ready=False)
    if outcome.state == "creating":
        return _status(container, {"waiting": {"reason": "ContainerCreating"}}, ready=False)
    if outcome.state == "running" or not concerned:
        up = outcome.ready or not concerned
        found = _status(container, {"running": {"startedAt": now()}}, ready=up)
        return found | {"restartCount": outcome.restarts if concerned else 0}
    waiting: Json = {"reason": outcome.reason or ("CrashLoopBackOff" if outcome.state == "crashing" else "")}
    waiting |= {"message": outcome.message} if outcome.message else {}
    found = _status(container, {"waiting": waiting}, ready=False)
    if outcome.state == "crashing":
        found |= {"restartCount": outcome.restarts or 1, "lastState": {"terminated": _ended(outcome)}}
    return found


def _ended(outcome: PodOutcome) -> Json:
    code = 0 if outcome.state == "succeeded" else outcome.exit_code or 1
    reason = "Completed" if outcome.state == "succeeded" else "Error"
    if outcome.state != "crashing" and outcome.reason:
        reason = outcome.reason
    found: Json = {"exitCode": code, "reason": reason, "startedAt": now(), "finishedAt": now()}
    return found | ({"message": outcome.message} if outcome.message and outcome.state != "crashing" else {})


def _status(container: Json, state: Json, *, ready: bool) -> Json:
    found: Json = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": ready,
        "restartCount": 0,
        "state": state,
        "lastState": {},
        "started": "running" in state,
    }
    if "running" in state or "terminated" in state:
        found["containerID"] = f"containerd://{digest([container['name'], now()], 24)}"
        found["imageID"] = f"{container['image']}@sha256:{digest(container['image'], 24)}"
    return found
