"""The least rights that a runbook takes, as Roles for Kubernetes and permissions for Google."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from remediation import providers
from remediation.catalogue.runbook import Runbook
from remediation.model.diffing import State
from remediation.model.powers import Power, powers
from remediation.model.rights import Permission
from remediation.model.status import RowClass
from remediation.model.targets import Target

_CLUSTER_SCOPED = ("nodes", "namespaces", "servicecidrs")


def permissions_of(book: Runbook, target: Target, values: dict[str, Any]) -> list[Permission]:
    """Return the runbook's rights and, where it writes to a cluster, those on the lock of each object."""
    given = {key: value for key, value in values.items() if value not in (None, ())}
    locks = {
        right
        for scope in book.scopes(target, given)
        if (provider := providers.locking(scope))
        for right in (*provider.lock_rights(scope), *provider.lock_wishes(scope))
    }
    # Which target it is, is recorded with each run; a row that only looks has none.
    which = () if book.cls is RowClass.DIAG else providers.named(book.target.provider).identity_rights
    return [*book.permissions(target, given), *which, *sorted(locks)]


@dataclass(frozen=True)
class Rights:
    """The least rights that a runbook takes.

    Attributes:
        kubernetes: the Role of each namespace and the ClusterRole, with bindings when a user is named.
        google: the IAM permissions of a Google custom role.
        powers: which of them are as good as much more.
    """

    kubernetes: list[State]
    google: list[str]
    powers: list[Power]


def rights_of(book: Runbook, target: Target, values: dict[str, Any], user: str | None = None) -> Rights:
    """Return the least rights that a runbook takes on a target; ``values`` are its parameters, as far as they are known."""
    found = permissions_of(book, target, values)
    google = sorted({item.resource for item in found if item.provider == "google"})
    return Rights(_roles(book, found, user), google, powers(found))


def _roles(book: Runbook, found: Sequence[Permission], user: str | None) -> list[State]:
    spaces: dict[str, list[Permission]] = defaultdict(list)
    for item in found:
        if item.provider == "kubernetes":
            spaces["" if item.resource.partition("/")[0] in _CLUSTER_SCOPED else item.namespace].append(item)
    documents = []
    for namespace, rights in sorted(spaces.items()):
        role = _role(book, namespace, rights)
        documents += [role, _binding(role, user)] if user else [role]
    return documents


def _role(book: Runbook, namespace: str, rights: list[Permission]) -> dict[str, Any]:
    verbs: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for item in rights:
        verbs[item.group, item.resource, item.name].add(item.verb)
    rules = [
        {"apiGroups": [group], "resources": [resource], "verbs": sorted(allowed)}
        | ({"resourceNames": [name]} if name else {})
        for (group, resource, name), allowed in sorted(verbs.items())
    ]
    metadata = {"name": f"runbook-{book.name}"} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role" if namespace else "ClusterRole",
        "metadata": metadata,
        "rules": rules,
    }


def _binding(role: dict[str, Any], user: str) -> dict[str, Any]:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": role["kind"], "name": role["metadata"]["name"]}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    return {
        "apiVersion": role["apiVersion"],
        "kind": role["kind"] + "Binding",
        "metadata": role["metadata"],
        "roleRef": reference,
        "subjects": [subject],
    }
