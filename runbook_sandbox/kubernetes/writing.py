"""Create and update objects: the way from a request's body into the store."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes import (
    admission,
    custom_kinds,
    defaults,
    ownership,
    problems,
    structural,
    validation,
)
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object, clone, meta, new_uid, now, suffix
from runbook_sandbox.kubernetes.requests import Request, Route
from runbook_sandbox.kubernetes.store import Store

_EPHEMERAL = "ephemeralContainers"
_NAME_LIMIT = 63
# Kinds that are only updated with the version that the client has seen.
_CONDITIONAL = frozenset(
    {
        "csidrivers",
        "csinodes",
        "csistoragecapacities",
        "leases",
        "mutatingwebhookconfigurations",
        "poddisruptionbudgets",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
        "volumeattachments",
    }
)


def create(store: Store, route: Route, obj: Object, request: Request, *, track: bool = True) -> Object:
    """Store a new object and return it.

    Raises:
        Problem: 400, 403, 404, 409 or 422, as the API server.
    """
    kind = route.kind
    _place(store, route, obj)
    _identify(kind, obj, request)
    with store.lock:
        _refuse_taken(store, kind, obj)
        _fill_in(kind, obj)
        if track:  # owned is what a client sent, with defaults; what admission adds is nobody's
            ownership.track(kind, None, obj, request.manager)
        admission.admit_create(store, kind, obj)
        _fill_in(kind, obj)
        validation.check(kind, obj, None)
        return obj if request.is_dry_run else store.put(kind.storage, obj)


def _fill_in(kind: Kind, obj: Object) -> None:
    if kind.custom is not None:
        structural.fill(kind.custom.schema, obj)
    elif kind.storage == custom_kinds.DEFINITIONS:
        custom_kinds.fill(obj)
    else:
        defaults.fill_in(kind.storage, obj)


def _place(store: Store, route: Route, obj: Object) -> None:
    found = meta(obj)
    if not route.kind.namespaced:
        found.pop("namespace", None)
        return
    if found.setdefault("namespace", route.namespace) != route.namespace:
        raise problems.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    namespace = store.get("namespaces", "", route.namespace)
    if namespace is None:
        message = f'namespaces "{route.namespace}" not found'
        details = {"name": route.namespace, "kind": "namespaces"}
        raise problems.Problem(404, "NotFound", message, details)
    if namespace["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {route.namespace} because it is being terminated"
        raise problems.forbidden(route.kind.group, route.kind.plural, found.get("name", ""), why)


def _identify(kind: Kind, obj: Object, request: Request) -> None:
    found = meta(obj)
    if found.pop("resourceVersion", "") and not request.is_dry_run:
        raise problems.Problem(500, "", "resourceVersion should not be set on objects to be created")
    if not found.get("name"):
        if not found.get("generateName"):
            raise problems.invalid(
                kind.name, kind.group, "", [problems.required("metadata.name", "name or generateName is required")]
            )
        found["name"] = found["generateName"][: _NAME_LIMIT - 5] + suffix()
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
        found.pop(field, None)
    found["uid"], found["creationTimestamp"] = new_uid(), now()


def _refuse_taken(store: Store, kind: Kind, obj: Object) -> None:
    old = store.get(kind.storage, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
    if old is not None:
        going = bool(old["metadata"].get("deletionTimestamp"))
        raise problems.already_exists(kind, obj["metadata"]["name"], going=going)


def replace(store: Store, route: Route, old: Object, new: Object, request: Request, *, track: bool = True) -> Object:
    """Store another version of an object and return it; the caller holds the store's lock.

    Raises:
        Problem: 400, 409 or 422, as the API server.
    """
    kind = route.kind
    _check_identity(old, new, route, request)
    _keep_metadata(old, new)
    _keep_other_half(kind, old, new, route.subresource)
    if route.subresource in {"", "scale"}:
        _fill_in(kind, new)
        admission.admit_update(kind, new, old)
        validation.check(kind, new, old)
    if track:
        _track(kind, old, new, request.manager, route.subresource)
    if _is_released(new):
        if not request.is_dry_run:
            store.remove(kind.storage, route.namespace, route.name)
        return new
    return new if request.is_dry_run else store.put(kind.storage, new)


def _track(kind: Kind, old: Object, new: Object, manager: str, subresource: str) -> None:
    if _content(old) == _content(new):
        kept = old["metadata"].get("managedFields")
        new["metadata"].update({"managedFields": kept} if kept else {})
        return
    ownership.track(kind, old, new, manager, subresource)


def _content(obj: Object) -> Any:
    skipped = {"managedFields", "resourceVersion"}
    return {**obj, "metadata": {key: item for key, item in obj["metadata"].items() if key not in skipped}}


def _check_identity(old: Object, new: Object, route: Route, request: Request) -> None:
    """Refuse another name, namespace, uid, version or time of deletion than the object has."""
    kind, found, before = route.kind, meta(new), old["metadata"]
    name = found.get("name")
    if not name:
        raise problems.bad_request(
            f"the name of the object ({route.name} based on URL) was undeterminable: name must be provided"
        )
    if name != route.name:
        raise problems.bad_request(f"the name of the object ({name}) does not match the name on the URL ({route.name})")
    if kind.namespaced and found.setdefault("namespace", route.namespace) != route.namespace:
        raise problems.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if not found.get("resourceVersion") and kind.plural in _CONDITIONAL:
        why = problems.cause("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
        raise problems.invalid(kind.plural, kind.group, name, [why])
    version = found.get("resourceVersion") or before["resourceVersion"]
    if not version.isdigit():
        raise problems.Problem(500, "", f'strconv.ParseUint: parsing "{version}": invalid syntax')
    if version != before["resourceVersion"]:
        raise problems.conflict(kind, name)
    if found.get("uid") and found["uid"] != before["uid"]:
        raise _another_uid(old, found["uid"], route, request)
    if found.get("deletionTimestamp", before.get("deletionTimestamp")) != before.get("deletionTimestamp"):
        raise validation.metadata_changed(kind, name, "deletionTimestamp", found["deletionTimestamp"], times=2)


def _another_uid(old: Object, uid: str, route: Route, request: Request) -> problems.Problem:
    kind, name = route.kind, route.name
    if request.method != "PUT":
        return validation.metadata_changed(kind, name, "uid", uid, times=2)
    why = (
        f"StorageError: invalid object, Code: 4, Key: {_key(route)}, ResourceVersion: 0, AdditionalErrorMsg:"
        f" Precondition failed: UID in precondition: {uid}, UID in object meta: {old['metadata']['uid']}"
    )
    return problems.conflict(kind, name, why)


def _key(route: Route) -> str:
    return "/".join(part for part in ("/registry", route.kind.plural, route.namespace, route.name) if part)


def _keep_metadata(old: Object, new: Object) -> None:
    found, before = meta(new), old["metadata"]
    for field in (
        "uid",
        "creationTimestamp",
        "resourceVersion",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    ):
        found.pop(field, None)
        if field in before:
            found[field] = before[field]


def _keep_other_half(kind: Kind, old: Object, new: Object, subresource: str) -> None:
    if subresource in {"status", "approval"}:
        kept = [key for key in old if key not in {"status", "metadata"}]
        for key in kept:
            new[key] = clone(old[key])
    elif subresource == "ephemeralcontainers":
        added = (new.get("spec") or {}).get(_EPHEMERAL)
        new |= {key: clone(old[key]) for key in old if key != "metadata"}
        new["spec"] |= {_EPHEMERAL: added} if added else {}
    elif "status" in kind.subresources:
        new.pop("status", None)
        if "status" in old:
            new["status"] = clone(old["status"])


def _is_released(obj: Object) -> bool:
    found = obj["metadata"]
    waits = found.get("finalizers") or (obj.get("kind") == "Namespace" and obj.get("spec", {}).get("finalizers"))
    grace = found.get("deletionGracePeriodSeconds", 0)
    return bool(found.get("deletionTimestamp")) and not waits and not grace
