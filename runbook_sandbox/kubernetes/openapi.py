"""OpenAPI v3 documents, as much as kubectl needs to apply, diff and validate."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.kinds import Kind, Kinds, types

Json = dict[str, Any]
_QUERY = ("dryRun", "fieldManager", "fieldValidation", "force")
_SCALARS: dict[str, Json] = {
    "int-or-string": {"type": "string", "format": "int-or-string"},
    "long": {"type": "integer", "format": "int64"},
    "quantity": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "bytes": {"type": "string", "format": "byte"},
    "any": {"type": "object"},
}


def index(kinds: Kinds) -> Json:
    """Return `/openapi/v3`: where each group version's document is."""
    names = [_path(group, version) for group, versions in kinds.group_versions().items() for version in versions]
    return {"paths": {name: {"serverRelativeURL": f"/openapi/v3/{name}"} for name in names}}


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def group_document(kinds: Kinds, name: str) -> Json | None:
    """Return the document of one group version, such as `apis/apps/v1`."""
    found = [each for each in kinds if _path(each.group, each.version) == name]
    if not found:
        return None
    schemas: dict[str, Json] = {}
    for each in found:
        if each.custom is not None:
            _add(schemas, "meta.v1.ObjectMeta")
            schemas[_custom_name(each)] = _custom(each)
            continue
        _add(schemas, each.type or "meta.v1.ObjectMeta")
        _mark(schemas, each)
    paths = {_object_path(name, each): {"patch": _patch(each), "post": _patch(each)} for each in found}
    info = {"title": "Kubernetes", "version": "v1.36.3"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _custom_name(kind: Kind) -> str:
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.name])


def _custom(kind: Kind) -> Json:
    text, metadata = {"type": "string"}, {"$ref": f"#/components/schemas/{_schema_name('meta.v1.ObjectMeta')}"}
    schema = dict(kind.custom.schema) if kind.custom else {}
    common = {"apiVersion": text, "kind": text, "metadata": {"allOf": [metadata]}}
    identity = {"group": kind.group, "kind": kind.name, "version": kind.version}
    fields = {**(schema.get("properties") or {}), **common}
    return schema | {"properties": fields, "x-kubernetes-group-version-kind": [identity]}


def _object_path(name: str, kind: Kind) -> str:
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    return f"/{name}{scope}/{kind.plural}/{{name}}"


def _patch(kind: Kind) -> Json:
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _QUERY]
    identity = {"group": kind.group, "kind": kind.name, "version": kind.version}
    return {
        "operationId": f"patch{kind.name}",
        "parameters": parameters,
        "responses": {},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": identity,
    }


def _mark(schemas: dict[str, Json], kind: Kind) -> None:
    if kind.type:
        identity = {"group": kind.group, "kind": kind.name, "version": kind.version}
        schemas[_schema_name(kind.type)]["x-kubernetes-group-version-kind"] = [identity]


def _schema_name(name: str) -> str:
    return f"io.k8s.apimachinery.pkg.apis.{name}" if name.startswith("meta.") else f"io.k8s.api.{name}"


def _add(schemas: dict[str, Json], name: str) -> None:
    """Add a type and all that it refers to."""
    key = _schema_name(name)
    if key in schemas:
        return
    found = types()[name]
    schemas[key] = {"type": "object"}
    fields = {field: _schema(schemas, shape) for field, shape in found["fields"].items()}
    if fields:
        schemas[key]["properties"] = fields
    if found.get("required"):
        schemas[key]["required"] = found["required"]
    for field in found.get("retainKeys", ()):
        old = fields[field].get("x-kubernetes-patch-strategy")
        fields[field]["x-kubernetes-patch-strategy"] = f"{old},retainKeys" if old else "retainKeys"


def _schema(schemas: dict[str, Json], shape: Any) -> Json:
    if isinstance(shape, dict):
        return _collection(schemas, shape)
    if shape.startswith("@"):
        _add(schemas, shape[1:])
        return {"allOf": [{"$ref": f"#/components/schemas/{_schema_name(shape[1:])}"}]}
    return dict(_SCALARS.get(shape, {"type": shape}))


def _collection(schemas: dict[str, Json], shape: Json) -> Json:
    if "map" in shape:
        return {"type": "object", "additionalProperties": _schema(schemas, shape["map"])}
    found: Json = {"type": "array", "items": _schema(schemas, shape["list"])}
    if "keys" in shape:
        found |= {"x-kubernetes-list-type": "map" if shape["keys"] else "set"}
        found |= {"x-kubernetes-list-map-keys": shape["keys"]} if shape["keys"] else {}
    if "merge" in shape:
        found |= {"x-kubernetes-patch-strategy": "merge"}
        found |= {"x-kubernetes-patch-merge-key": shape["merge"]} if shape["merge"] else {}
    return found
