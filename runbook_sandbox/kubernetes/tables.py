"""The tables that `kubectl get` prints."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.other_columns import OTHERS
from runbook_sandbox.kubernetes.table_columns import AGE, COLUMNS, NAME, custom_columns


def table(
    kind: Kind, objects: list[Object], version: str, include: str, metadata: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the table of some objects, each row with its metadata, or with what `include` says."""
    columns = custom_columns(kind.custom) if kind.custom else (COLUMNS | OTHERS).get(kind.storage, (NAME, AGE))
    if metadata is None:
        metadata = {"resourceVersion": objects[0]["metadata"].get("resourceVersion", "")}
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": [_definition(*column[:3]) for column in columns],
        "rows": [
            {"cells": [column[3](each) for column in columns], "object": _object(each, include)} for each in objects
        ],
    }


def _definition(name: str, kind: str, priority: int) -> dict[str, Any]:
    form = "name" if name == "Name" else ""
    return {"name": name, "type": kind, "format": form, "description": "", "priority": priority}


def _object(obj: Object, include: str) -> Any:
    if include == "None":
        return None
    if include == "Object":
        return obj
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
