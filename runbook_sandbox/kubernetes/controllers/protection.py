"""Volumes, claims and their classes that were deleted: they go when nobody uses them any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from runbook_sandbox.kubernetes.admission import PROTECTION
from runbook_sandbox.kubernetes.controllers.loop import Key
from runbook_sandbox.kubernetes.objects import Object, clone, name_of
from runbook_sandbox.kubernetes.requests import Request, Route
from runbook_sandbox.kubernetes.store import Change
from runbook_sandbox.kubernetes.writing import replace

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster

_STORAGES = ("persistentvolumeclaims", "persistentvolumes", "volumeattributesclasses.storage.k8s.io")


class Protection:
    """Lets go of what is no longer used."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._store = cluster, cluster.store

    def concerned(self, change: Change) -> Iterable[Key]:
        """Return the object that is to go, or all of them when a pod or claim that may have used one is gone."""
        if change.type == "DELETED" and change.storage in {"pods", "persistentvolumeclaims"}:
            return self.all()
        return [(change.storage, *name_of(change.object))] if change.storage in _STORAGES else []

    def all(self) -> Iterator[Key]:
        """Return everything that is protected."""
        for storage in _STORAGES:
            yield from ((storage, *name_of(each)) for each in self._store.list(storage))

    def reconcile(self, namespace: str, name: str, storage: str) -> float | None:
        """Let one object go."""
        obj = self._store.get(storage, namespace, name)
        if obj is None or "deletionTimestamp" not in obj["metadata"] or self._is_used(storage, obj):
            return None
        kind = self._cluster.kinds.stored(storage)
        new = clone(obj)
        kept = [each for each in new["metadata"].get("finalizers", ()) if each != PROTECTION[kind.plural]]
        new["metadata"]["finalizers"] = kept
        replace(self._store, Route("update", kind, namespace, name), obj, new, Request("PUT", ""))
        return None

    def _is_used(self, storage: str, obj: Object) -> bool:
        namespace, name = name_of(obj)
        if storage == "persistentvolumes":
            return bool(obj.get("status", {}).get("phase") == "Bound")
        if storage != "persistentvolumeclaims":
            return False
        volumes = (each for pod in self._store.list("pods", namespace) for each in pod["spec"].get("volumes") or ())
        return any((each.get("persistentVolumeClaim") or {}).get("claimName") == name for each in volumes)
