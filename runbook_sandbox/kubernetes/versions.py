"""One object in several versions: the one that is stored, and those that clients ask for.

Events are stored as `v1`, autoscalers as `autoscaling/v2`, objects of custom kinds as they came.
"""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object

_EVENT_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "count": "deprecatedCount",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "reportingComponent": "reportingController",
}
_ALWAYS: dict[str, Any] = {
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
    "source": {},
}
_EVENT_BACK = {new: old for old, new in _EVENT_NAMES.items()}


_AUTOSCALERS = "horizontalpodautoscalers"
_UTILIZATION = "targetCPUUtilizationPercentage"


def shown(kind: Kind, obj: Object) -> Object:
    """Return a stored object in the version of the kind."""
    if kind.plural == "events":
        obj = _ALWAYS | obj
    if kind.plural == "events" and kind.group:
        renamed = {_EVENT_NAMES.get(key, key): item for key, item in obj.items()}
        return renamed | {"apiVersion": kind.group_version}
    if kind.plural == _AUTOSCALERS and kind.version == "v1":
        return _first_version(obj)
    if kind.custom is not None and obj["apiVersion"] != kind.group_version:
        return obj | {"apiVersion": kind.group_version}
    return obj


def stored(kind: Kind, obj: Object) -> Object:
    """Return an object as it is stored."""
    if kind.plural == "events" and kind.group:
        return {_EVENT_BACK.get(key, key): item for key, item in obj.items()} | {"apiVersion": "v1"}
    if kind.plural == _AUTOSCALERS and kind.version == "v1":
        return _second_version(obj)
    return obj


def _second_version(scaler: Object) -> Object:
    spec = dict(scaler.get("spec") or {})
    percent = spec.pop(_UTILIZATION, None)
    if percent is not None:
        spec["metrics"] = [_metric(percent)]
    return scaler | {"apiVersion": "autoscaling/v2", "spec": spec}


def _metric(percent: Any) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _first_version(scaler: Object) -> Object:
    """Return an autoscaler as `autoscaling/v1` shows it, which knows of metrics only the share of CPU."""
    spec = {key: item for key, item in scaler["spec"].items() if key not in {"metrics", "behavior"}}
    for metric in scaler["spec"].get("metrics") or ():
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu" and "averageUtilization" in resource["target"]:
            spec[_UTILIZATION] = resource["target"]["averageUtilization"]
    status = {key: scaler["status"][key] for key in ("currentReplicas", "desiredReplicas") if key in scaler["status"]}
    return scaler | {"apiVersion": "autoscaling/v1", "spec": spec, "status": status}
