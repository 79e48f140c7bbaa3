"""What the API server refuses with 422: names, required fields, and fields that must not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runbook_sandbox.kubernetes import custom_kinds, kind_rules, names, pod_rules, structural
from runbook_sandbox.kubernetes.kinds import Kind, types
from runbook_sandbox.kubernetes.names import Causes, invalid_value
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.problems import Problem, forbidden_field, invalid, required

_LABEL_NAMED = frozenset({"namespaces", "services"})
_FREE_NAMED = frozenset({"apiservices", "roles", "rolebindings", "clusterroles", "clusterrolebindings"})
_WORKLOADS = frozenset({"daemonsets", "deployments", "replicasets", "statefulsets"})
# Types whose required fields are checked by rules of their own.
_RULED = frozenset(
    {
        "core.v1.PodSpec",
        "core.v1.PodTemplateSpec",
        "apps.v1.DaemonSetSpec",
        "apps.v1.DeploymentSpec",
        "apps.v1.ReplicaSetSpec",
        "apps.v1.StatefulSetSpec",
        "rbac.v1.RoleRef",
        "rbac.v1.Subject",
    }
)


def check(kind: Kind, new: Object, old: Object | None) -> None:
    """Raise Problem (422) for an object that the API server refuses."""
    causes = [*_name(kind, new), *names.metadata(new)]
    if old is not None:  # the real server checks the metadata of an update twice
        causes += [*names.kept(new, old), *names.metadata(new), *names.kept(new, old), *_immutable(kind, new, old)]
    causes += [*_required(kind, new), *_by_kind(kind, new)]
    if causes:
        raise invalid(kind.name, kind.group, new["metadata"].get("name", ""), causes)


def _name(kind: Kind, obj: Object) -> Causes:
    rule = _name_rule(kind)
    name, start = obj["metadata"].get("name", ""), obj["metadata"].get("generateName", "")
    # What a name is generated from may end in a dash, which the generated end then follows.
    masked = start[:-1] + "a" if start.endswith("-") and len(start) > 1 else start
    generated = [invalid_value("metadata.generateName", start, text) for text in (rule(masked) if start else ())]
    return generated + [invalid_value("metadata.name", name, text) for text in rule(name)]


def _name_rule(kind: Kind) -> Callable[[str], list[str]]:
    if kind.plural in _FREE_NAMED:
        return names.path_segment
    return names.label if kind.plural in _LABEL_NAMED else names.subdomain


def _required(kind: Kind, obj: Object) -> Causes:
    causes: Causes = []
    if kind.type:
        _missing(f"@{kind.type}", {**obj, "metadata": {}, "status": {}}, "", causes)
    return causes


def _missing(shape: Any, value: Any, path: str, causes: Causes) -> None:
    if isinstance(shape, dict) and "list" in shape and isinstance(value, list):
        for index, item in enumerate(value):
            _missing(shape["list"], item, f"{path}[{index}]", causes)
    if not (isinstance(shape, str) and shape.startswith("@") and isinstance(value, dict)) or shape[1:] in _RULED:
        return
    found = types()[shape[1:]]
    for name in found.get("required", ()):
        # A list that is required may be empty; what must have items is checked by kind.
        if value.get(name) in (None, "") and name != "metadata" and not isinstance(found["fields"][name], dict):
            causes.append(required(f"{path}.{name}".lstrip(".")))
    for name, item in value.items():
        if name != "status":
            _missing(found["fields"].get(name), item, f"{path}.{name}".lstrip("."), causes)


def _by_kind(kind: Kind, obj: Object) -> Causes:
    if kind.custom is not None:
        return list(structural.causes(kind.custom.schema, obj))
    if kind.storage == custom_kinds.DEFINITIONS:
        return custom_kinds.causes(obj)
    return kind_rules.check(kind, obj)


def _immutable(kind: Kind, new: Object, old: Object) -> Causes:
    causes: Causes = []
    if kind.plural in {"configmaps", "secrets"} and old.get("immutable"):
        causes += _frozen_data(new, old)
    if kind.plural == "secrets" and new.get("type") != old.get("type"):
        causes.append(invalid_value("type", new.get("type"), "field is immutable"))
    if kind.plural in _WORKLOADS and _spec(new, "selector") != _spec(old, "selector"):
        causes.append(invalid_value("spec.selector", _spec(new, "selector"), "field is immutable"))
    if kind.plural == "jobs":
        causes += [
            invalid_value(f"spec.{field}", _spec(new, field), "field is immutable")
            for field in ("selector", "template")
            if _spec(new, field) != _spec(old, field)
        ]
    if kind.plural in {"rolebindings", "clusterrolebindings"} and new.get("roleRef") != old.get("roleRef"):
        found = {key[0].upper() + key[1:]: item for key, item in sorted(new["roleRef"].items())}
        causes.append(
            invalid_value(
                "roleRef",
                {("APIGroup" if k == "ApiGroup" else k): v for k, v in found.items()},
                "cannot change roleRef",
            )
        )
    if kind.plural == "controllerrevisions" and new.get("data") != old.get("data"):
        causes.append(invalid_value("data", new.get("data"), "field is immutable"))
    return causes + (pod_rules.update(new, old) if kind.plural == "pods" else [])


def _spec(obj: Object, field: str) -> Any:
    return obj.get("spec", {}).get(field)


def _frozen_data(new: Object, old: Object) -> Causes:
    why = "field is immutable when `immutable` is set"
    changed = [field for field in ("data", "binaryData") if new.get(field) != old.get(field)]
    return [forbidden_field(field, why) for field in ([] if new.get("immutable") else ["immutable"]) + changed]


def metadata_changed(kind: Kind, name: str, field: str, value: Any, *, times: int = 1) -> Problem:
    """Return 422 for a change of a field of metadata that the server sets; some rules are checked several times."""
    found = invalid_value(f"metadata.{field}", value, "field is immutable")
    return invalid(kind.name, kind.group, name, [found] * times)
