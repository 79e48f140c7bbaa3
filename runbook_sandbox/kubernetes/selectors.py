"""Label and field selectors of lists, watches and workloads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from runbook_sandbox.kubernetes import label_selectors
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object, labels
from runbook_sandbox.kubernetes.problems import bad_request

Labels = Mapping[str, str]
Test = Callable[[Object], bool]
_FIELD = re.compile(r"^(?P<key>[\w.]*)(?P<op>==|!=|=)(?P<value>.*)$")
OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})
_METADATA = ("metadata.name", "metadata.namespace")
_FIELDS = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "nodes": ("spec.unschedulable",),
    "secrets": ("type",),
    "namespaces": ("status.phase",),
    "services": ("spec.clusterIP", "spec.type"),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
}


def parse_labels(text: str) -> Callable[[Labels], bool]:
    """Return the test of a label selector; raises Problem (400) when it cannot be read."""
    try:
        terms = label_selectors.parse(text)
    except label_selectors.Unreadable as error:
        raise bad_request(str(error)) from error
    wanted = [{"key": each.key, "operator": each.operator, "values": each.values} for each in terms]
    return lambda found: all(expression(each, found) for each in wanted)


def _comparison(key: str, operator: str, bound: int) -> Callable[[Labels], bool]:
    def test(found: Labels) -> bool:
        value = found.get(key, "")
        if not value.lstrip("-").isdigit():
            return False
        return int(value) > bound if operator == ">" else int(value) < bound

    return test


def matches(selector: Mapping[str, Any] | None, found: Labels) -> bool:
    """Tell whether labels match a LabelSelector; none selects nothing, an empty one everything."""
    if selector is None:
        return False
    equal = all(found.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return equal and all(expression(each, found) for each in selector.get("matchExpressions") or ())


def expression(requirement: Mapping[str, Any], found: Labels) -> bool:
    """Tell whether labels meet one match expression of a label or node selector."""
    key, operator, values = requirement["key"], requirement["operator"], set(requirement.get("values") or ())
    if operator in {"Gt", "Lt"}:
        return _comparison(key, ">" if operator == "Gt" else "<", int(next(iter(values))))(found)
    answers = {
        "In": found.get(key) in values,
        "NotIn": found.get(key) not in values,
        "Exists": key in found,
        "DoesNotExist": key not in found,
    }
    return answers[operator]


def text_of(selector: Mapping[str, Any] | None) -> str:
    """Return a LabelSelector, or the plain labels of a replication controller, as a query writes it."""
    found = selector or {}
    structured = found.keys() & {"matchLabels", "matchExpressions"}
    equal = (found.get("matchLabels") or {}) if structured else found
    parts = [f"{key}={value}" for key, value in sorted(equal.items())]
    return ",".join(parts + [_expression_text(each) for each in found.get("matchExpressions") or () if structured])


def _expression_text(requirement: Mapping[str, Any]) -> str:
    key, values = requirement["key"], ",".join(sorted(requirement.get("values") or ()))
    texts = {"Exists": key, "DoesNotExist": f"!{key}", "In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})"}
    return str(texts[requirement["operator"]])


def field_value(obj: Object, path: str) -> str:
    """Return the text of a field, as field selectors compare it."""
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if path in {"spec.unschedulable", "spec.hostNetwork"}:
        return str(bool(value)).lower()
    return value.get("component", "") if isinstance(value, dict) else "" if value is None else str(value)


def parse_fields(kind: Kind, text: str) -> Test:
    """Return the test of a field selector; raises Problem (400) for a field that the kind does not offer."""
    terms = []
    for part in filter(str.strip, text.split(",")):
        match = _FIELD.match(part.strip())
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        _known(kind, match["key"])
        terms.append((match["key"], match["op"] == "!=", match["value"]))
    return lambda obj: all((field_value(obj, key) == value) is not negated for key, negated, value in terms)


def _known(kind: Kind, path: str) -> None:
    allowed = _FIELDS.get(kind.plural, ())
    if path in _METADATA or path in allowed:
        return
    if allowed or kind.custom is not None:
        raise bad_request(f"field label not supported: {path}")
    raise bad_request(f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"')


def parse(kind: Kind, label_selector: str, field_selector: str) -> Test:
    """Return the test of both selectors of a request; empty ones select everything."""
    by_label = parse_labels(label_selector)
    by_field = parse_fields(kind, field_selector) if field_selector else lambda _: True
    return lambda obj: by_label(labels(obj)) and by_field(obj)
