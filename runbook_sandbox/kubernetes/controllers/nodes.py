"""Nodes: the taints of what is wrong with them, and the end of their pods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from runbook_sandbox.kubernetes.controllers.loop import Key
from runbook_sandbox.kubernetes.controllers.placement import is_up
from runbook_sandbox.kubernetes.objects import Object, clone, condition, has_condition, name_of, set_condition
from runbook_sandbox.kubernetes.store import Change

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster

_NOT_READY = "node.kubernetes.io/not-ready"
_LOST = "NodeNotReady"


class Nodes:
    """Taints nodes that are not Ready, marks their pods, and removes the pods of nodes that are gone."""

    def __init__(self, cluster: Cluster) -> None:
        self._store = cluster.store

    def concerned(self, change: Change) -> Iterable[Key]:
        """Return the node that changed."""
        return [("nodes", *name_of(change.object))] if change.storage == "nodes" else []

    def all(self) -> Iterable[Key]:
        """Return all nodes."""
        return [("nodes", *name_of(each)) for each in self._store.list("nodes")]

    def reconcile(self, namespace: str, name: str, storage: str) -> float | None:
        """Bring one node and its pods in line."""
        node = self._store.get(storage, namespace, name)
        pods = [each for each in self._store.list("pods") if each["spec"].get("nodeName") == name]
        if node is None:
            for pod in pods:
                self._store.remove("pods", *name_of(pod))
            return None
        # A node without any condition has no kubelet yet; it gets one right away.
        if not node.get("status", {}).get("conditions"):
            node = self._introduce(node)
        self._taint(node)
        for pod in pods:
            self._recover(pod) if is_up(node) else self._mark(pod)
        return None

    def _introduce(self, node: Object) -> Object:
        new = clone(node)
        status = new.setdefault("status", {})
        set_condition(
            status, condition("Ready", holds=True, reason="KubeletReady", message="kubelet is posting ready status")
        )
        status.setdefault("addresses", [{"type": "Hostname", "address": node["metadata"]["name"]}])
        status.setdefault("nodeInfo", {"kubeletVersion": "v1.36.3"})
        return self._store.put("nodes", new)

    def _taint(self, node: Object) -> None:
        new = clone(node)
        taints = [each for each in new["spec"].pop("taints", ()) if each["key"] != _NOT_READY]
        if not is_up(node):
            taints += [{"key": _NOT_READY, "effect": effect} for effect in ("NoSchedule", "NoExecute")]
        if taints:
            new["spec"]["taints"] = taints
        self._store.put("nodes", new)

    def _mark(self, pod: Object) -> None:
        if has_condition(pod, "Ready"):
            self._put(pod, condition("Ready", holds=False, reason=_LOST))

    def _recover(self, pod: Object) -> None:
        """Do what the kubelet does when it is back: its pods are as ready as their containers."""
        if any(item.get("reason") == _LOST for item in pod.get("status", {}).get("conditions", ())):
            self._put(pod, condition("Ready", holds=has_condition(pod, "ContainersReady")))

    def _put(self, pod: Object, ready: dict[str, Any]) -> None:
        new = clone(pod)
        set_condition(new["status"], ready)
        self._store.put("pods", new)
