"""Daemon sets: one pod on every suitable node, replaced a few at a time when the template changes."""

from __future__ import annotations

from typing import Any, ClassVar

from runbook_sandbox.kubernetes.controllers import pods, revisions
from runbook_sandbox.kubernetes.controllers.base import Workload
from runbook_sandbox.kubernetes.controllers.placement import selected, untolerated
from runbook_sandbox.kubernetes.objects import Object, clone, labels

# Source: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations
_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_GENERATION = "deprecated.daemonset.template.generation"


class DaemonSets(Workload):
    """The controller of daemon sets."""

    storage: ClassVar[str] = "daemonsets.apps"
    kind: ClassVar[str] = "DaemonSet"
    triggers: ClassVar[frozenset[str]] = frozenset({"nodes"})

    def sync(self, obj: Object) -> None:
        """Make, replace and remove pods, and write the status."""
        mark = revisions.current(self.cluster, obj)
        spec = _pod_spec(obj)
        nodes = {each["metadata"]["name"]: each for each in self.store.list("nodes")}
        wanted = {name for name, node in nodes.items() if _runs_on(spec, node)}
        by_node = self._by_node(obj)
        self._prune({name for name, node in nodes.items() if _may_stay(spec, node)}, by_node)
        for name in sorted(wanted - by_node.keys()):
            self._make(obj, spec, name, mark)
        self._roll(obj, by_node, wanted, mark)
        self._write_status(obj, wanted, mark)

    def _by_node(self, obj: Object) -> dict[str, list[Object]]:
        found: dict[str, list[Object]] = {}
        for pod in pods.owned(self.cluster, obj):
            found.setdefault(node_of(pod), []).append(pod)
        return found

    def _prune(self, staying: set[str], by_node: dict[str, list[Object]]) -> None:
        for name, found in by_node.items():
            if name not in staying:
                pods.remove(self.cluster, found)
            # A daemon pod that ended is replaced.
            pods.remove(
                self.cluster, (each for each in found if each.get("status", {}).get("phase") in {"Failed", "Succeeded"})
            )

    def _make(self, obj: Object, spec: dict[str, Any], node: str, mark: str) -> None:
        generation = obj["metadata"].get("annotations", {}).get(_GENERATION, "1")
        pods.make(
            self.cluster, obj, {revisions.LABEL: mark, "pod-template-generation": generation}, spec=_pinned(spec, node)
        )

    def _roll(self, obj: Object, by_node: dict[str, list[Object]], wanted: set[str], mark: str) -> None:
        strategy = obj["spec"]["updateStrategy"]
        if strategy["type"] != "RollingUpdate":
            return
        limit = max(pods.amount(strategy["rollingUpdate"].get("maxUnavailable", 1), len(wanted), round_up=True), 1)
        present = [pod for name in sorted(wanted & by_node.keys()) for pod in by_node[name]]
        old = [pod for pod in present if labels(pod).get(revisions.LABEL) != mark and pods.is_active(pod)]
        down = [pod for pod in old if not pods.is_ready(pod)]
        up = [pod for pod in old if pods.is_ready(pod)]
        others = sum(not (pods.is_active(pod) and pods.is_ready(pod)) for pod in present if pod not in old)
        missing = len(wanted - by_node.keys())
        pods.remove(self.cluster, [*down, *up[: max(limit - len(down) - others - missing, 0)]])

    def _write_status(self, obj: Object, wanted: set[str], mark: str) -> None:
        current = self._by_node(obj)
        placed = [each for name in wanted for each in current.get(name, ())[:1]]
        ready = sum(pods.is_ready(each) and pods.is_active(each) for each in placed)
        updated = sum(labels(each).get(revisions.LABEL) == mark for each in placed)
        status: dict[str, Any] = {
            "currentNumberScheduled": len(placed),
            "numberMisscheduled": len(current.keys() - wanted),
            "desiredNumberScheduled": len(wanted),
            "numberReady": ready,
            "observedGeneration": obj["metadata"]["generation"],
        }
        optional = {
            "updatedNumberScheduled": updated,
            "numberAvailable": ready,
            "numberUnavailable": len(wanted) - ready,
        }
        status |= {key: number for key, number in optional.items() if number}
        pods.put_status(self.cluster, self.storage, obj, status)


def _pod_spec(obj: Object) -> dict[str, Any]:
    spec: dict[str, Any] = clone(obj["spec"]["template"]["spec"])
    added = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in _TOLERATED]
    if spec.get("hostNetwork"):
        added.append({"key": "node.kubernetes.io/network-unavailable", "operator": "Exists", "effect": "NoSchedule"})
    spec["tolerations"] = spec.get("tolerations", []) + [
        each for each in added if each not in spec.get("tolerations", ())
    ]
    return spec


def _runs_on(spec: dict[str, Any], node: Object) -> bool:
    return selected(spec, node) and untolerated(spec, node) is None


def _may_stay(spec: dict[str, Any], node: Object) -> bool:
    """Tell whether a pod that is there may stay: a taint that only keeps new pods away drives none out."""
    return selected(spec, node) and untolerated(spec, node, frozenset({"NoExecute"})) is None


def _pinned(spec: dict[str, Any], node: str) -> dict[str, Any]:
    found: dict[str, Any] = clone(spec)
    affinity = found.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity["requiredDuringSchedulingIgnoredDuringExecution"] = required
    return found


def node_of(pod: Object) -> str:
    """Return the node that a daemon pod runs on or is meant for."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    affinity = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", ())
    fields = [field for term in terms for field in term.get("matchFields", ())]
    return str(fields[0]["values"][0]) if fields else ""
