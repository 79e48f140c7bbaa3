"""What the API server refuses in a pod spec, of a pod or of a template.

Source: https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from runbook_sandbox.kubernetes import names
from runbook_sandbox.kubernetes.names import Causes, invalid_value
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.problems import cause, forbidden_field, required
from runbook_sandbox.kubernetes.quantities import amount

_PULL = ("Always", "IfNotPresent", "Never")
_RESTART = ("Always", "OnFailure", "Never")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
PORTS = "must be between 1 and 65535, inclusive"


def unsupported(field: str, value: Any, supported: Iterable[str]) -> dict[str, str]:
    """Return the cause of a value that is not one of a few."""
    listed = ", ".join(f'"{each}"' for each in supported)
    message = f'Unsupported value: "{value}": supported values: {listed}'
    return cause(field, message, "FieldValueNotSupported")


def duplicates(values: list[Any], field: str) -> Causes:
    """Return the causes of names that come again; `field` has a place for the index."""
    return [
        cause(field.format(index), f'Duplicate value: "{value}"', "FieldValueDuplicate")
        for index, value in enumerate(values)
        if value in values[:index]
    ]


def spec(found: dict[str, Any], path: str) -> Causes:
    """Return the causes for one pod spec."""
    causes: Causes = duplicates([each.get("name") for each in found.get("volumes", ())], f"{path}.volumes[{{}}].name")
    volumes = {each.get("name") for each in found.get("volumes", ())}
    if not found.get("containers"):
        causes.append(required(f"{path}.containers"))
    for kind in ("containers", "initContainers"):
        for index, each in enumerate(found.get(kind) or ()):
            causes += _container(each, f"{path}.{kind}[{index}]", volumes)
    listed = [each.get("name") for each in found.get("containers") or ()]
    causes += duplicates(listed, f"{path}.containers[{{}}].name")
    if found.get("restartPolicy") not in _RESTART:
        causes.append(unsupported(f"{path}.restartPolicy", found.get("restartPolicy"), _RESTART))
    causes += names.labels(found.get("nodeSelector") or {}, f"{path}.nodeSelector")
    for index, each in enumerate(found.get("tolerations", ())):
        causes += _toleration(each, f"{path}.tolerations[{index}].operator")
    return causes


def _container(found: dict[str, Any], path: str, volumes: set[Any]) -> Causes:
    causes: Causes = [] if found.get("name") else [required(f"{path}.name")]
    if found.get("name"):
        causes += [invalid_value(f"{path}.name", found["name"], text) for text in names.short_label(found["name"])]
    if not found.get("image"):
        causes.append(required(f"{path}.image"))
    for index, each in enumerate(found.get("ports", ())):
        causes += _port(each, f"{path}.ports[{index}]")
    for index, each in enumerate(found.get("env", ())):
        causes += [] if each.get("name") else [required(f"{path}.env[{index}].name")]
    for index, each in enumerate(found.get("volumeMounts", ())):
        if each.get("name") not in volumes:
            message = f'Not found: "{each.get("name")}"'
            causes.append(cause(f"{path}.volumeMounts[{index}].name", message, "FieldValueNotFound"))
    if found.get("imagePullPolicy") not in _PULL:
        causes.append(unsupported(f"{path}.imagePullPolicy", found.get("imagePullPolicy"), _PULL))
    return causes + _resources(found.get("resources", {}), f"{path}.resources")


def _port(found: dict[str, Any], path: str) -> Causes:
    number = found.get("containerPort")
    causes: Causes = [] if number else [required(f"{path}.containerPort")]
    if number and not 0 < number < 65536:
        causes.append(invalid_value(f"{path}.containerPort", number, PORTS))
    if found.get("protocol") not in _PROTOCOLS:
        causes.append(unsupported(f"{path}.protocol", found.get("protocol"), _PROTOCOLS))
    return causes


def _resources(found: dict[str, Any], path: str) -> Causes:
    causes = [
        invalid_value(f"{path}.{kind}[{name}]", text, "must be greater than or equal to 0")
        for kind in ("limits", "requests")
        for name, text in found.get(kind, {}).items()
        if amount(text) < 0
    ]
    for name, text in found.get("requests", {}).items():
        limit = found.get("limits", {}).get(name)
        if limit is not None and amount(text) > amount(limit):
            causes.append(
                invalid_value(f"{path}.requests", text, f"must be less than or equal to {name} limit of {limit}")
            )
    return causes


def _toleration(found: dict[str, Any], field: str) -> Causes:
    operator, causes = found.get("operator", ""), []
    if not found.get("key") and operator != "Exists":
        text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        causes.append(invalid_value(field, operator, text))
    if operator not in {"", "Equal", "Exists"}:
        causes.append(unsupported(field, operator, ("Equal", "Exists")))
    return causes


def update(new: Object, old: Object) -> Causes:
    """Return the causes of a change that a pod does not allow."""
    if len(new["spec"]["containers"]) != len(old["spec"]["containers"]):
        return [forbidden_field("spec.containers", "pod updates may not add or remove containers")]
    if _fixed_part(new) == _fixed_part(old):
        return []
    why = (
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
        "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
    )
    return [forbidden_field("spec", why)]


def _fixed_part(pod: Object) -> dict[str, Any]:
    fixed = {key: item for key, item in pod["spec"].items() if key not in {"activeDeadlineSeconds", "tolerations"}}
    for key in ("containers", "initContainers"):
        fixed[key] = [{**each, "image": ""} for each in fixed.get(key, ())]
    return fixed
