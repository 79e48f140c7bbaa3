"""Pods, and what a pod's own status says about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from remediation.diffing import State
from remediation.facts.kubernetes import ObjectsOf
from remediation.registry import image_host, same_host

_LIVE = "status.phase!=Succeeded,status.phase!=Failed"
_METADATA = ("name", "namespace", "uid", "ownerReferences", "deletionTimestamp")
_SPEC = ("nodeName", "hostNetwork", "serviceAccountName", "imagePullSecrets")
_STATUS = ("phase", "startTime", "podIP", "podIPs")
_KEPT = (
    *(f"metadata.{name}" for name in _METADATA),
    *(f"spec.{name}" for name in _SPEC),
    *(f"spec.{kind}.{name}" for kind in ("containers", "initContainers") for name in ("name", "image")),
    *(f"status.{name}" for name in _STATUS),
    *(f"status.{kind}.{name}" for kind in ("containerStatuses", "initContainerStatuses") for name in ("name", "state")),
)
_PULL_REASONS = ("ErrImagePull", "ImagePullBackOff")


def live_pods(namespace: str = "", node: str = "") -> ObjectsOf:
    """Return the question for pods that have not ended, in one namespace or in all, on one node or on any."""
    return ObjectsOf("v1", "Pod", namespace, fields=_LIVE + (f",spec.nodeName={node}" if node else ""), keep=_KEPT)


def containers(pod: State) -> Iterator[tuple[State, State]]:
    """Yield each container of a pod with its status, which is empty when there is none yet."""
    spec, status = pod["spec"], pod.get("status", {})
    statuses = {
        item["name"]: item for kind in ("initContainerStatuses", "containerStatuses") for item in status.get(kind) or []
    }
    for item in (spec.get("initContainers") or []) + spec["containers"]:
        yield item, statuses.get(item["name"], {})


def hosts(pod: State) -> set[str]:
    """Return the registries that the pod's images come from."""
    return {host for item, _ in containers(pod) if (host := _host(item))}


def _host(container: State) -> str | None:
    """Return the registry of a container's image; an image that cannot be parsed comes from nowhere."""
    try:
        return image_host(container.get("image", ""))
    except ValueError:
        return None


def pulls_from(pod: State, host: str) -> bool:
    """Tell whether any image of the pod comes from a registry."""
    return any(_is_of(item, host) for item, _ in containers(pod))


def _is_of(container: State, host: str) -> bool:
    found = _host(container)
    return found is not None and same_host(found, host)


def pull_failures(pod: State, host: str) -> list[str]:
    """Return the messages of containers that wait because their image from the registry cannot be pulled."""
    found = []
    for item, status in containers(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _PULL_REASONS and _is_of(item, host):
            found.append(str(waiting.get("message") or waiting["reason"]))
    return found


def carries(pod: State, secret: str) -> bool:
    """Tell whether a pod names a pull secret."""
    return {"name": secret} in (pod["spec"].get("imagePullSecrets") or [])


def started(pod: State) -> bool:
    """Tell whether every container has been started, which takes a pulled image."""
    states = [status.get("state") or {} for _, status in containers(pod)]
    return all("running" in state or "terminated" in state for state in states) and bool(states)


def created(obj: State) -> float:
    """Return when the API server made an object, in seconds since 1970 and whole ones."""
    return datetime.fromisoformat(obj["metadata"]["creationTimestamp"]).timestamp()


def running(pod: State) -> bool:
    """Tell whether any container of the pod runs."""
    return any("running" in (status.get("state") or {}) for _, status in containers(pod))


def never_ran(pod: State) -> bool:
    """Tell whether nothing of the pod's own ever ran, so that it has no logs and no result to lose."""
    statuses = pod.get("status", {}).get("containerStatuses") or []
    ran = any({"running", "terminated"} & set(item.get("state") or {}) or item.get("lastState") for item in statuses)
    return pod.get("status", {}).get("phase", "Pending") == "Pending" and not ran and not running(pod)


def has_controller(pod: State) -> bool:
    """Tell whether a controller will replace the pod when it is deleted."""
    return any(owner.get("controller") for owner in pod["metadata"].get("ownerReferences") or [])


def takes_pod_address(pod: State) -> bool:
    """Tell whether a pod holds an address of its node's pod range now."""
    return not pod["spec"].get("hostNetwork") and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
