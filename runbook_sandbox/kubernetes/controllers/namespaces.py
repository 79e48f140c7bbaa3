"""Namespaces: their default service account and CA bundle, and the end of their content."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from runbook_sandbox.kubernetes.controllers.loop import Key
from runbook_sandbox.kubernetes.controllers.pods import MANAGER
from runbook_sandbox.kubernetes.deleting import DeleteOptions, delete
from runbook_sandbox.kubernetes.objects import Object, clone, name_of
from runbook_sandbox.kubernetes.store import Change

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster

_OWN = {"serviceaccounts": "default", "configmaps": "kube-root-ca.crt"}


class Namespaces:
    """Fills new namespaces and empties those that go."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._store = cluster, cluster.store

    def concerned(self, change: Change) -> Iterable[Key]:
        """Return the namespace that a change concerns."""
        if change.storage == "namespaces":
            return [("namespaces", "", change.object["metadata"]["name"])]
        namespace, name = name_of(change.object)
        terminating = change.type == "DELETED" and namespace
        if terminating or (change.type == "DELETED" and _OWN.get(change.storage) == name):
            return [("namespaces", "", namespace)]
        return []

    def all(self) -> Iterable[Key]:
        """Return all namespaces."""
        return [("namespaces", *name_of(each)) for each in self._store.list("namespaces")]

    def reconcile(self, namespace: str, name: str, storage: str) -> float | None:
        """Fill or empty one namespace."""
        found = self._store.get(storage, namespace, name)
        if found is None:
            return None
        if "deletionTimestamp" in found["metadata"]:
            self._empty(found)
        else:
            self._fill(name)
        return None

    def _fill(self, name: str) -> None:
        metadata = {"namespace": name}
        if self._store.get("serviceaccounts", name, "default") is None:
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**metadata, "name": "default"}}
            self._cluster.create(account, MANAGER)
        if self._store.get("configmaps", name, "kube-root-ca.crt") is None:
            bundle = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata, "name": "kube-root-ca.crt"}}
            self._cluster.create(bundle | {"data": {"ca.crt": ""}}, MANAGER)

    def _empty(self, namespace: Object) -> None:
        name = namespace["metadata"]["name"]
        kinds = {each.storage: each for each in self._cluster.kinds if each.namespaced and "delete" in each.verbs}
        left = [(kind, each) for kind in kinds.values() for each in self._store.list(kind.storage, name)]
        for kind, each in left:
            if "deletionTimestamp" not in each["metadata"]:
                delete(self._store, kind, each, DeleteOptions(policy="Background"))
        if not any(self._store.list(storage, name) for storage in kinds):
            self._finish(namespace)

    def _finish(self, namespace: Object) -> None:
        if namespace["metadata"].get("finalizers"):
            finished = clone(namespace)
            finished["spec"].pop("finalizers", None)
            self._store.put("namespaces", finished)
        else:
            self._store.remove("namespaces", "", namespace["metadata"]["name"])
