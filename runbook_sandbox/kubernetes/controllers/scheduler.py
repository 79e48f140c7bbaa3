"""The scheduler: gives each pending pod the suitable node with the fewest pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from runbook_sandbox.kubernetes.controllers.loop import Key
from runbook_sandbox.kubernetes.controllers.placement import fits, selected, untolerated
from runbook_sandbox.kubernetes.objects import Object, clone, condition, name_of, set_condition
from runbook_sandbox.kubernetes.store import Change

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster


class Scheduler:
    """Binds pods to nodes."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._store = cluster, cluster.store

    def concerned(self, change: Change) -> Iterable[Key]:
        """Return the pending pods that a change concerns."""
        if change.storage == "nodes":
            return self.all()
        pod = change.object
        is_new = change.storage == "pods" and change.type != "DELETED" and not pod["spec"].get("nodeName")
        return [("pods", *name_of(pod))] if is_new else []

    def all(self) -> Iterable[Key]:
        """Return the pods without a node."""
        return [("pods", *name_of(each)) for each in self._store.list("pods") if not each["spec"].get("nodeName")]

    def reconcile(self, namespace: str, name: str, storage: str) -> float | None:
        """Bind one pod."""
        pod = self._store.get(storage, namespace, name)
        if pod is None or pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
            return None
        nodes = [each for each in self._store.list("nodes") if fits(pod["spec"], each)]
        if nodes:
            self._bind(pod, self._emptiest(nodes))
        else:
            self._refuse(pod)
        return None

    def _emptiest(self, nodes: list[Object]) -> Object:
        counts = Counter(each["spec"].get("nodeName") for each in self._store.list("pods"))
        return min(nodes, key=lambda node: (counts[node["metadata"]["name"]], node["metadata"]["name"]))

    def _bind(self, pod: Object, node: Object) -> None:
        new = clone(pod)
        new["spec"]["nodeName"] = node["metadata"]["name"]
        set_condition(new["status"], condition("PodScheduled", holds=True))
        self._store.put("pods", new)
        namespace, name = name_of(pod)
        text = f"Successfully assigned {namespace}/{name} to {node['metadata']['name']}"
        self._cluster.record_event(pod, "Scheduled", text, component="default-scheduler")

    def _refuse(self, pod: Object) -> None:
        text = self._reasons(pod)
        new = clone(pod)
        set_condition(new["status"], condition("PodScheduled", holds=False, reason="Unschedulable", message=text))
        if new["status"] != pod["status"]:
            self._store.put("pods", new)
            self._cluster.record_event(pod, "FailedScheduling", text, "Warning", "default-scheduler")

    def _reasons(self, pod: Object) -> str:
        nodes = self._store.list("nodes")
        if not nodes:
            return "no nodes available to schedule pods"
        reasons = Counter(_reason(pod, node) for node in nodes)
        listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        return f"0/{len(nodes)} nodes are available: {listed}."


def _reason(pod: Object, node: Object) -> str:
    if not selected(pod["spec"], node):
        return "node(s) didn't match Pod's node affinity/selector"
    taint = untolerated(pod["spec"], node) or {}
    if taint.get("key") == "node.kubernetes.io/unschedulable":
        return "node(s) were unschedulable"
    value = f": {taint['value']}" if taint.get("value") else ": "
    return f"node(s) had untolerated taint {{{taint.get('key')}{value}}}"
