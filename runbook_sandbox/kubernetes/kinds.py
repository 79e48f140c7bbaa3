"""The resources and types that the emulated API serves, read from `api.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Custom:
    """What a definition says of a custom kind: its schema, the columns of its tables, and where its scale is."""

    schema: dict[str, Any]
    columns: tuple[dict[str, Any], ...] = ()
    scale: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """One resource of one group version.

    Attributes:
        type: name of its type in `api.json`; empty for a kind whose fields are not known, such as a custom resource.
        subresources: the names after the object's name in a path, such as `status`.
        custom: what the definition of a custom kind says; None for the kinds of every cluster.
        returned: whether a deletion is answered with the object, where most kinds answer with a Status.
    """

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True
    singular: str = ""
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = _ALL_VERBS
    categories: tuple[str, ...] = ()
    type: str = ""
    subresources: frozenset[str] = field(default=frozenset())
    returned: bool = False
    custom: Custom | None = field(default=None, compare=False, repr=False)

    @property
    def group_version(self) -> str:
        """Return the `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """Return the name as in error messages: `daemonsets.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def storage(self) -> str:
        """Return the name under which objects are stored; both kinds of Event are the same objects."""
        return "events" if self.plural == "events" else self.group_resource


@cache
def document() -> dict[str, Any]:
    """Return `api.json`."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("api.json").read_text())
    return found


def types() -> dict[str, Any]:
    """Return the types by name."""
    found: dict[str, Any] = document()["types"]
    return found


@cache
def builtin() -> tuple[Kind, ...]:
    """Return the kinds of a plain cluster."""
    rows = document()["resources"]
    return tuple(_kind(row, rows) for row in rows if "/" not in row["name"])


def _kind(row: dict[str, Any], rows: list[dict[str, Any]]) -> Kind:
    group, _, version = row["groupVersion"].rpartition("/")
    prefix = row["name"] + "/"
    below = (each["name"] for each in rows if each["groupVersion"] == row["groupVersion"])
    identity = f"{group}/{version}/{row['kind']}"
    return Kind(
        group,
        version,
        row["name"],
        row["kind"],
        row["namespaced"],
        row["singularName"],
        tuple(row.get("shortNames", ())),
        tuple(row["verbs"]),
        tuple(row.get("categories", ())),
        document()["kinds"].get(identity, ""),
        frozenset(name.removeprefix(prefix) for name in below if name.startswith(prefix)),
        identity in document()["returned"],
    )


class Kinds:
    """The kinds of a cluster."""

    def __init__(self) -> None:
        self.define(())

    def define(self, custom: Iterable[Kind]) -> None:
        """Have these custom kinds beside those of every cluster, in place of earlier ones."""
        self._all = (*builtin(), *custom)
        self._by_path = {(each.group, each.version, each.plural): each for each in self._all}
        self._by_name = {(each.group_version, each.name): each for each in self._all}
        # Of several versions the preferred one comes first.
        self._by_storage = {each.group_resource: each for each in reversed(self._all)}

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._all)

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """Return the kind that a path names."""
        return self._by_path.get((group, version, plural))

    def named(self, group_version: str, name: str) -> Kind | None:
        """Return the kind with an `apiVersion` and `kind`."""
        return self._by_name.get((group_version, name))

    def stored(self, storage: str) -> Kind:
        """Return the kind by its group resource, such as `daemonsets.apps`."""
        return self._by_storage[storage]

    def are_custom(self, group: str) -> bool:
        """Tell whether a group has custom kinds only."""
        return all(each.custom is not None for each in self._all if each.group == group)

    def group_versions(self) -> dict[str, list[str]]:
        """Return the versions of every group, in the order of discovery."""
        found: dict[str, list[str]] = {}
        for each in self._all:
            versions = found.setdefault(each.group, [])
            if each.version not in versions:
                versions.append(each.version)
        return found
