"""The columns of `kubectl get`, by resource: name, type, priority (1 is shown by `-o wide`) and value."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from runbook_sandbox.kubernetes.kinds import Custom
from runbook_sandbox.kubernetes.objects import Object, has_condition

Column = tuple[str, str, int, Callable[[Object], Any]]
_UNITS = (("d", 86400), ("h", 3600), ("m", 60))


def age(timestamp: str | None, end: str | None = None) -> str:
    """Return how long ago a time was, or was before another, as kubectl writes it: `5s`, `3m`, `4h`, `2d`."""
    if not timestamp:
        return "<unknown>"
    later = _moment(end) if end else datetime.now(UTC)
    seconds = int((later - _moment(timestamp)).total_seconds())
    for unit, size in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def at(*keys: str, default: Any = "") -> Callable[[Object], Any]:
    """Return what finds a value in an object, or the default where there is none."""

    def value(obj: Object) -> Any:
        found: Any = obj
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return default if found is None else found

    return value


def _count(*keys: str) -> Callable[[Object], int]:
    find = at(*keys, default=())
    return lambda obj: len(find(obj))


def _pod_ready(pod: Object) -> str:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return f"{sum(bool(each.get('ready')) for each in statuses)}/{len(pod['spec']['containers'])}"


def _pod_status(pod: Object) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status", {})
    for index, each in enumerate(status.get("initContainerStatuses", ())):
        waiting = each.get("state", {}).get("waiting", {}).get("reason", "")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        if not each.get("state", {}).get("terminated"):
            return f"Init:{index}/{len(status['initContainerStatuses'])}"
    for each in status.get("containerStatuses", ()):
        state = each.get("state", {})
        reason = state.get("waiting", {}).get("reason") or state.get("terminated", {}).get("reason")
        if reason:
            return str(reason)
    return str(status.get("reason") or status.get("phase", "Unknown"))


def _restarts(pod: Object) -> str:
    return str(sum(each.get("restartCount", 0) for each in pod.get("status", {}).get("containerStatuses", ())))


def _node_status(node: Object) -> str:
    ready = "Ready" if has_condition(node, "Ready") else "NotReady"
    return ready + (",SchedulingDisabled" if node.get("spec", {}).get("unschedulable") else "")


def _node_roles(node: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    found = [key.removeprefix(prefix) for key in node["metadata"].get("labels", {}) if key.startswith(prefix)]
    return ",".join(sorted(found)) or "<none>"


def _node_address(kind: str) -> Callable[[Object], str]:
    find = at("status", "addresses", default=())
    return lambda node: next((each["address"] for each in find(node) if each["type"] == kind), "<none>")


def _selector(*keys: str) -> Callable[[Object], str]:
    find = at(*keys, default={})
    return lambda obj: ",".join(f"{key}={value}" for key, value in sorted(find(obj).items())) or "<none>"


def _containers(field: str) -> Callable[[Object], str]:
    find = at("spec", "template", "spec", "containers", default=())
    return lambda obj: ",".join(each.get(field, "") for each in find(obj))


def _deployment_ready(obj: Object) -> str:
    return f"{obj.get('status', {}).get('readyReplicas', 0)}/{obj['spec'].get('replicas', 1)}"


def _event_object(event: Object) -> str:
    about = event.get("involvedObject") or event.get("regarding") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def _event_age(event: Object) -> str:
    times = (event.get("lastTimestamp"), event.get("deprecatedLastTimestamp"), event.get("eventTime"))
    return age(next((each for each in times if each), event["metadata"].get("creationTimestamp")))


def _node_port(port: dict[str, Any]) -> str:
    return f":{port['nodePort']}" if port.get("nodePort") else ""


def _ports(service: Object) -> str:
    return (
        ",".join(f"{port['port']}{_node_port(port)}/{port['protocol']}" for port in service["spec"].get("ports", ()))
        or "<none>"
    )


_STEP = re.compile(r"\.?([\w-]+)|\[(\d+)\]|\[\?\(@\.([\w-]+)==[\"']([^\"']*)[\"']\)\]")


def _found(value: Any, path: str) -> Any:
    """Return what a JSONPath of plain steps, indices and equality filters finds first."""
    for name, index, key, wanted in _STEP.findall(path):
        if name:
            value = value.get(name) if isinstance(value, dict) else None
        elif not isinstance(value, list):
            return None
        elif index:
            value = value[int(index)] if int(index) < len(value) else None
        else:
            value = next((each for each in value if str(each.get(key)) == wanted), None)
    return value


def _custom_column(column: dict[str, Any]) -> Column:
    path, kind = column["jsonPath"], column["type"]

    def cell(obj: Object) -> Any:
        found = _found(obj, path)
        return age(found) if kind == "date" and found else found

    return column["name"], kind, column.get("priority", 0), cell


def custom_columns(custom: Custom) -> tuple[Column, ...]:
    """Return the columns of a custom kind: those of its definition, or its age."""
    return (NAME, *map(_custom_column, custom.columns)) if custom.columns else (NAME, AGE)


NAME: Column = ("Name", "string", 0, lambda obj: obj["metadata"]["name"])
AGE: Column = ("Age", "string", 0, lambda obj: age(obj["metadata"].get("creationTimestamp")))
_IMAGES: tuple[Column, ...] = (
    ("Containers", "string", 1, _containers("name")),
    ("Images", "string", 1, _containers("image")),
    ("Selector", "string", 1, _selector("spec", "selector", "matchLabels")),
)
_DAEMON_COUNTS = (
    ("Desired", "desiredNumberScheduled"),
    ("Current", "currentNumberScheduled"),
    ("Ready", "numberReady"),
    ("Up-to-date", "updatedNumberScheduled"),
    ("Available", "numberAvailable"),
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "pods": (
        NAME,
        ("Ready", "string", 0, _pod_ready),
        ("Status", "string", 0, _pod_status),
        ("Restarts", "string", 0, _restarts),
        AGE,
        ("IP", "string", 1, at("status", "podIP", default="<none>")),
        ("Node", "string", 1, at("spec", "nodeName", default="<none>")),
        ("Nominated Node", "string", 1, at("status", "nominatedNodeName", default="<none>")),
        ("Readiness Gates", "string", 1, lambda _: "<none>"),
    ),
    "nodes": (
        NAME,
        ("Status", "string", 0, _node_status),
        ("Roles", "string", 0, _node_roles),
        AGE,
        ("Version", "string", 0, at("status", "nodeInfo", "kubeletVersion")),
        ("Internal-IP", "string", 1, _node_address("InternalIP")),
        ("External-IP", "string", 1, _node_address("ExternalIP")),
        ("OS-Image", "string", 1, at("status", "nodeInfo", "osImage", default="<unknown>")),
        ("Kernel-Version", "string", 1, at("status", "nodeInfo", "kernelVersion", default="<unknown>")),
        ("Container-Runtime", "string", 1, at("status", "nodeInfo", "containerRuntimeVersion", default="<unknown>")),
    ),
    "namespaces": (NAME, ("Status", "string", 0, at("status", "phase")), AGE),
    "configmaps": (
        NAME,
        ("Data", "string", 0, lambda obj: len(obj.get("data", {})) + len(obj.get("binaryData", {}))),
        AGE,
    ),
    "secrets": (NAME, ("Type", "string", 0, at("type")), ("Data", "string", 0, _count("data")), AGE),
    "services": (
        NAME,
        ("Type", "string", 0, at("spec", "type")),
        ("Cluster-IP", "string", 0, at("spec", "clusterIP", default="<none>")),
        ("External-IP", "string", 0, at("spec", "externalName", default="<none>")),
        ("Port(s)", "string", 0, _ports),
        AGE,
        ("Selector", "string", 1, _selector("spec", "selector")),
    ),
    "daemonsets.apps": (
        NAME,
        *((name, "integer", 0, at("status", field, default=0)) for name, field in _DAEMON_COUNTS),
        ("Node Selector", "string", 0, _selector("spec", "template", "spec", "nodeSelector")),
        AGE,
        *_IMAGES,
    ),
    "deployments.apps": (
        NAME,
        ("Ready", "string", 0, _deployment_ready),
        ("Up-to-date", "string", 0, at("status", "updatedReplicas", default=0)),
        ("Available", "string", 0, at("status", "availableReplicas", default=0)),
        AGE,
        *_IMAGES,
    ),
    "replicasets.apps": (
        NAME,
        ("Desired", "integer", 0, at("spec", "replicas")),
        ("Current", "integer", 0, at("status", "replicas", default=0)),
        ("Ready", "integer", 0, at("status", "readyReplicas", default=0)),
        AGE,
        *_IMAGES,
    ),
    "statefulsets.apps": (NAME, ("Ready", "string", 0, _deployment_ready), AGE, *_IMAGES[:2]),
    "leases.coordination.k8s.io": (NAME, ("Holder", "string", 0, at("spec", "holderIdentity")), AGE),
    "events": (
        ("Last Seen", "string", 0, _event_age),
        ("Type", "string", 0, at("type")),
        ("Reason", "string", 0, at("reason")),
        ("Object", "string", 0, _event_object),
        ("Subobject", "string", 1, at("involvedObject", "fieldPath")),
        ("Source", "string", 1, at("source", "component")),
        ("Message", "string", 0, lambda obj: obj.get("message") or obj.get("note", "")),
        ("First Seen", "string", 1, lambda obj: age(obj.get("firstTimestamp") or obj.get("eventTime"))),
        ("Count", "string", 1, lambda obj: str(obj.get("count") or obj.get("deprecatedCount") or 1)),
        ("Name", "string", 1, lambda obj: obj["metadata"]["name"]),
    ),
}
