"""Definitions of custom kinds: their names are accepted, and their objects go with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from runbook_sandbox.kubernetes.controllers.loop import Key
from runbook_sandbox.kubernetes.controllers.pods import put_status
from runbook_sandbox.kubernetes.custom_kinds import CLEANUP, DEFINITIONS
from runbook_sandbox.kubernetes.deleting import DeleteOptions, delete
from runbook_sandbox.kubernetes.objects import Object, clone, condition, name_of, set_condition
from runbook_sandbox.kubernetes.requests import Request, Route
from runbook_sandbox.kubernetes.store import Change
from runbook_sandbox.kubernetes.writing import replace

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster


class CustomResources:
    """Establishes definitions, and cleans up after them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._store = cluster, cluster.store

    def concerned(self, change: Change) -> Iterable[Key]:
        """Return the definition that changed, or whose object is gone."""
        if change.storage == DEFINITIONS:
            return [(DEFINITIONS, *name_of(change.object))]
        gone = change.type == "DELETED" and self._store.get(DEFINITIONS, "", change.storage) is not None
        return [(DEFINITIONS, "", change.storage)] if gone else []

    def all(self) -> Iterable[Key]:
        """Return all definitions."""
        return [(DEFINITIONS, *name_of(each)) for each in self._store.list(DEFINITIONS)]

    def reconcile(self, namespace: str, name: str, storage: str) -> float | None:
        """Establish a definition, or empty it."""
        found = self._store.get(storage, namespace, name)
        if found is not None and "deletionTimestamp" in found["metadata"]:
            self._clean(found)
        elif found is not None:
            put_status(self._cluster, DEFINITIONS, found, _established(found))
        return None

    def _clean(self, definition: Object) -> None:
        kind = self._cluster.kinds.stored(definition["metadata"]["name"])
        for each in self._store.list(kind.storage):
            if "deletionTimestamp" not in each["metadata"]:
                delete(self._store, kind, each, DeleteOptions())
        if self._store.list(kind.storage):
            return
        new = clone(definition)
        new["metadata"]["finalizers"] = [each for each in new["metadata"]["finalizers"] if each != CLEANUP]
        route = Route("update", self._cluster.kinds.stored(DEFINITIONS), "", definition["metadata"]["name"])
        replace(self._store, route, definition, new, Request("PUT", ""))


def _established(definition: Object) -> dict[str, Any]:
    spec = definition["spec"]
    status: dict[str, Any] = clone(definition.get("status") or {})
    status["acceptedNames"] = clone(spec["names"])
    stored = [each["name"] for each in spec["versions"] if each.get("storage")]
    kept = [each for each in status.get("storedVersions") or () if each not in stored]
    status["storedVersions"] = [*kept, *stored]
    for kind, reason, text in (
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ):
        set_condition(status, condition(kind, holds=True, reason=reason, message=text))
    return status
