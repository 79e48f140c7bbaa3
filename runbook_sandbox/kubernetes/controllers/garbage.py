"""The garbage collector: dependents go with their owners, or are let go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from runbook_sandbox.kubernetes.controllers.loop import Key
from runbook_sandbox.kubernetes.deleting import FOREGROUND, ORPHAN, DeleteOptions, delete
from runbook_sandbox.kubernetes.objects import Object, clone, name_of
from runbook_sandbox.kubernetes.store import Change

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster


class GarbageCollector:
    """Follows owner references."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._store = cluster, cluster.store

    def concerned(self, change: Change) -> Iterable[Key]:
        """Return the object that may have lost its owner, or be an owner that goes."""
        if change.type == "DELETED":
            uid = change.object["metadata"]["uid"]
            return [*self._dependent_keys(uid), *self._waiting_owners(change.object)]
        metadata = change.object["metadata"]
        if metadata.get("ownerReferences") and change.type == "ADDED":
            return [(change.storage, *name_of(change.object))]
        going = "deletionTimestamp" in metadata and {FOREGROUND, ORPHAN} & set(metadata.get("finalizers", ()))
        return [(change.storage, *name_of(change.object))] if going else []

    def all(self) -> Iterable[Key]:
        """Return everything that has an owner or a deletion policy to carry out."""
        for storage, objects in self._store.dump().items():
            for each in objects:
                if each["metadata"].get("ownerReferences") or each["metadata"].get("finalizers"):
                    yield (storage, *name_of(each))

    def _dependents(self, uid: str) -> list[tuple[str, Object]]:
        return [
            (storage, each)
            for storage, objects in self._store.dump().items()
            for each in objects
            if any(owner["uid"] == uid for owner in each["metadata"].get("ownerReferences", ()))
        ]

    def _dependent_keys(self, uid: str) -> list[Key]:
        return [(storage, *name_of(each)) for storage, each in self._dependents(uid)]

    def _waiting_owners(self, obj: Object) -> list[Key]:
        found = ((owner, self._owner(obj, owner)) for owner in obj["metadata"].get("ownerReferences", ()))
        return [(self._storage(owner), *name_of(each)) for owner, each in found if each is not None]

    def _storage(self, owner: dict[str, str]) -> str:
        kind = self._cluster.kinds.named(owner["apiVersion"], owner["kind"])
        return kind.storage if kind else ""

    def _owner(self, obj: Object, owner: dict[str, str]) -> Object | None:
        storage = self._storage(owner)
        for namespace in (obj["metadata"].get("namespace", ""), ""):
            found = self._store.get(storage, namespace, owner["name"])
            if found is not None and found["metadata"]["uid"] == owner["uid"]:
                return found
        return None

    def reconcile(self, namespace: str, name: str, storage: str) -> float | None:
        """Delete an object whose owners are gone, or finish an owner that waits."""
        obj = self._store.get(storage, namespace, name)
        if obj is None:
            return None
        finalizers = obj["metadata"].get("finalizers", ())
        if "deletionTimestamp" in obj["metadata"] and ORPHAN in finalizers:
            self._let_go(storage, obj)
        elif "deletionTimestamp" in obj["metadata"] and FOREGROUND in finalizers:
            self._delete_below(storage, obj)
        elif obj["metadata"].get("ownerReferences") and "deletionTimestamp" not in obj["metadata"]:
            self._delete_orphan(storage, obj)
        return None

    def _delete_orphan(self, storage: str, obj: Object) -> None:
        owners = [(each, self._owner(obj, each)) for each in obj["metadata"]["ownerReferences"]]
        known = [(each, found) for each, found in owners if self._storage(each)]
        if len(known) == len(owners) and not any(found for _, found in known):
            delete(self._store, self._cluster.kinds.stored(storage), obj, DeleteOptions(policy="Background"))

    def _let_go(self, storage: str, owner: Object) -> None:
        for below, each in self._dependents(owner["metadata"]["uid"]):
            new = clone(each)
            references = new["metadata"].pop("ownerReferences")
            kept = [row for row in references if row["uid"] != owner["metadata"]["uid"]]
            new["metadata"] |= {"ownerReferences": kept} if kept else {}
            self._store.put(below, new)
        self._release(storage, owner, ORPHAN)

    def _delete_below(self, storage: str, owner: Object) -> None:
        dependents = self._dependents(owner["metadata"]["uid"])
        for below, each in dependents:
            if "deletionTimestamp" not in each["metadata"]:
                delete(self._store, self._cluster.kinds.stored(below), each, DeleteOptions(policy="Foreground"))
        if not self._dependents(owner["metadata"]["uid"]):
            self._release(storage, owner, FOREGROUND)

    def _release(self, storage: str, obj: Object, finalizer: str) -> None:
        new = clone(obj)
        new["metadata"]["finalizers"] = [each for each in obj["metadata"]["finalizers"] if each != finalizer]
        if new["metadata"]["finalizers"] or new["metadata"].get("deletionGracePeriodSeconds"):
            self._store.put(storage, new)
        else:
            self._store.remove(storage, *name_of(obj))
