"""Deployments: a replica set for each template, and the rollout from one to the next."""

from __future__ import annotations

from typing import Any, ClassVar

from runbook_sandbox.kubernetes.admission import template_hash
from runbook_sandbox.kubernetes.controllers import pods
from runbook_sandbox.kubernetes.controllers.base import Workload
from runbook_sandbox.kubernetes.objects import (
    Object,
    clone,
    condition,
    labels,
    name_of,
    owner_reference,
    set_condition,
)

_HASH, _REVISION = "pod-template-hash", "deployment.kubernetes.io/revision"
_SETS = "replicasets.apps"


class Deployments(Workload):
    """The controller of deployments."""

    storage: ClassVar[str] = "deployments.apps"
    kind: ClassVar[str] = "Deployment"
    parts: ClassVar[frozenset[str]] = frozenset({_SETS})

    def sync(self, obj: Object) -> None:
        """Move the rollout one step on, and write the status."""
        mark = template_hash(obj["spec"]["template"])
        sets = pods.owned(self.cluster, obj, _SETS)
        new = next((each for each in sets if labels(each).get(_HASH) == mark), None)
        old = [each for each in sets if each is not new]
        if new is None and not obj["spec"].get("paused"):
            new = self._make(obj, mark, _next_revision(sets))
        if new is not None:
            new = self._number(obj, new, old)
            self._scale(obj, new, old)
        self._write_status(obj, mark)
        self._trim(obj, old)

    def _make(self, obj: Object, mark: str, revision: int) -> Object:
        template = clone(obj["spec"]["template"])
        template.setdefault("metadata", {})["labels"] = {**template["metadata"].get("labels", {}), _HASH: mark}
        selector = clone(obj["spec"]["selector"])
        selector["matchLabels"] = {**selector.get("matchLabels", {}), _HASH: mark}
        namespace, name = name_of(obj)
        return self.cluster.create(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"{name}-{mark}",
                    "namespace": namespace,
                    "labels": template["metadata"]["labels"],
                    "annotations": {_REVISION: str(revision)},
                    "ownerReferences": [owner_reference(obj)],
                },
                "spec": {"replicas": 0, "selector": selector, "template": template},
            },
            pods.MANAGER,
        )

    def _number(self, obj: Object, new: Object, old: list[Object]) -> Object:
        """Give the newest replica set the highest revision, also after an undo, and note it on the deployment."""
        revision = max(_revision(new), _next_revision(old))
        if revision != _revision(new):
            new = _annotated(self.store.put, _SETS, new, revision)
        if obj["metadata"].get("annotations", {}).get(_REVISION) != str(revision):
            _annotated(self.store.put, self.storage, obj, revision)
        return new

    def _scale(self, obj: Object, new: Object, old: list[Object]) -> None:
        wanted, strategy = obj["spec"]["replicas"], obj["spec"]["strategy"]
        alive = sum(each["spec"]["replicas"] for each in old)
        if strategy["type"] == "Recreate":
            for each in old:
                self._resize(each, 0)
            gone = not any(pods.owned(self.cluster, each) for each in old)
            self._resize(new, wanted if gone else new["spec"]["replicas"])
            return
        surge = pods.amount(strategy["rollingUpdate"]["maxSurge"], wanted, round_up=True)
        spare = pods.amount(strategy["rollingUpdate"]["maxUnavailable"], wanted, round_up=False)
        if not surge and not spare:
            spare = 1
        self._resize(new, min(wanted, max(wanted + surge - alive, new["spec"]["replicas"])) if old else wanted)
        self._shrink(old, self._available([new, *old]) - (wanted - spare))

    def _available(self, sets: list[Object]) -> int:
        found = (pods.owned(self.cluster, each) for each in sets)
        return sum(pods.is_ready(pod) and pods.is_active(pod) for each in found for pod in each)

    def _shrink(self, old: list[Object], surplus: int) -> None:
        for each in old:
            down = sum(not pods.is_ready(pod) for pod in pods.owned(self.cluster, each) if pods.is_active(pod))
            cut = min(each["spec"]["replicas"], down + max(surplus, 0))
            surplus -= max(cut - down, 0)
            self._resize(each, each["spec"]["replicas"] - cut)

    def _resize(self, replica_set: Object, replicas: int) -> None:
        if replica_set["spec"]["replicas"] == replicas:
            return
        new = clone(self.store.get(_SETS, *name_of(replica_set)) or replica_set)
        new["spec"]["replicas"] = replicas
        new["metadata"]["generation"] += 1
        self.store.put(_SETS, new)

    def _trim(self, obj: Object, old: list[Object]) -> None:
        empty = [each for each in old if not each["spec"]["replicas"] and not each.get("status", {}).get("replicas")]
        surplus = len(empty) - obj["spec"].get("revisionHistoryLimit", 10)
        for each in sorted(empty, key=_revision)[: max(surplus, 0)]:
            self.store.remove(_SETS, *name_of(each))

    def _write_status(self, obj: Object, mark: str) -> None:
        obj = self.store.get(self.storage, *name_of(obj)) or obj
        counts = _counts(pods.owned(self.cluster, obj, _SETS), mark)
        wanted = obj["spec"]["replicas"]
        status: dict[str, Any] = {"observedGeneration": obj["metadata"]["generation"]}
        status |= {key: number for key, number in counts.items() if number}
        status |= (
            {"unavailableReplicas": wanted - counts["availableReplicas"]}
            if wanted > counts["availableReplicas"]
            else {}
        )
        status["conditions"] = clone(obj.get("status", {}).get("conditions", []))
        _conditions(status, obj, counts, mark)
        pods.put_status(self.cluster, self.storage, obj, status)


def _counts(sets: list[Object], mark: str) -> dict[str, int]:
    def total(field: str, rows: list[Object]) -> int:
        return sum(each.get("status", {}).get(field, 0) for each in rows)

    newest = [each for each in sets if labels(each).get(_HASH) == mark]
    return {
        "replicas": total("replicas", sets),
        "updatedReplicas": total("replicas", newest),
        "readyReplicas": total("readyReplicas", sets),
        "availableReplicas": total("availableReplicas", sets),
    }


def _conditions(status: dict[str, Any], obj: Object, counts: dict[str, int], mark: str) -> None:
    wanted, name = obj["spec"]["replicas"], f"{obj['metadata']['name']}-{mark}"
    strategy = obj["spec"]["strategy"]
    spare = pods.amount(strategy.get("rollingUpdate", {}).get("maxUnavailable", 0), wanted, round_up=False)
    enough = counts["availableReplicas"] >= wanted - spare
    _set(
        status,
        "Available",
        enough,
        "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        f"Deployment {'has' if enough else 'does not have'} minimum availability.",
    )
    done = counts["updatedReplicas"] == wanted == counts["availableReplicas"] == counts["replicas"]
    _set(
        status,
        "Progressing",
        True,
        "NewReplicaSetAvailable" if done else "ReplicaSetUpdated",
        f'ReplicaSet "{name}" {"has successfully progressed" if done else "is progressing"}.',
    )


def _set(status: dict[str, Any], kind: str, holds: bool, reason: str, message: str) -> None:
    new = condition(kind, holds=holds, reason=reason, message=message)
    old: dict[str, Any] = next((each for each in status["conditions"] if each["type"] == kind), {})
    same = all(old.get(key) == new[key] for key in ("status", "reason", "message"))
    new["lastUpdateTime"] = old.get("lastUpdateTime", new["lastTransitionTime"]) if same else new["lastTransitionTime"]
    set_condition(status, new)


def _revision(replica_set: Object) -> int:
    return int(replica_set["metadata"].get("annotations", {}).get(_REVISION, 0))


def _next_revision(sets: list[Object]) -> int:
    return max((_revision(each) for each in sets), default=0) + 1


def _annotated(put: Any, storage: str, obj: Object, revision: int) -> Object:
    new = clone(obj)
    new["metadata"].setdefault("annotations", {})[_REVISION] = str(revision)
    found: Object = put(storage, new)
    return found
