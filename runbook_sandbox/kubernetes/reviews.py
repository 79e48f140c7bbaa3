"""Resources that are only asked, never stored: access reviews and "who am I"."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes import problems, rbac
from runbook_sandbox.kubernetes.objects import Object, now
from runbook_sandbox.kubernetes.requests import User
from runbook_sandbox.kubernetes.store import Store

_EVERYTHING = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
REVIEWS = frozenset(
    {
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "selfsubjectreviews",
        "subjectaccessreviews",
        "localsubjectaccessreviews",
    }
)


def review(store: Store, plural: str, obj: Object, user: User) -> Object:
    """Return the asked object with its status."""
    spec = obj.get("spec", {})
    if plural == "selfsubjectreviews":
        info = {"username": user.name, "groups": list(user.groups)}
        return obj | {"metadata": {"creationTimestamp": now()}, "status": {"userInfo": info}}
    if plural == "selfsubjectrulesreviews":
        return obj | {"metadata": {}, "status": _rules(store, user, spec.get("namespace", ""))}
    _check(plural, spec)
    subject = user if plural.startswith("self") else User(spec.get("user", ""), tuple(spec.get("groups", ())))
    allowed = rbac.allows(store, subject, _attributes(spec))
    return obj | {"metadata": {}, "status": {"allowed": allowed}}


def _check(plural: str, spec: dict[str, Any]) -> None:
    """Refuse a review that asks nothing, or about nobody."""
    causes = []
    if ("resourceAttributes" in spec) is ("nonResourceAttributes" in spec):
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        causes.append(problems.cause("spec.resourceAttributes", f"Invalid value: null: {why}"))
    if not plural.startswith("self") and not spec.get("user") and not spec.get("groups"):
        why = "at least one of user or group must be specified"
        causes.append(problems.cause("spec.user", f'Invalid value: "": {why}'))
    if causes:
        raise problems.invalid("", "authorization.k8s.io", "", causes)


def _attributes(spec: dict[str, Any]) -> rbac.Attributes:
    if "nonResourceAttributes" in spec:
        asked = spec["nonResourceAttributes"]
        return rbac.Attributes(asked.get("verb", ""), path=asked.get("path", ""))
    asked = spec.get("resourceAttributes", {})
    names = ("verb", "group", "resource", "subresource", "namespace", "name")
    return rbac.Attributes(**{name: asked.get(name, "") for name in names})


def _rules(store: Store, user: User, namespace: str) -> dict[str, Any]:
    found = list(rbac.rules(store, user, namespace))
    if "system:masters" in user.groups:
        found = [*_EVERYTHING, {"verbs": ["*"], "nonResourceURLs": ["*"]}, *found]
    resources = [rule for rule in found if rule.get("resources")]
    urls = [
        {"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]}
        for rule in found
        if rule.get("nonResourceURLs")
    ]
    return {"resourceRules": resources, "nonResourceRules": urls, "incomplete": False}
