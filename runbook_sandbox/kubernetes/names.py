"""The syntax of names, keys, labels and finalizers, and the API server's sentences about what breaks it.

Source: https://github.com/kubernetes/apimachinery/blob/master/pkg/util/validation/validation.go
"""

from __future__ import annotations

import json
import re
from typing import Any

from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.problems import cause, forbidden_field

Causes = list[dict[str, str]]
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_KEY_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
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
_CONFIG_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',"
    "  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_NAME_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    " (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
    " '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_PREFIX_TEXT = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
_FINALIZERS = ("orphan", "foregroundDeletion")
_STANDARD_FINALIZERS = frozenset({*_FINALIZERS, "kubernetes"})
_ANNOTATIONS_LIMIT = 256 * 1024


def invalid_value(field: str, value: Any, text: str) -> dict[str, str]:
    """Return the cause of a value that breaks a rule."""
    shown = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return cause(field, f"Invalid value: {shown}: {text}")


def subdomain(name: str) -> list[str]:
    """Return what is wrong with the name of most objects."""
    long = ["must be no more than 253 characters"] if len(name) > 253 else []
    return long + ([] if _SUBDOMAIN.fullmatch(name) else [_SUBDOMAIN_TEXT])


def label(name: str) -> list[str]:
    """Return what is wrong with a name that becomes part of a host name."""
    if "." in name:
        return ["must not contain dots"]
    long = ["must be no more than 63 characters"] if len(name) > 63 else []
    return long + ([] if _LABEL.fullmatch(name) else [_LABEL_TEXT])


def short_label(name: str) -> list[str]:
    """Return what is wrong with a name inside an object, such as that of a container."""
    long = ["must be no more than 63 characters"] if len(name) > 63 else []
    return long + ([] if _LABEL.fullmatch(name) else [_LABEL_TEXT])


def path_segment(name: str) -> list[str]:
    """Return what is wrong with a name that may be nearly anything, such as that of a role."""
    if name in {".", ".."}:
        return [f"may not be '{name}'"]
    return [f"may not contain '{each}'" for each in "/%" if each in name]


def qualified(key: str) -> list[str]:
    """Return what is wrong with the key of a label, an annotation or a finalizer."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        return [f"a valid label key {_NAME_TEXT} {_PREFIX_TEXT}"]
    found = []
    if slash and not prefix:
        found.append("prefix part must be non-empty")
    elif slash:
        found += [f"prefix part {text}" for text in subdomain(prefix)]
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append("name part must be no more than 63 bytes")
    return found if _KEY_NAME.fullmatch(name) else [*found, f"name part {_NAME_TEXT}"]


def label_value(value: str) -> list[str]:
    """Return what is wrong with the value of a label."""
    long = ["must be no more than 63 bytes"] if len(value.encode()) > 63 else []
    return long + ([] if _LABEL_VALUE.fullmatch(value) else [_VALUE_TEXT])


def config_key(key: str) -> list[str]:
    """Return what is wrong with a key of a ConfigMap or Secret."""
    long = ["must be no more than 253 characters"] if len(key) > 253 else []
    if not _CONFIG_KEY.fullmatch(key):
        return [*long, _CONFIG_TEXT]
    if key in {".", ".."}:
        return [*long, f"must not be '{key}'"]
    return [*long, "must not start with '..'"] if key.startswith("..") else long


def labels(found: dict[str, str], field: str) -> Causes:
    """Return the causes of labels that break the rules."""
    return [
        invalid_value(field, what, text)
        for key, value in found.items()
        for what, text in [(key, each) for each in qualified(key)] + [(value, each) for each in label_value(value)]
    ]


def metadata(obj: Object) -> Causes:
    """Return the causes of labels, annotations, finalizers and owners that break the rules."""
    found = obj["metadata"]
    return [
        *_owners(found.get("ownerReferences") or []),
        *_finalizers(found.get("finalizers") or []),
        *labels(found.get("labels") or {}, "metadata.labels"),
        *_annotations(found.get("annotations") or {}),
    ]


def _annotations(found: dict[str, str]) -> Causes:
    causes = [invalid_value("metadata.annotations", key, text) for key in found for text in qualified(key.lower())]
    if sum(len(key.encode()) + len(value.encode()) for key, value in found.items()) > _ANNOTATIONS_LIMIT:
        causes.append(
            cause(
                "metadata.annotations",
                f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes",
                "FieldValueTooLong",
            )
        )
    return causes


def _finalizers(found: list[str]) -> Causes:
    causes = []
    for index, each in enumerate(found):
        causes += [invalid_value("metadata.finalizers", each, text) for text in qualified(each)]
        if "/" not in each and each not in _STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            causes.append(invalid_value(f"metadata.finalizers[{index}]", each, text))
    if {*_FINALIZERS} <= {*found}:
        text = "finalizer orphan and foregroundDeletion cannot be both set"
        causes.append(invalid_value("metadata.finalizers", found, text))
    return causes


def _owners(found: list[dict[str, Any]]) -> Causes:
    causes = []
    for each in found:
        for name, text in (
            ("apiVersion", "version must not be empty"),
            *((n, "must not be empty") for n in ("kind", "name", "uid")),
        ):
            if not each.get(name):
                causes.append(invalid_value(f"metadata.ownerReferences.{name}", "", text))
    controllers = [f"{each.get('kind')}/{each.get('name')}" for each in found if each.get("controller")]
    if len(controllers) > 1:
        text = (
            'Only one reference can have Controller set to true. Found "true" in references for'
            f" {' and '.join(controllers[:2])}"
        )
        causes.append(invalid_value("metadata.ownerReferences", found, text))
    return causes


def kept(new: Object, old: Object) -> Causes:
    """Return the causes of finalizers that are added to an object which is being deleted."""
    if not old["metadata"].get("deletionTimestamp"):
        return []
    before = old["metadata"].get("finalizers") or []
    added = [each for each in new["metadata"].get("finalizers") or [] if each not in before]
    listed = ", ".join(json.dumps(each) for each in added)
    why = "no new finalizers can be added if the object is being deleted, found new finalizers []string{" + listed + "}"
    return [forbidden_field("metadata.finalizers", why)] if added else []
