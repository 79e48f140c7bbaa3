"""Who may do what: impersonation, and RBAC evaluated on the cluster's own roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from runbook_sandbox.kubernetes import problems
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.requests import Request, Route, User
from runbook_sandbox.kubernetes.store import Store

_ROLES = "roles.rbac.authorization.k8s.io"
_CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io"
Rule = dict[str, Any]
# The default roles `system:basic-user` and `system:discovery`, which everybody who has a name is bound to.
# Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
_PATHS = ("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version")
_FOR_ALL: tuple[Rule, ...] = (
    {
        "verbs": ["create"],
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
    {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
    {"verbs": ["get"], "nonResourceURLs": [*_PATHS, "/version/"]},
)


@dataclass(frozen=True)
class Attributes:
    """What is asked for; `path` only for what is no resource."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """Return the resource as roles write it: `pods/log`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def impersonate(store: Store, user: User, request: Request) -> User:
    """Return the user that the request's headers name, if the caller may impersonate it.

    Raises:
        Problem: 403 when it may not.
    """
    name = request.headers.get("impersonate-user")
    if not name:
        return user
    if not allows(store, user, Attributes("impersonate", resource="users", name=name)):
        raise problems.forbidden(
            "",
            "users",
            name,
            (f'User "{user.name}" cannot impersonate resource "users" in API group "" at the cluster scope'),
        )
    return User(name, (*request.groups, "system:authenticated"))


def attributes(route: Route) -> Attributes:
    """Return what the authorizer is asked about a request."""
    kind = route.kind
    namespace = route.name if kind.storage == "namespaces" else route.namespace
    return Attributes(route.verb, kind.group, kind.plural, route.subresource, namespace, route.name)


# Tells whether what is asked for may be done.
Guard = Callable[[Attributes], bool]


def check(store: Store, user: User, asked: Attributes, lets: Guard) -> None:
    """Raise Problem (403) unless the user may do it, and the guard lets everybody."""
    if not (allows(store, user, asked) and lets(asked)):
        raise problems.forbidden(asked.group, asked.resource, asked.name, refusal(user, asked))


def refusal(user: User, asked: Attributes) -> str:
    """Return the authorizer's sentence."""
    scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    return (
        f'User "{user.name}" cannot {asked.verb} resource "{asked.full_resource}" in API group "{asked.group}" {scope}'
    )


def allows(store: Store, user: User, asked: Attributes) -> bool:
    """Tell whether a rule that is bound to the user covers what is asked."""
    if "system:masters" in user.groups:
        return True
    return any(_covers(rule, asked) for rule in rules(store, user, asked.namespace))


def rules(store: Store, user: User, namespace: str) -> Iterator[Rule]:
    """Return the rules of a user in a namespace, cluster-wide ones included."""
    if "system:authenticated" in user.groups:
        yield from _FOR_ALL
    for binding in store.list("clusterrolebindings.rbac.authorization.k8s.io"):
        if _binds(binding, user):
            yield from _role_rules(store, binding, "")
    if namespace:
        for binding in store.list("rolebindings.rbac.authorization.k8s.io", namespace):
            if _binds(binding, user):
                yield from _role_rules(store, binding, namespace)


def _binds(binding: Object, user: User) -> bool:
    return any(_is_subject(subject, user, binding) for subject in binding.get("subjects", ()))


def _is_subject(subject: dict[str, Any], user: User, binding: Object) -> bool:
    if subject["kind"] == "User":
        return bool(subject["name"] == user.name)
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    namespace = subject.get("namespace") or binding["metadata"].get("namespace", "")
    return user.name == f"system:serviceaccount:{namespace}:{subject['name']}"


def _role_rules(store: Store, binding: Object, namespace: str) -> list[Rule]:
    reference = binding["roleRef"]
    of_cluster = reference["kind"] == "ClusterRole"
    role = store.get(_CLUSTER_ROLES if of_cluster else _ROLES, "" if of_cluster else namespace, reference["name"])
    return (role or {}).get("rules") or []


def _covers(rule: Rule, asked: Attributes) -> bool:
    if not _has(rule.get("verbs"), asked.verb):
        return False
    if asked.path:
        return any(
            asked.path == url or (url.endswith("*") and asked.path.startswith(url[:-1]))
            for url in rule.get("nonResourceURLs", ())
        )
    names = rule.get("resourceNames")
    return (
        _has(rule.get("apiGroups"), asked.group)
        and _has_resource(rule.get("resources"), asked)
        and (not names or asked.name in names)
    )


def _has(values: list[str] | None, wanted: str) -> bool:
    return values is not None and ("*" in values or wanted in values)


def _has_resource(values: list[str] | None, asked: Attributes) -> bool:
    found = values or []
    return "*" in found or asked.full_resource in found or bool(asked.subresource and f"*/{asked.subresource}" in found)
