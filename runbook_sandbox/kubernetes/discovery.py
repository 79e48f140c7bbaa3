"""The documents by which a client finds out what the server offers."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.kinds import Kind, Kinds, document

Json = dict[str, Any]
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.3",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}


def core_versions(host: str) -> Json:
    """Return `/api`."""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def groups(kinds: Kinds) -> Json:
    """Return `/apis`."""
    found = [group(name, versions) for name, versions in kinds.group_versions().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def group(name: str, versions: list[str]) -> Json:
    """Return one group, as in `/apis` and at `/apis/NAME`."""
    found = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": found, "preferredVersion": found[0]}


def resources(kinds: Kinds, group_version: str) -> Json:
    """Return the resources of one group version."""
    rows = [row for row in document()["resources"] if row["groupVersion"] == group_version]
    known = {row["name"] for row in rows}
    added = [each for each in kinds if each.group_version == group_version and each.plural not in known]
    found = [{key: item for key, item in row.items() if key != "groupVersion"} for row in rows]
    found += [row for each in added for row in _rows(each)]
    version = {} if group_version == "v1" else {"apiVersion": "v1"}  # the oldest group does not tell it
    return {"kind": "APIResourceList", **version, "groupVersion": group_version, "resources": found}


def is_aggregated(accept: str) -> bool:
    """Tell whether a client takes all groups, versions and resources in one answer, as kubectl does."""
    parts = (part.replace(" ", "").split(";") for part in accept.split(","))
    return any({"as=APIGroupDiscoveryList", "g=apidiscovery.k8s.io", "v=v2"} <= {*words} for words in parts)


def aggregated(kinds: Kinds, *, core: bool) -> Json:
    """Return everything below `/api` or `/apis` in one document."""
    found = {name: versions for name, versions in kinds.group_versions().items() if (not name) is core}
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [_version(kinds, name, version) for version in versions],
        }
        for name, versions in found.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _version(kinds: Kinds, group_name: str, version: str) -> Json:
    rows = resources(kinds, f"{group_name}/{version}".lstrip("/"))["resources"]
    below: dict[str, list[Json]] = {}
    for row in rows:
        owner, _, name = row["name"].partition("/")
        if name:
            inner = {"subresource": name, "responseKind": _response_kind(row), "verbs": row["verbs"]}
            below.setdefault(owner, []).append(inner)
    found = [_resource(row, below.get(row["name"], [])) for row in rows if "/" not in row["name"]]
    return {"version": version, "resources": found, "freshness": "Current"}


def _resource(row: Json, below: list[Json]) -> Json:
    found = {
        "resource": row["name"],
        "responseKind": _response_kind(row),
        "scope": "Namespaced" if row["namespaced"] else "Cluster",
        "singularResource": row["singularName"],
        "verbs": row["verbs"],
    }
    found |= {key: row[key] for key in ("shortNames", "categories") if key in row}
    return found | ({"subresources": below} if below else {})


def _response_kind(row: Json) -> Json:
    return {"group": row.get("group", ""), "version": row.get("version", ""), "kind": row["kind"]}


def _rows(kind: Kind) -> list[Json]:
    row: Json = {
        "name": kind.plural,
        "singularName": kind.singular or kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    return [row, *(_below(kind, name) for name in sorted(kind.subresources, reverse=True))]


def _below(kind: Kind, name: str) -> Json:
    row = {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced}
    scale = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    return row | (scale if name == "scale" else {"kind": kind.name}) | {"verbs": ["get", "patch", "update"]}
