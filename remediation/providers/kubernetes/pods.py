"""Pods, and what a pod's own status says about it."""

from __future__ import annotations

from remediation.model.diffing import State
from remediation.providers.kubernetes.facts import ObjectsOf

_LIVE = "status.phase!=Succeeded,status.phase!=Failed"
_METADATA = ("name", "namespace", "uid", "labels", "ownerReferences", "deletionTimestamp")
_SPEC = ("nodeName", "hostNetwork", "serviceAccountName", "imagePullSecrets")
_STATUS = ("phase", "startTime", "podIP", "podIPs")
_KEPT = (
    *(f"metadata.{name}" for name in _METADATA),
    *(f"spec.{name}" for name in _SPEC),
    *(f"spec.{kind}.{name}" for kind in ("containers", "initContainers") for name in ("name", "image")),
    *(f"status.{name}" for name in _STATUS),
    *(
        f"status.{kind}.{name}"
        for kind in ("containerStatuses", "initContainerStatuses")
        for name in ("name", "ready", "restartCount", "state", "lastState")
    ),
)


def live_pods(namespace: str = "", node: str = "") -> ObjectsOf:
    """Return the question for pods that have not ended, in one namespace or in all, on one node or on any."""
    return ObjectsOf("v1", "Pod", namespace, fields=_LIVE + (f",spec.nodeName={node}" if node else ""), keep=_KEPT)


def name_of(obj: State) -> str:
    """Return the name of an object."""
    return str(obj["metadata"]["name"])


def takes_pod_address(pod: State) -> bool:
    """Tell whether a pod holds an address of its node's pod range now."""
    return not pod["spec"].get("hostNetwork") and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
