"""Small functions on Kubernetes objects as JSON."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

Object = dict[str, Any]
# Kubernetes' own alphabet for generated names: no vowels and no look-alikes.
_NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def clone(value: Any) -> Any:
    """Return a deep copy of a JSON value."""
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}
    return [clone(item) for item in value] if isinstance(value, list) else value


def now(ahead: float = 0) -> str:
    """Return the present time as the API writes it, in whole seconds, or one so many seconds ahead."""
    return (datetime.now(UTC) + timedelta(seconds=ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_now() -> str:
    """Return the present time as the API writes it, in microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_uid() -> str:
    """Return a random uid."""
    return str(uuid.uuid4())


def suffix(length: int = 5) -> str:
    """Return the random end of a generated name."""
    return "".join(random.choices(_NAME_LETTERS, k=length))  # noqa: S311 - names are no secrets


def digest(value: Any, length: int = 10) -> str:
    """Return a short stable hash of a JSON value, in the letters of generated names."""
    number = int(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest(), 16)
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(_NAME_LETTERS))
        letters.append(_NAME_LETTERS[rest])
    return "".join(letters)


def meta(obj: Object) -> dict[str, Any]:
    """Return an object's metadata; an absent one is added."""
    found: dict[str, Any] = obj.setdefault("metadata", {})
    return found


def labels(obj: Object) -> dict[str, str]:
    """Return an object's labels, perhaps none."""
    found: dict[str, str] = obj.get("metadata", {}).get("labels") or {}
    return found


def name_of(obj: Object) -> tuple[str, str]:
    """Return an object's namespace (empty for a cluster-scoped one) and name."""
    found = obj["metadata"]
    return found.get("namespace", ""), found["name"]


def controller_of(obj: Object) -> dict[str, Any] | None:
    """Return the owner reference of the controller, if there is one."""
    owners = obj["metadata"].get("ownerReferences", ())
    return next((owner for owner in owners if owner.get("controller")), None)


def owner_reference(owner: Object) -> dict[str, Any]:
    """Return the owner reference that a controller puts on what it makes."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(kind: str, *, holds: bool, reason: str = "", message: str = "") -> dict[str, Any]:
    """Return a status condition that changed just now."""
    found: dict[str, Any] = {"type": kind, "status": "True" if holds else "False", "lastTransitionTime": now()}
    return found | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})


def set_condition(status: dict[str, Any], new: dict[str, Any]) -> None:
    """Replace a condition; its transition time moves only when its status does."""
    conditions = status.setdefault("conditions", [])
    for index, old in enumerate(conditions):
        if old["type"] == new["type"]:
            same = old.get("status") == new["status"]
            conditions[index] = new | {"lastTransitionTime": old.get("lastTransitionTime", now())} if same else new
            return
    conditions.append(new)


def has_condition(obj: Object, kind: str) -> bool:
    """Tell whether a status condition is True."""
    return any(
        each["type"] == kind and each["status"] == "True" for each in obj.get("status", {}).get("conditions", ())
    )
