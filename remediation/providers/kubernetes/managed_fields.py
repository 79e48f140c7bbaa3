"""Who has set which field of an object, as the API server notes it in ``metadata.managedFields``.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers
"""

from __future__ import annotations

import json
from typing import Any

from remediation.model.changes import Change, Intent
from remediation.model.diffing import ABSENT, Path, State, get
from remediation.model.refs import FIELD_MANAGER

# What runs the cluster itself keeps its books in objects of others: revisions, replica counts, status.
_BOOKKEEPERS = ("kube-controller-manager", "kube-scheduler", "kube-apiserver", "kubelet", "cloud-controller-manager")
_AUTOSCALERS = ("cluster-autoscaler", "horizontal-pod-autoscaler", "vpa-")


def entries(raw: State) -> list[State]:
    """Return the managed fields of an object, none where its server keeps none."""
    return [item for item in raw.get("metadata", {}).get("managedFields") or [] if item.get("manager")]


def managers_of(raw: State, path: Path) -> set[str]:
    """Return who has set a field or anything below it; nobody for one that admission or a default has filled in."""
    return {item["manager"] for item in entries(raw) if _has(item.get("fieldsV1") or {}, raw, path)}


def _has(fields: State, value: Any, path: Path) -> bool:
    if not path or not fields:  # a leaf is owned with all that is in it
        return bool(path == () or fields == {})
    inner = get(value, path[:1])
    if path[0].startswith("[name="):
        return any(_has(below, inner, path[1:]) for key, below in fields.items() if _is_element(key, inner))
    below = fields.get(f"f:{path[0]}")
    return below is not None and _has(below, inner, path[1:])


def _is_element(key: str, element: Any) -> bool:
    """Tell whether ``k:{"containerPort":80,"protocol":"TCP"}`` means this element of a list."""
    if not key.startswith("k:") or not isinstance(element, dict):
        return False
    wanted = json.loads(key[2:])
    return all(element.get(name, "TCP" if name == "protocol" else None) == value for name, value in wanted.items())


def wrote(raw: State, change: Change, intent: Intent) -> bool:
    """Tell whether it was us who set the values of a change that is in place; its fields were different at the intent.

    The API server gives a field to whoever changed it last, so no clock is asked. What was only removed has no owner
    any more, and counts as ours when the object was written since.
    """
    if intent.version and raw["metadata"]["resourceVersion"] == intent.version:
        return False
    fields = [edit.path for edit in change.edits if edit.new is not ABSENT]
    return not entries(raw) or not fields or any(FIELD_MANAGER in managers_of(raw, path) for path in fields)


def is_bookkeeping(raw: State, path: Path, *, came_along: bool) -> bool:
    """Tell whether a field that we did not ask for is no work of a person: others may need it, but nobody made it by hand.

    Labels, annotations and the like go with the object they are on. What a default or admission has filled in when we made
    the object (``came_along``) counts as set by us until somebody else changes it. Any other part of its content that a person
    or a tool has added is work that would be lost, also where another run has changed it or put it back since.
    """
    if path[0] in ("metadata", "status"):
        return True
    if not entries(raw):  # nobody tells who it was
        return came_along
    ours = (FIELD_MANAGER,) if came_along else ()
    known = (*_BOOKKEEPERS, *_AUTOSCALERS)
    return all(name in ours or name.startswith(known) for name in managers_of(raw, path))
