"""Kinds that a CustomResourceDefinition adds to a cluster."""

from __future__ import annotations

import re
from typing import Any

from runbook_sandbox.kubernetes.kinds import Custom, Kind
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.problems import cause, required

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


def kinds_of(definition: Object) -> list[Kind]:
    """Return the kinds of a definition, one for each served version, the preferred one first."""
    versions = [each for each in definition["spec"]["versions"] if each.get("served")]
    return [_kind(definition["spec"], each) for each in sorted(versions, key=_order)]


def _order(version: dict[str, Any]) -> tuple[Any, ...]:
    """Stable versions come before beta and alpha ones, newer before older, and any other name last."""
    found = _VERSION.fullmatch(version["name"])
    if found is None:
        return (1, version["name"])
    maturity = {None: 0, "beta": 1, "alpha": 2}[found[2]]
    return (0, maturity, -int(found[1]), -int(found[3] or 0))


def _kind(spec: dict[str, Any], version: dict[str, Any]) -> Kind:
    names, below = spec["names"], version.get("subresources") or {}
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    custom = Custom(schema, tuple(version.get("additionalPrinterColumns") or ()), below.get("scale") or {})
    return Kind(
        spec["group"],
        version["name"],
        names["plural"],
        names["kind"],
        spec["scope"] == "Namespaced",
        names["singular"],
        tuple(names.get("shortNames") or ()),
        _VERBS,
        tuple(names.get("categories") or ()),
        subresources=frozenset(below),
        custom=custom,
    )


def fill(definition: Object) -> None:
    """Fill in the defaults of a definition, in place."""
    spec = definition.setdefault("spec", {})
    names = spec.setdefault("names", {})
    if names.get("kind"):
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})


def causes(definition: Object) -> list[dict[str, str]]:
    """Return why a definition is refused."""
    spec, name = definition["spec"], definition["metadata"]["name"]
    found = []
    if name != f"{spec['names'].get('plural')}.{spec.get('group')}":
        text = f'Invalid value: "{name}": must be spec.names.plural+"."+spec.group'
        found.append(cause("metadata.name", text))
    for index, version in enumerate(spec.get("versions") or ()):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            found.append(required(f"spec.versions[{index}].schema.openAPIV3Schema"))
    if sum(bool(each.get("storage")) for each in spec.get("versions") or ()) != 1:
        text = "must have exactly one version marked as storage version"
        found.append(cause("spec.versions", f"Invalid value: {len(spec.get('versions') or ())}: {text}"))
    return found
