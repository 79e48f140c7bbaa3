"""All objects of a cluster, their versions, and the recent history that watches are served from.

An object in the store is never changed in place: a write replaces it, so readers need no copy and no lock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from runbook_sandbox.kubernetes.objects import Object, name_of

_HISTORY = 5000
MOST_OBJECTS = 50_000


@dataclass(frozen=True)
class Change:
    """One write: `ADDED`, `MODIFIED` or `DELETED`."""

    type: str
    storage: str
    version: int
    object: Object
    previous: Object | None


# The class has a method called list, which would hide the built-in type in its annotations.
Objects = list[Object]
Changes = list[Change]


class Store:
    """Objects by storage name, namespace and name. Safe to use from several threads.

    Attributes:
        lock: hold it to make a read and a write one step.
        version: the newest resourceVersion.
        listeners: called inside the lock with every change; they must return at once.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.version = 1
        self.listeners: list[Callable[[Change], None]] = []
        self._objects: dict[str, dict[tuple[str, str], Object]] = {}
        self._history: dict[str, deque[Change]] = {}
        self._forgotten: dict[str, int] = {}
        self._floor = 0

    def get(self, storage: str, namespace: str, name: str) -> Object | None:
        """Return an object; do not change it."""
        return self._objects.get(storage, {}).get((namespace, name))

    def list(self, storage: str, namespace: str = "") -> Objects:
        """Return the objects of a namespace, or of all, by namespace and name; do not change them."""
        with self.lock:
            found = self._objects.get(storage, {})
            return [found[key] for key in sorted(found) if not namespace or key[0] == namespace]

    def put(self, storage: str, obj: Object) -> Object:
        """Store an object, which becomes the store's own, and return it with its new resourceVersion.

        What is equal to the stored object is not written, as in the real store.
        """
        with self.lock:
            objects = self._objects.setdefault(storage, {})
            old = objects.get(name_of(obj))
            if old is not None and _same(old, obj):
                return old
            self.version += 1
            obj["metadata"]["resourceVersion"] = str(self.version)
            objects[name_of(obj)] = obj
            self._record(Change("MODIFIED" if old else "ADDED", storage, self.version, obj, old))
            return obj

    def remove(self, storage: str, namespace: str, name: str) -> Object | None:
        """Remove an object and return it as watches see it, with the version of the removal."""
        with self.lock:
            old = self._objects.get(storage, {}).pop((namespace, name), None)
            if old is None:
                return None
            self.version += 1
            gone = old | {"metadata": old["metadata"] | {"resourceVersion": str(self.version)}}
            self._record(Change("DELETED", storage, self.version, gone, old))
            return gone

    def _record(self, change: Change) -> None:
        history = self._history.setdefault(change.storage, deque(maxlen=_HISTORY))
        if len(history) == _HISTORY:
            self._forgotten[change.storage] = history[0].version
        history.append(change)
        for listener in self.listeners:
            listener(change)
        self.changed.notify_all()

    @property
    def is_full(self) -> bool:
        """Whether there are as many objects as the sandbox's memory is meant for; clients make no more."""
        return sum(map(len, self._objects.values())) >= MOST_OBJECTS

    def oldest(self, storage: str) -> int:
        """Return the oldest version from which a watch can start."""
        return max(self._forgotten.get(storage, 0), self._floor)

    def since(self, storage: str, version: int) -> Changes:
        """Return the changes after a version, oldest first."""
        with self.lock:
            found: Changes = []
            for change in reversed(self._history.get(storage, ())):
                if change.version <= version:
                    break
                found.append(change)
        return found[::-1]

    def forget_history(self) -> None:
        """Make every older watch start anew with 410 Gone, as a compaction does."""
        with self.changed:
            self._history.clear()
            self._floor = self.version
            self.changed.notify_all()

    def dump(self) -> dict[str, Objects]:
        """Return all objects by storage name."""
        with self.lock:
            return {storage: [*found.values()] for storage, found in self._objects.items() if found}

    def load(self, version: int, objects: dict[str, Objects]) -> None:
        """Replace all objects; listeners are not told."""
        with self.lock:
            self.version = max(version, 1)
            self._objects = {name: {name_of(each): each for each in rows} for name, rows in objects.items()}
            self.forget_history()


def _same(old: Object, new: Object) -> bool:
    return {**old, "metadata": _unversioned(old)} == {**new, "metadata": _unversioned(new)}


def _unversioned(obj: Object) -> Object:
    found = {key: item for key, item in obj["metadata"].items() if key != "resourceVersion"}
    owners = [{key: item for key, item in each.items() if key != "time"} for each in found.get("managedFields", ())]
    return found | {"managedFields": owners}
