"""The four kinds of PATCH, by content type."""

from __future__ import annotations

import json
from typing import Any

from runbook_sandbox import yaml_text
from runbook_sandbox.kubernetes import go_json, ownership, problems, versions, writing
from runbook_sandbox.kubernetes.decoding import Decoder, WrongType
from runbook_sandbox.kubernetes.go_json import complaint, decoded
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object, clone
from runbook_sandbox.kubernetes.patching import json_patch, merge_patch
from runbook_sandbox.kubernetes.requests import Request, Route
from runbook_sandbox.kubernetes.store import Store
from runbook_sandbox.kubernetes.strategic import strategic_merge

_JSON, _MERGE = "application/json-patch+json", "application/merge-patch+json"
_STRATEGIC, _APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


def patch(store: Store, route: Route, request: Request) -> tuple[int, Object, list[str]]:
    """Patch an object and return the HTTP code, the new object and what was wrong with the patch.

    The caller holds the store's lock.

    Raises:
        Problem: 400, 404, 409, 415 or 422, as the API server.
    """
    if request.content_type == _APPLY:
        return _apply(store, route, request)
    old = _stored(store, route)
    new, complaints = patched(route.kind, versions.shown(route.kind, old), request)
    stored = writing.replace(store, route, old, versions.stored(route.kind, new), request)
    return 200, stored, complaints


def patched(kind: Kind, shown: Object, request: Request) -> tuple[Object, list[str]]:
    """Return an object with the patch of a request, and unknown fields; raises Problem (400, 415 or 422)."""
    if request.content_type not in {_JSON, _MERGE, _STRATEGIC}:
        raise problems.unsupported_patch()
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
        what = "" if request.content_type == _STRATEGIC else "error decoding patch: "
        raise problems.bad_request(what + complaint(request.body, error)) from error


def _patched(kind: Kind, old: Object, document: Any, content_type: str) -> Any:
    if content_type == _JSON:
        return json_patch(old, document)
    if document is None and content_type == _MERGE:
        raise problems.bad_request("Invalid JSON Patch")
    if not isinstance(document, dict | None):
        what = "error decoding patch: " if content_type == _MERGE else ""
        raise problems.bad_request(
            f"{what}json: cannot unmarshal {go_json.kind(document)} into Go value of type map[string]interface {{}}"
        )
    if content_type == _MERGE:
        return merge_patch(old, document)
    if not kind.type:
        raise problems.unsupported_media()
    found = strategic_merge(kind.type, clone(old), document or {})
    return found | {key: old[key] for key in ("apiVersion", "kind")}


def _decoded(kind: Kind, patched: Any, request: Request) -> tuple[Object, list[str]]:
    decoder = Decoder(kind)
    if (patched.get("apiVersion"), patched.get("kind")) != (kind.group_version, kind.name):
        raise _unacceptable(patched, _another_kind(kind, patched))
    try:
        new = decoder.decode(patched)
    except WrongType as error:
        raise _unacceptable(patched, str(error)) from error
    if decoder.complaints and request.query.get("fieldValidation") == "Strict":
        raise _unacceptable(patched, decoder.summary())
    return new, decoder.complaints


def _another_kind(kind: Kind, patched: Any) -> str:
    name = f"{patched.get('apiVersion')}, Kind={patched.get('kind')}"
    return f"unable to convert {name} to {kind.group_version}, Kind={kind.name}"


def _unacceptable(patched: Any, why: str) -> problems.Problem:
    text = json.dumps(json.dumps(patched, separators=(",", ":")))
    return problems.invalid("", "", "", [problems.cause("patch", f"Invalid value: {text}: {why}")])


def _apply(store: Store, route: Route, request: Request) -> tuple[int, Object, list[str]]:
    manager = request.query.get("fieldManager")
    if not manager:
        raise problems.invalid(
            "PatchOptions", "meta.k8s.io", "", [problems.required("fieldManager", "is required for apply patch")]
        )
    wanted = _applied(route, request)
    live = store.get(route.kind.storage, route.namespace, route.name)
    if live is None:
        return 201, _apply_new(store, route, wanted, request), []
    _check_version(route, live, wanted)
    force = request.flag("force")
    shown = versions.shown(route.kind, live)
    new = ownership.apply(route.kind, shown, wanted, manager, force=force, subresource=route.subresource)
    new = versions.stored(route.kind, Decoder(route.kind).decode(new))
    return 200, writing.replace(store, route, live, new, request, track=False), []


def _check_version(route: Route, live: Object, wanted: Object) -> None:
    version = wanted["metadata"].pop("resourceVersion", "")
    if version and version != live["metadata"]["resourceVersion"]:
        raise problems.conflict(route.kind, route.name)


def _applied(route: Route, request: Request) -> Object:
    try:
        document = yaml_text.load(request.body)
    except yaml_text.YamlProblem as error:
        raise problems.bad_request(f"error decoding YAML: {error}") from error
    document = document if isinstance(document, dict) else {}
    version, name = document.get("apiVersion") or "", document.get("kind") or ""
    if not name or (version, name) != (route.kind.group_version, route.kind.name):
        group, _, short = str(version).rpartition("/")
        raise problems.bad_request(f"invalid object type: {group}/{short}, Kind={name}")
    if document.get("metadata", {}).get("managedFields"):
        raise problems.bad_request("metadata.managedFields must be nil")
    found = _typed(route.kind, document)
    found.setdefault("metadata", {}).setdefault("name", route.name)
    if route.kind.namespaced:
        found["metadata"].setdefault("namespace", route.namespace)
    return found


def _typed(kind: Kind, document: Object) -> Object:
    """Return an applied object as it was written; the schema knows no other fields, whatever the validation."""
    decoder = Decoder(kind, as_written=True)
    try:
        found = decoder.decode(document)
    except WrongType as error:
        raise _no_patch(kind, document, str(error)) from error
    if decoder.complaints:
        field = decoder.complaints[0].partition('"')[2].rstrip('"')
        raise _no_patch(kind, document, f".{field}: field not declared in schema")
    return found


def _no_patch(kind: Kind, document: Object, why: str) -> problems.Problem:
    found = document.get("metadata") or {}
    where = f"{found.get('namespace', '')}/{found.get('name', '')}; {kind.group}/{kind.version}, Kind={kind.name}"
    return problems.Problem(500, "", f"failed to create typed patch object ({where}): {why}")


def _apply_new(store: Store, route: Route, wanted: Object, request: Request) -> Object:
    if route.subresource:
        raise problems.not_found(route.kind, route.name)
    empty: Object = {key: wanted[key] for key in ("apiVersion", "kind")} | {"metadata": {}}
    new = Decoder(route.kind).decode(ownership.apply(route.kind, empty, wanted, request.manager, force=True))
    return writing.create(store, route, versions.stored(route.kind, new), request, track=False)
