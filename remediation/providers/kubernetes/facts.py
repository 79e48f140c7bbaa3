"""Facts about a cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from remediation.model.diffing import State
from remediation.model.errors import NotFound
from remediation.model.facts import Facts
from remediation.model.refs import Ref
from remediation.model.rights import Permission


@dataclass(frozen=True)
class ObjectNamed:
    """One object as the server has it, None when it does not exist."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @property
    def ref(self) -> Ref:
        """Where it is."""
        return Ref(self.api_version, self.kind, self.name, self.namespace)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get that one object."""
        return (Permission("get", self.ref.plural, self.ref.group, self.namespace, self.name),)

    def ask(self, facts: Facts) -> State | None:
        """Read it."""
        try:
            found: State = facts.api.kubernetes.read(self.ref)
        except NotFound:
            return None
        return found


@dataclass(frozen=True)
class ObjectsOf:
    """Every object of a kind, in one namespace or in all, that the label and field selectors match.

    Args:
        keep: dotted paths of the fields that are needed, all when empty; lists on the way are looked through. The pods
            of a large cluster take a gigabyte as they are.
    """

    api_version: str
    kind: str
    namespace: str = ""
    labels: str = ""
    fields: str = ""
    keep: tuple[str, ...] = ()

    @property
    def ref(self) -> Ref:
        """The collection."""
        return Ref(self.api_version, self.kind, "", self.namespace)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List the kind there."""
        return (Permission("list", self.ref.plural, self.ref.group, self.namespace),)

    def ask(self, facts: Facts) -> tuple[State, ...]:
        """List them, page by page."""
        tree = _tree(self.keep)
        keep = (lambda item: _pruned(item, tree)) if tree else None
        return tuple(facts.api.kubernetes.list(self.ref, self.labels, self.fields, keep))


def _tree(paths: Iterable[str]) -> State:
    tree: State = {}
    for path in paths:
        branch = tree
        for name in path.split("."):
            branch = branch.setdefault(name, {})
    return tree


def _pruned(value: Any, tree: State) -> Any:
    if isinstance(value, list):
        return [_pruned(item, tree) for item in value]
    return {name: _pruned(value[name], tree[name]) for name in tree if name in value} if tree else value


_NODE = ("metadata.name", "metadata.labels", "spec.podCIDRs", "status.addresses", "status.nodeInfo.kubeletVersion")
NODES = ObjectsOf("v1", "Node", keep=_NODE)
