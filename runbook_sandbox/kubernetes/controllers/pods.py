"""What controllers do with pods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from runbook_sandbox.kubernetes.deleting import DeleteOptions, delete
from runbook_sandbox.kubernetes.objects import Object, clone, controller_of, has_condition, owner_reference
from runbook_sandbox.kubernetes.problems import Problem

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster

MANAGER = "kube-controller-manager"
_FINISHED = frozenset({"Succeeded", "Failed"})


def owned(cluster: Cluster, owner: Object, storage: str = "pods") -> list[Object]:
    """Return the objects that an owner controls."""
    uid, namespace = owner["metadata"]["uid"], owner["metadata"]["namespace"]
    return [each for each in cluster.store.list(storage, namespace) if (controller_of(each) or {}).get("uid") == uid]


def is_active(pod: Object) -> bool:
    """Tell whether a pod counts: not finished and not being deleted."""
    return pod.get("status", {}).get("phase") not in _FINISHED and "deletionTimestamp" not in pod["metadata"]


def is_ready(pod: Object) -> bool:
    """Tell whether a pod is Ready."""
    return has_condition(pod, "Ready")


def make(
    cluster: Cluster, owner: Object, labels: dict[str, str], name: str = "", spec: dict[str, Any] | None = None
) -> bool:
    """Create a pod from an owner's template; tell whether admission let it in."""
    template = owner["spec"]["template"]
    found = template.get("metadata", {})
    metadata: dict[str, Any] = {
        "namespace": owner["metadata"]["namespace"],
        "labels": {**found.get("labels", {}), **labels},
        "ownerReferences": [owner_reference(owner)],
    }
    metadata |= {"annotations": dict(found["annotations"])} if found.get("annotations") else {}
    metadata |= {"name": name} if name else {"generateName": owner["metadata"]["name"] + "-"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": clone(spec or template["spec"])}
    try:
        cluster.create(pod, MANAGER)
    except Problem as problem:
        cluster.record_event(owner, "FailedCreate", f"Error creating: {problem}", "Warning", MANAGER)
        return False
    return True


def remove(cluster: Cluster, pods: Iterable[Object]) -> None:
    """Delete pods with their own grace."""
    for pod in pods:
        if "deletionTimestamp" not in pod["metadata"]:
            delete(cluster.store, cluster.kinds.stored("pods"), pod, DeleteOptions())


def put_status(cluster: Cluster, storage: str, obj: Object, status: dict[str, Any]) -> None:
    """Store another status of an object."""
    new = {**obj, "metadata": dict(obj["metadata"]), "status": status}
    cluster.store.put(storage, new)


def amount(value: Any, total: int, *, round_up: bool) -> int:
    """Return a number of pods that is given as a number or a percentage of a total."""
    if not isinstance(value, str):
        return int(value)
    share = int(value.rstrip("%")) * total
    return -(-share // 100) if round_up else share // 100
