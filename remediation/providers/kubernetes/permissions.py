"""What the caller may do in a cluster: one rules review a namespace, and an access review for what that leaves open."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from remediation.model.diffing import State
from remediation.model.rights import Permission
from remediation.providers.kubernetes.client import KubernetesClient

_API = "authorization.k8s.io/v1"


def missing(client: KubernetesClient, permissions: list[Permission]) -> list[Permission]:
    """Return those of the permissions that the caller lacks.

    The rules review of a namespace answers for most callers with one request. It may leave out what a webhook would
    allow, as on GKE, so whatever it does not show is asked for by itself.
    """
    rules = {space: _rules(client, space) for space in {item.namespace for item in permissions if item.namespace}}
    doubtful = [item for item in permissions if not any(_covers(rule, item) for rule in rules.get(item.namespace, []))]
    if not doubtful:
        return []
    with ThreadPoolExecutor(min(8, len(doubtful))) as pool:
        allowed = list(pool.map(lambda item: _may(client, item), doubtful))
    return [item for item, may in zip(doubtful, allowed, strict=True) if not may]


def _rules(client: KubernetesClient, namespace: str) -> list[State]:
    review = {"apiVersion": _API, "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
    answer = client.ask(f"/apis/{_API}/selfsubjectrulesreviews", review)
    return list(answer.get("status", {}).get("resourceRules") or [])


def _covers(rule: State, item: Permission) -> bool:
    """Tell whether a rule allows a request; a rule for named objects never covers one without a name."""
    names = rule.get("resourceNames") or []
    return (
        _has(rule.get("verbs"), item.verb)
        and _has(rule.get("apiGroups"), item.group)
        and _has(rule.get("resources"), item.resource)
        and (not names or (item.name != "" and item.name in names))
    )


def _has(values: list[str] | None, wanted: str) -> bool:
    return wanted in (values or []) or "*" in (values or [])


def _may(client: KubernetesClient, item: Permission) -> bool:
    resource, _, subresource = item.resource.partition("/")
    attributes = {
        "verb": item.verb,
        "group": item.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": item.namespace,
        "name": item.name,
    }
    review = {
        "apiVersion": _API,
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    return bool(client.ask(f"/apis/{_API}/selfsubjectaccessreviews", review).get("status", {}).get("allowed"))
