"""Make `api.json` from the discovery and OpenAPI documents of a running kube-apiserver (`python -m … KUBECONFIG KUBECTL`).

The file holds the resources and, for each type, the names, shapes and merge rules of its fields; no descriptions.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_PREFIXES = (
    "io.k8s.api.",
    "io.k8s.apimachinery.pkg.apis.",
    "io.k8s.apimachinery.pkg.",
    "io.k8s.apiextensions-apiserver.pkg.apis.",
    "io.k8s.kube-aggregator.pkg.apis.",
)
# Types whose JSON is not the object that their Go struct suggests.
_SCALARS = {
    "api.resource.Quantity": "quantity",
    "util.intstr.IntOrString": "int-or-string",
    "meta.v1.Time": "time",
    "meta.v1.MicroTime": "time",
    "meta.v1.FieldsV1": "any",
    "runtime.RawExtension": "any",
    "meta.v1.Patch": "any",
    "apiextensions.v1.JSON": "any",
    "apiextensions.v1.JSONSchemaPropsOrArray": "any",
    "apiextensions.v1.JSONSchemaPropsOrBool": "any",
    "apiextensions.v1.JSONSchemaPropsOrStringArray": "any",
}
_FILE = Path(__file__).with_name("api.json")


def short_name(name: str) -> str:
    """Return a type's name without the prefix that all have."""
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def shape(schema: dict[str, Any]) -> Any:
    """Return the compact form of a field: a scalar's name, `@Type`, or a list or map with what it holds."""
    reference = schema.get("$ref") or next((part["$ref"] for part in schema.get("allOf", ()) if "$ref" in part), None)
    if reference:
        name = short_name(reference.rsplit("/", 1)[1])
        return _SCALARS.get(name, f"@{name}")
    if schema.get("type") == "array":
        return _list_shape(schema)
    if "additionalProperties" in schema:
        whole = {"atomic": True} if schema.get("x-kubernetes-map-type") == "atomic" else {}
        return {"map": shape(schema["additionalProperties"]), **whole}
    if schema.get("format") == "byte":
        return "bytes"
    if schema.get("type") == "integer" and schema.get("format") == "int64":
        return "long"
    return schema.get("type", "any") if schema.get("type") != "object" else "any"


def _list_shape(schema: dict[str, Any]) -> dict[str, Any]:
    found = {"list": shape(schema["items"])}
    if schema.get("x-kubernetes-list-type") in {"map", "set"}:
        found["keys"] = schema.get("x-kubernetes-list-map-keys", [])
    if "merge" in schema.get("x-kubernetes-patch-strategy", ""):
        found["merge"] = schema.get("x-kubernetes-patch-merge-key", "")
    return found


def type_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the compact form of an object type."""
    fields = {name: shape(each) for name, each in schema.get("properties", {}).items()}
    replaced = [
        name
        for name, each in schema.get("properties", {}).items()
        if "retainKeys" in each.get("x-kubernetes-patch-strategy", "")
    ]
    found: dict[str, Any] = {"fields": fields}
    # A struct that is no pointer is written even when it is empty; its schema has an empty default.
    values = [name for name, each in schema.get("properties", {}).items() if each.get("default") == {}]
    if values:
        found["values"] = values
    if schema.get("required"):
        found["required"] = schema["required"]
    if schema.get("x-kubernetes-map-type") == "atomic":
        found["atomic"] = True
    return found | ({"retainKeys": replaced} if replaced else {})


def read(kubectl: str, kubeconfig: str, path: str) -> dict[str, Any]:
    """Return one document of the server."""
    command = [kubectl, f"--kubeconfig={kubeconfig}", "get", "--raw", path]
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603
    return answer


def group_versions(kubectl: str, kubeconfig: str) -> list[str]:
    """Return the paths of all group versions, in the order in which the server names them."""
    groups = read(kubectl, kubeconfig, "/apis")["groups"]
    return ["api/v1", *(f"apis/{each['groupVersion']}" for group in groups for each in group["versions"])]


def collect(kubectl: str, kubeconfig: str) -> dict[str, Any]:
    """Return resources and types of all group versions that the server has."""
    resources, types, kinds, returned = [], {}, {}, []
    for group_version in group_versions(kubectl, kubeconfig):
        found = read(kubectl, kubeconfig, f"/{group_version}")["resources"]
        resources += [{"groupVersion": group_version.split("/", 1)[1], **each} for each in found]
        document = read(kubectl, kubeconfig, f"/openapi/v3/{group_version}")
        returned += returned_when_deleted(document["paths"])
        for name, schema in document["components"]["schemas"].items():
            types[short_name(name)] = type_of(schema)
            for gvk in schema.get("x-kubernetes-group-version-kind", ()):
                kinds[f"{gvk['group']}/{gvk['version']}/{gvk['kind']}"] = short_name(name)
    named = {key: name for key, name in kinds.items() if not key.endswith(("/DeleteOptions", "/WatchEvent"))}
    return {"resources": resources, "returned": sorted(returned), "kinds": named, "types": dict(sorted(types.items()))}


def returned_when_deleted(paths: dict[str, Any]) -> list[str]:
    """Return the kinds whose deletion is answered with the object instead of a Status."""
    deletions = (
        each["delete"] for each in paths.values() if each.get("delete", {}).get("x-kubernetes-action") == "delete"
    )
    found = []
    for each in deletions:
        answer = each["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        if not answer.endswith(".Status"):
            gvk = each["x-kubernetes-group-version-kind"]
            found.append(f"{gvk['group']}/{gvk['version']}/{gvk['kind']}")
    return found


if __name__ == "__main__":
    _FILE.write_text(json.dumps(collect(sys.argv[2], sys.argv[1]), separators=(",", ":"), sort_keys=True) + "\n")
