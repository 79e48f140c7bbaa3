"""The four kinds of PATCH, by content type."""

from __future__ import annotations

import json
from typing import Any

from runbook_sandbox import yaml_text
from runbook_sandbox.kubernetes import ownership, problems, versions, writing
from runbook_sandbox.kubernetes.decoding import Decoder, WrongType
from runbook_sandbox.kubernetes.go_json import decoded
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object, clone
from runbook_sandbox.kubernetes.patching import json_patch, merge_patch
from runbook_sandbox.kubernetes.requests import Request, Route
from runbook_sandbox.kubernetes.store import Store
from runbook_sandbox.kubernetes.strategic import strategic_merge

_JSON, _MERGE = "application/json-patch+json", "application/merge-patch+json"
_STRATEGIC, _APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


def patch(store: Store, route: Route, request: Request) -> tuple[int, Object]:
    """Patch an object and return the HTTP code and the new object; the caller holds the store's lock.

    Raises:
        Problem: 400, 404, 409, 415 or 422, as the API server.
    """
    if request.content_type == _APPLY:
        return _apply(store, route, request)
    old = _stored(store, route)
    new = patched(route.kind, versions.shown(route.kind, old), request)
    return 200, writing.replace(store, route, old, versions.stored(route.kind, new), request)


def patched(kind: Kind, shown: Object, request: Request) -> Object:
    """Return an object with the patch of a request; raises Problem (400, 415 or 422)."""
    if request.content_type not in {_JSON, _MERGE, _STRATEGIC}:
        raise problems.unsupported_media()
    return _decoded(kind, _patched(kind, shown, _parse(request), request.content_type), request)


def _stored(store: Store, route: Route) -> Object:
    found = store.get(route.kind.storage, route.namespace, route.name)
    if found is None:
        raise problems.not_found(route.kind, route.name)
    return found


def _parse(request: Request) -> Any:
    try:
        return decoded(request.body) if request.content_type == _JSON else json.loads(request.body)
    except ValueError as error:
        raise problems.bad_request(f"error decoding patch: {error}") from error


def _patched(kind: Kind, old: Object, document: Any, content_type: str) -> Any:
    if content_type == _JSON:
        return json_patch(old, document)
    if not isinstance(document, dict):
        raise problems.bad_request("json: cannot unmarshal array into Go value of type map[string]interface {}")
    if content_type == _MERGE:
        return merge_patch(old, document)
    if not kind.type:
        raise problems.unsupported_media()
    return strategic_merge(kind.type, clone(old), document)


def _decoded(kind: Kind, patched: Any, request: Request, *, as_written: bool = False) -> Object:
    decoder = Decoder(kind, as_written=as_written)
    try:
        new = decoder.decode(patched)
    except WrongType as error:
        raise _unacceptable(patched, str(error)) from error
    if decoder.complaints and request.query.get("fieldValidation") == "Strict":
        raise _unacceptable(patched, decoder.summary())
    return new


def _unacceptable(patched: Any, why: str) -> problems.Problem:
    text = json.dumps(json.dumps(patched, separators=(",", ":")))
    return problems.invalid("", "", "", [problems.cause("patch", f"Invalid value: {text}: {why}")])


def _apply(store: Store, route: Route, request: Request) -> tuple[int, Object]:
    manager = request.query.get("fieldManager")
    if not manager:
        raise problems.invalid(
            "PatchOptions", "meta.k8s.io", "", [problems.required("fieldManager", "is required for apply patch")]
        )
    wanted = _applied(route, request)
    live = store.get(route.kind.storage, route.namespace, route.name)
    if live is None:
        return 201, _apply_new(store, route, wanted, request)
    _check_version(route, live, wanted)
    force = request.flag("force")
    new = ownership.apply(route.kind, live, wanted, manager, force=force, subresource=route.subresource)
    new = Decoder(route.kind).decode(new)
    return 200, writing.replace(store, route, live, new, request, track=False)


def _check_version(route: Route, live: Object, wanted: Object) -> None:
    version = wanted["metadata"].pop("resourceVersion", "")
    if version and version != live["metadata"]["resourceVersion"]:
        raise problems.conflict(route.kind, route.name)


def _applied(route: Route, request: Request) -> Object:
    try:
        document = yaml_text.load(request.body)
    except yaml_text.YamlProblem as error:
        raise problems.bad_request(f"error decoding YAML: {error}") from error
    if not isinstance(document, dict) or not document.get("kind") or not document.get("apiVersion"):
        raise problems.bad_request("invalid object type: /, Kind=")
    if document.get("metadata", {}).get("managedFields"):
        raise problems.bad_request("metadata.managedFields must be nil")
    found = _decoded(route.kind, document, request, as_written=True)
    found.setdefault("metadata", {}).setdefault("name", route.name)
    if route.kind.namespaced:
        found["metadata"].setdefault("namespace", route.namespace)
    return versions.stored(route.kind, found)


def _apply_new(store: Store, route: Route, wanted: Object, request: Request) -> Object:
    if route.subresource:
        raise problems.not_found(route.kind, route.name)
    empty: Object = {key: wanted[key] for key in ("apiVersion", "kind")} | {"metadata": {}}
    new = Decoder(route.kind).decode(ownership.apply(route.kind, empty, wanted, request.manager, force=True))
    return writing.create(store, route, new, request, track=False)
