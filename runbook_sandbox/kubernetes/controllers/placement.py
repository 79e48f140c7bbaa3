"""Which pods may run on which nodes: selectors, affinity, taints."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.objects import Object, has_condition, labels
from runbook_sandbox.kubernetes.selectors import expression

_HARD = frozenset({"NoSchedule", "NoExecute"})


def selected(spec: dict[str, Any], node: Object) -> bool:
    """Tell whether a pod's node selector and required affinity allow a node."""
    wanted = spec.get("nodeSelector", {})
    if any(labels(node).get(key) != value for key, value in wanted.items()):
        return False
    affinity = spec.get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or any(_term(term, node) for term in required.get("nodeSelectorTerms", ()))


def _term(term: dict[str, Any], node: Object) -> bool:
    fields = {"metadata.name": node["metadata"]["name"]}
    expressions, by_field = term.get("matchExpressions", ()), term.get("matchFields", ())
    if not expressions and not by_field:
        return False
    return all(expression(each, labels(node)) for each in expressions) and all(
        expression(each, fields) for each in by_field
    )


def untolerated(spec: dict[str, Any], node: Object, effects: frozenset[str] = _HARD) -> dict[str, Any] | None:
    """Return the first taint of a node that a pod does not tolerate."""
    for taint in node.get("spec", {}).get("taints", ()):
        if taint["effect"] in effects and not any(_tolerates(each, taint) for each in spec.get("tolerations", ())):
            found: dict[str, Any] = taint
            return found
    return None


def _tolerates(toleration: dict[str, Any], taint: dict[str, Any]) -> bool:
    if toleration.get("effect", taint["effect"]) != taint["effect"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return bool(toleration.get("key", taint["key"]) == taint["key"])
    return (toleration.get("key"), toleration.get("value", "")) == (taint["key"], taint.get("value", ""))


def fits(spec: dict[str, Any], node: Object) -> bool:
    """Tell whether a pod may be put on a node."""
    return selected(spec, node) and untolerated(spec, node) is None


def is_up(node: Object) -> bool:
    """Tell whether a node is Ready."""
    return has_condition(node, "Ready")
