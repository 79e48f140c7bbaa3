"""What the controllers of workloads have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from runbook_sandbox.kubernetes.controllers.loop import Key
from runbook_sandbox.kubernetes.objects import Object, controller_of, name_of
from runbook_sandbox.kubernetes.store import Change

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster


class Workload(ABC):
    """A controller of one kind that owns objects of others.

    Attributes:
        storage: the kind it controls, as a group resource.
        kind: its name in owner references.
        parts: the kinds of what it makes.
        triggers: kinds any change of which concerns all of its objects.
    """

    storage: ClassVar[str]
    kind: ClassVar[str]
    parts: ClassVar[frozenset[str]] = frozenset({"pods"})
    triggers: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.store = cluster, cluster.store

    def concerned(self, change: Change) -> Iterable[Key]:
        """Return the objects that a change concerns."""
        if change.storage == self.storage:
            return [(self.storage, *name_of(change.object))]
        if change.storage in self.triggers:
            return self.all()
        if change.storage == "serviceaccounts" and change.type == "ADDED":
            # Pods that admission refused for want of the account can now be made.
            return [key for key in self.all() if key[1] == change.object["metadata"]["namespace"]]
        owner = controller_of(change.object) if change.storage in self.parts else None
        if owner is None or owner["kind"] != self.kind:
            return []
        return [(self.storage, change.object["metadata"]["namespace"], owner["name"])]

    def all(self) -> Iterable[Key]:
        """Return the keys of all objects."""
        return [(self.storage, *name_of(each)) for each in self.store.list(self.storage)]

    def reconcile(self, namespace: str, name: str, storage: str) -> float | None:
        """Bring one object into its wanted state."""
        obj = self.store.get(storage, namespace, name)
        if obj is not None and "deletionTimestamp" not in obj["metadata"]:
            self.sync(obj)
        return None

    @abstractmethod
    def sync(self, obj: Object) -> None:
        """Bring an existing object into its wanted state."""
