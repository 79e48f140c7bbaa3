"""One request of the differential test, and the words that all of them use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runbook_sandbox.kubernetes.kinds import Kind

JSON, YAML = "application/json", "application/yaml"
JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
PARTIAL = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"}
PARTIAL_LIST = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"}


@dataclass(frozen=True)
class Ask:
    """A request; `{uid}` and `{version}` in it stand for what this server last told of the object at the path.

    Attributes:
        name: what it tries, unique in the corpus; the list of known differences goes by it.
        body: bytes or text as they are, None for no body, anything else as JSON.
    """

    name: str
    method: str
    path: str
    body: Any = None
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def data(self) -> bytes | None:
        """Return the body as it is sent, before the marks are filled in."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        return (
            self.body.encode() if isinstance(self.body, str) else json.dumps(self.body, separators=(",", ":")).encode()
        )

    @property
    def address(self) -> str:
        """Return the path without the query."""
        return self.path.partition("?")[0]


def collection(kind: Kind, namespace: str) -> str:
    """Return the path of all objects of a kind, in a namespace where it has them."""
    root = f"/apis/{kind.group_version}" if kind.group else f"/api/{kind.version}"
    return f"{root}/namespaces/{namespace}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"


def manifest(kind: Kind, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole object."""
    return {"apiVersion": kind.group_version, "kind": kind.name, "metadata": {"name": name}, **fields}
