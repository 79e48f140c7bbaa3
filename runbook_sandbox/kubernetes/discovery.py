"""The documents by which a client finds out what the server offers."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.kinds import Kind, Kinds, document

Json = dict[str, Any]
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
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


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
