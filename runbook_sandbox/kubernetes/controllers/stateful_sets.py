"""Stateful sets: numbered pods, made and replaced in order."""

from __future__ import annotations

from typing import Any, ClassVar

from runbook_sandbox.kubernetes.controllers import pods, revisions
from runbook_sandbox.kubernetes.controllers.base import Workload
from runbook_sandbox.kubernetes.objects import Object, labels


class StatefulSets(Workload):
    """The controller of stateful sets."""

    storage: ClassVar[str] = "statefulsets.apps"
    kind: ClassVar[str] = "StatefulSet"

    def sync(self, obj: Object) -> None:
        """Make, replace or remove the next pod, and write the status."""
        mark = revisions.current(self.cluster, obj)
        found = {each["metadata"]["name"]: each for each in pods.owned(self.cluster, obj)}
        names = [f"{obj['metadata']['name']}-{number}" for number in range(obj["spec"]["replicas"])]
        pods.remove(self.cluster, [pod for name, pod in found.items() if name not in names])
        self._make(obj, names, found, mark)
        self._replace(obj, names, found, mark)
        self._write_status(obj, mark)

    def _make(self, obj: Object, names: list[str], found: dict[str, Object], mark: str) -> None:
        ordered = obj["spec"]["podManagementPolicy"] == "OrderedReady"
        for number, name in enumerate(names):
            if name not in found:
                marks = {"statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(number)}
                pods.make(self.cluster, obj, {**marks, revisions.LABEL: mark}, name)
            if ordered and not pods.is_ready(found.get(name, {})):
                return

    def _replace(self, obj: Object, names: list[str], found: dict[str, Object], mark: str) -> None:
        strategy = obj["spec"]["updateStrategy"]
        if strategy["type"] != "RollingUpdate" or any(not pods.is_ready(found.get(name, {})) for name in names):
            return
        partition = strategy.get("rollingUpdate", {}).get("partition", 0)
        old = [name for name in names[partition:] if labels(found[name]).get(revisions.LABEL) != mark]
        pods.remove(self.cluster, [found[name] for name in old[-1:]])

    def _write_status(self, obj: Object, mark: str) -> None:
        active = [each for each in pods.owned(self.cluster, obj) if pods.is_active(each)]
        ready = sum(pods.is_ready(each) for each in active)
        updated = sum(labels(each).get(revisions.LABEL) == mark for each in active)
        revision = f"{obj['metadata']['name']}-{mark}"
        before = obj.get("status", {}).get("currentRevision", revision)
        status: dict[str, Any] = {
            "observedGeneration": obj["metadata"]["generation"],
            "replicas": len(active),
            "availableReplicas": ready,
            "updateRevision": revision,
            "collisionCount": 0,
            "currentRevision": revision if updated == obj["spec"]["replicas"] == ready else before,
        }
        status |= {"readyReplicas": ready} if ready else {}
        status |= {"updatedReplicas": updated, "currentReplicas": updated} if updated else {}
        pods.put_status(self.cluster, self.storage, obj, status)
