"""The `scale` of a workload: how many replicas it wants and has, in one shape for all kinds."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes import patches, problems, writing
from runbook_sandbox.kubernetes.bodies import decode_body
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object, clone
from runbook_sandbox.kubernetes.requests import Request, Route
from runbook_sandbox.kubernetes.selectors import text_of
from runbook_sandbox.kubernetes.store import Store

SCALE = Kind("autoscaling", "v1", "scales", "Scale", type="autoscaling.v1.Scale")
_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


_PLACES = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}


def scale_of(kind: Kind, obj: Object) -> Object:
    """Return the scale of a workload."""
    found, places = obj["metadata"], kind.custom.scale if kind.custom else _PLACES
    wanted, present = (_at(obj, places[name]) or 0 for name in _PLACES)
    selector = _at(obj, places["labelSelectorPath"]) if "labelSelectorPath" in places else ""
    if kind.custom is None:
        selector = text_of((obj.get("spec") or {}).get("selector"))
    return {
        "kind": SCALE.name,
        "apiVersion": SCALE.group_version,
        "metadata": {key: found[key] for key in _METADATA if key in found},
        "spec": {"replicas": wanted} if wanted else {},
        "status": {"replicas": present} | ({"selector": selector} if selector else {}),
    }


def rescale(store: Store, route: Route, request: Request) -> Object:
    """Replace or patch the scale of a workload and return the workload; the caller holds the store's lock.

    Raises:
        Problem: 400, 404, 409 or 422, as the API server.
    """
    old = store.get(route.kind.storage, route.namespace, route.name)
    if old is None:
        raise problems.not_found(route.kind, route.name)
    present = scale_of(route.kind, old)
    wanted = _replaced(request) if request.method == "PUT" else patches.patched(SCALE, present, request)[0]
    version = wanted["metadata"].get("resourceVersion")
    if version and version != old["metadata"]["resourceVersion"]:
        raise problems.conflict(route.kind, route.name)
    new = clone(old)
    place = route.kind.custom.scale["specReplicasPath"] if route.kind.custom else _PLACES["specReplicasPath"]
    *parents, last = place.strip(".").split(".")
    below: Any = new
    for key in parents:
        below = below.setdefault(key, {})
    below[last] = _count(route.name, wanted)
    return writing.replace(store, route, old, new, request)


def _at(obj: Any, place: str) -> Any:
    for key in place.strip(".").split("."):
        obj = obj.get(key) if isinstance(obj, dict) else None
    return obj


def _replaced(request: Request) -> Object:
    found, _ = decode_body(SCALE, request.body, request.content_type)
    found.setdefault("metadata", {})
    return found


def _count(name: str, scale: Object) -> int:
    count: Any = (scale.get("spec") or {}).get("replicas", 0)
    if count < 0:
        why = f"Invalid value: {count}: must be greater than or equal to 0"
        raise problems.invalid(SCALE.name, SCALE.group, name, [problems.cause("spec.replicas", why)])
    return int(count)
