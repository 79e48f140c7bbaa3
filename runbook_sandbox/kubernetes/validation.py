"""What the API server refuses with 422: names, required fields, and fields that must not change."""

from __future__ import annotations

import json
import re
from typing import Any

from runbook_sandbox.kubernetes import custom_kinds, structural
from runbook_sandbox.kubernetes.kinds import Kind, types
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.problems import Problem, cause, forbidden_field, invalid, required
from runbook_sandbox.kubernetes.selectors import matches

Causes = list[dict[str, str]]
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    r" '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',"
    "  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LABEL_NAMED = frozenset({"namespaces", "services"})
_FREE_NAMED = frozenset({"apiservices", "roles", "rolebindings", "clusterroles", "clusterrolebindings"})
_DAEMONS = ("daemonsets", "deployments", "replicasets", "statefulsets")
_REQUIRED_DATA = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/tls": "tls.crt",
}


def check(kind: Kind, new: Object, old: Object | None) -> None:
    """Raise Problem (422) for an object that the API server refuses."""
    causes = [*_name(kind, new), *_labels(new), *_required(kind, new), *_by_kind(kind, new)]
    if old is not None:
        causes += _immutable(kind, new, old)
    if causes:
        raise invalid(kind.name, kind.group, new["metadata"].get("name", ""), causes)


def _name(kind: Kind, obj: Object) -> Causes:
    name = obj["metadata"].get("name", "")
    if kind.plural in _FREE_NAMED:
        return []
    pattern, text = (_LABEL, _LABEL_TEXT) if kind.plural in _LABEL_NAMED else (_SUBDOMAIN, _SUBDOMAIN_TEXT)
    if pattern.fullmatch(name) and len(name) <= 253:
        return []
    return [_value("metadata.name", name, text)]


def _value(field: str, value: Any, text: str) -> dict[str, str]:
    return cause(field, f"Invalid value: {json.dumps(value, separators=(',', ':'))}: {text}")


def _labels(obj: Object) -> Causes:
    found = obj["metadata"].get("labels", {})
    return [
        _value("metadata.labels", value, _VALUE_TEXT) for value in found.values() if not _LABEL_VALUE.fullmatch(value)
    ]


def _required(kind: Kind, obj: Object) -> Causes:
    causes: Causes = []
    if kind.type:
        _missing(f"@{kind.type}", {**obj, "metadata": {}, "status": {}}, "", causes)
    return causes


def _missing(shape: Any, value: Any, path: str, causes: Causes) -> None:
    if isinstance(shape, dict) and isinstance(value, list):
        for index, item in enumerate(value):
            _missing(shape["list"], item, f"{path}[{index}]", causes)
    if not (isinstance(shape, str) and shape.startswith("@") and isinstance(value, dict)):
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
    if kind.plural in {"configmaps", "secrets"}:
        return [*_keys(obj), *(_secret_data(obj) if kind.plural == "secrets" else ())]
    if kind.plural in _DAEMONS:
        return _workload(obj)
    if kind.plural == "pods":
        return _pod(obj.get("spec", {}), "spec")
    return []


def _keys(obj: Object) -> Causes:
    return [
        _value(f"{field}[{key}]", key, _KEY_TEXT)
        for field in ("data", "binaryData")
        for key in obj.get(field, {})
        if not _CONFIG_KEY.fullmatch(key)
    ]


def _secret_data(obj: Object) -> Causes:
    key = _REQUIRED_DATA.get(obj.get("type", ""))
    return [required(f"data[{key}]")] if key and key not in obj.get("data", {}) else []


def _workload(obj: Object) -> Causes:
    spec = obj.get("spec", {})
    template, selector = spec.get("template", {}), spec.get("selector")
    causes = _pod(template.get("spec", {}), "spec.template.spec")
    if selector is not None and not matches(selector, template.get("metadata", {}).get("labels", {})):
        wrong = template.get("metadata", {}).get("labels")
        causes.append(_value("spec.template.metadata.labels", wrong, "`selector` does not match template `labels`"))
    return causes


def _pod(spec: dict[str, Any], path: str) -> Causes:
    causes: Causes = [] if spec.get("containers") else [required(f"{path}.containers")]
    for index, container in enumerate(spec.get("containers") or ()):
        if not container.get("image"):
            causes.append(required(f"{path}.containers[{index}].image"))
    names = [each.get("name") for each in spec.get("containers") or ()]
    repeated = [index for index, name in enumerate(names) if name in names[:index]]
    return causes + [
        cause(f"{path}.containers[{index}].name", f'Duplicate value: "{names[index]}"', "FieldValueDuplicate")
        for index in repeated
    ]


def _immutable(kind: Kind, new: Object, old: Object) -> Causes:
    causes: Causes = []
    if kind.plural in {"configmaps", "secrets"} and old.get("immutable"):
        causes += _frozen_data(new, old)
    if kind.plural == "secrets" and new.get("type") != old.get("type"):
        causes.append(_value("type", new.get("type"), "field is immutable"))
    if kind.plural in _DAEMONS and kind.group and _spec(new, "selector") != _spec(old, "selector"):
        causes.append(_value("spec.selector", _spec(new, "selector"), "field is immutable"))
    if kind.plural in {"rolebindings", "clusterrolebindings"} and new.get("roleRef") != old.get("roleRef"):
        causes.append(_value("roleRef", new.get("roleRef"), "cannot change roleRef"))
    return causes + (_pod_update(new, old) if kind.plural == "pods" else [])


def _spec(obj: Object, field: str) -> Any:
    return obj.get("spec", {}).get(field)


def _frozen_data(new: Object, old: Object) -> Causes:
    causes = (
        [] if new.get("immutable") else [forbidden_field("immutable", "field is immutable when `immutable` is set")]
    )
    return causes + [
        forbidden_field(field, "field is immutable when `immutable` is set")
        for field in ("data", "binaryData")
        if new.get(field) != old.get(field)
    ]


def _pod_update(new: Object, old: Object) -> Causes:
    if _fixed_part(new) == _fixed_part(old):
        return []
    why = (
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
        "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
    )
    return [forbidden_field("spec", why)]


def _fixed_part(pod: Object) -> dict[str, Any]:
    spec = {key: item for key, item in pod["spec"].items() if key not in {"activeDeadlineSeconds", "tolerations"}}
    for key in ("containers", "initContainers"):
        spec[key] = [{**each, "image": ""} for each in spec.get(key, ())]
    return spec


def metadata_changed(kind: Kind, name: str, field: str, value: Any) -> Problem:
    """Return 422 for a change of a field of metadata that the server sets."""
    return invalid(kind.name, kind.group, name, [_value(f"metadata.{field}", value, "field is immutable")])
