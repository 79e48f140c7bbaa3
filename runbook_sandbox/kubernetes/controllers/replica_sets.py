"""Replica sets: so many pods of one template."""

from __future__ import annotations

from typing import Any, ClassVar

from runbook_sandbox.kubernetes.controllers import pods
from runbook_sandbox.kubernetes.controllers.base import Workload
from runbook_sandbox.kubernetes.objects import Object


class ReplicaSets(Workload):
    """The controller of replica sets."""

    storage: ClassVar[str] = "replicasets.apps"
    kind: ClassVar[str] = "ReplicaSet"

    def sync(self, obj: Object) -> None:
        """Make or remove pods, and write the status."""
        active = [each for each in pods.owned(self.cluster, obj) if pods.is_active(each)]
        missing = obj["spec"]["replicas"] - len(active)
        for _ in range(missing):
            if not pods.make(self.cluster, obj, {}):
                break
        if missing < 0:
            # Those that are not Ready go first, and of the others the youngest.
            order = sorted(active, key=lambda each: (pods.is_ready(each), -int(each["metadata"]["resourceVersion"])))
            pods.remove(self.cluster, order[:-missing])
        self._write_status(obj)

    def _write_status(self, obj: Object) -> None:
        active = [each for each in pods.owned(self.cluster, obj) if pods.is_active(each)]
        ready = sum(pods.is_ready(each) for each in active)
        status: dict[str, Any] = {"replicas": len(active), "observedGeneration": obj["metadata"]["generation"]}
        status |= {"fullyLabeledReplicas": len(active)} if active else {}
        status |= {"readyReplicas": ready, "availableReplicas": ready} if ready else {}
        pods.put_status(self.cluster, self.storage, obj, status)
