"""Resources that are only asked, never stored: access reviews and "who am I"."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes import rbac
from runbook_sandbox.kubernetes.objects import Object
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
        return obj | {"metadata": {"creationTimestamp": None}, "status": {"userInfo": info}}
    if plural == "selfsubjectrulesreviews":
        return obj | {"metadata": {"creationTimestamp": None}, "status": _rules(store, user, spec.get("namespace", ""))}
    subject = user if plural.startswith("self") else User(spec.get("user", ""), tuple(spec.get("groups", ())))
    allowed = rbac.allows(store, subject, _attributes(spec))
    return obj | {"metadata": {"creationTimestamp": None}, "status": {"allowed": allowed}}


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
