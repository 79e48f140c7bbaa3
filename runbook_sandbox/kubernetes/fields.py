"""Sets of field paths in the form of `managedFields`, and what server-side apply does with them.

A set is a nested dict as in FieldsV1: `f:name` for a field, `k:{…}` for a list item by key, `v:…` for a set item,
`.` for the thing itself.
"""

from __future__ import annotations

import json
from typing import Any

from runbook_sandbox.kubernetes.kinds import types

Fields = dict[str, Any]
Path = tuple[str, ...]
# Fields that no manager owns.
_UNOWNED = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
        "generateName",
    }
)


def field_set(type_name: str, obj: dict[str, Any]) -> Fields:
    """Return the set of all fields that an object has."""
    shapes = types()[type_name]["fields"] if type_name else {}
    found = {
        f"f:{key}": _set_of(shapes.get(key), item)
        for key, item in obj.items()
        if key not in {"apiVersion", "kind", "metadata"}
    }
    owned = {key: item for key, item in obj.get("metadata", {}).items() if key not in _UNOWNED}
    if owned:
        found["f:metadata"] = {f"f:{key}": _set_of(_metadata_shape(key), item) for key, item in owned.items()}
    return found


def _metadata_shape(key: str) -> Any:
    return types()["meta.v1.ObjectMeta"]["fields"].get(key)


def _set_of(shape: Any, value: Any) -> Fields:
    if isinstance(value, dict) and not is_atomic(shape):
        shapes = types()[shape[1:]]["fields"] if isinstance(shape, str) and shape.startswith("@") else {}
        inner = shape.get("map") if isinstance(shape, dict) else None
        children = {f"f:{key}": _set_of(shapes.get(key, inner), item) for key, item in value.items()}
        # Structs are owned through their fields; maps and empty structs are owned as themselves too.
        return children if shapes and children else {".": {}} | children
    if isinstance(value, list) and isinstance(shape, dict) and "keys" in shape:
        return {".": {}} | {item_key(shape, item): _item_set(shape, item) for item in value}
    return {}


def is_atomic(shape: Any) -> bool:
    """Tell whether a struct is owned and replaced as a whole."""
    if isinstance(shape, str):
        return shape == "any" or (shape.startswith("@") and bool(types()[shape[1:]].get("atomic")))
    return False


def _item_set(shape: dict[str, Any], item: Any) -> Fields:
    return {".": {}} | _set_of(shape["list"], item) if shape["keys"] else {}


def item_key(shape: dict[str, Any], item: Any) -> str:
    """Return the path element of a list item."""
    if not shape["keys"]:
        return "v:" + json.dumps(item)
    default = {"protocol": "TCP"}
    keys = {
        key: item.get(key, default.get(key)) for key in shape["keys"] if item.get(key, default.get(key)) is not None
    }
    return "k:" + json.dumps(dict(sorted(keys.items())), separators=(",", ":"))


def paths(found: Fields, prefix: Path = ()) -> set[Path]:
    """Return the leaves of a set as paths."""
    leaves: set[Path] = set()
    for key, inner in found.items():
        path = (*prefix, key)
        leaves |= paths(inner, path) if inner else {path}
    return leaves


def from_paths(leaves: set[Path]) -> Fields:
    """Return the set with the given leaves."""
    found: Fields = {}
    for path in sorted(leaves):
        place = found
        for part in path:
            place = place.setdefault(part, {})
    return found


def text(path: Path) -> str:
    """Return a path as conflict messages write it: `.spec.containers[name="main"].image`."""
    return "".join(_element(part) for part in path if part != ".")


def _element(part: str) -> str:
    if part.startswith("f:"):
        return "." + part[2:]
    if part.startswith("v:"):
        return f"[={part[2:]}]"
    keys = json.loads(part[2:])
    return "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items()) + "]"


def value_at(type_name: str, obj: Any, path: Path) -> Any:
    """Return the value at a path of a set; None when there is none."""
    value, shape = obj, "@" + type_name if type_name else None
    for part in path:
        if part == ".":
            return True
        value, shape = _step(value, shape, part)
        if value is None:
            return None
    return value


def _step(value: Any, shape: Any, part: str) -> tuple[Any, Any]:
    if part.startswith("f:"):
        inner = child_shape(shape, part[2:])
        return (value.get(part[2:]) if isinstance(value, dict) else None), inner
    if not isinstance(value, list) or not isinstance(shape, dict):
        return None, None
    return next((item for item in value if item_key(shape, item) == part), None), shape["list"]


def child_shape(shape: Any, key: str) -> Any:
    """Return the shape of a field of a struct or map."""
    if isinstance(shape, str) and shape.startswith("@"):
        return types()[shape[1:]]["fields"].get(key)
    return shape.get("map") if isinstance(shape, dict) else None


def remove(type_name: str, obj: Any, path: Path) -> None:
    """Remove what a path names, in place; nothing happens when it is absent or not empty."""
    parent_path = path[:-2] if path[-1] == "." else path[:-1]
    last = path[-2] if path[-1] == "." and len(path) > 1 else path[-1]
    parent = value_at(type_name, obj, parent_path) if parent_path else obj
    if isinstance(parent, dict) and last.startswith("f:"):
        _remove_field(parent, last[2:], container=path[-1] == ".")
    elif isinstance(parent, list):
        shape = shape_at(type_name, parent_path)
        parent[:] = [item for item in parent if item_key(shape, item) != last]


def _remove_field(parent: dict[str, Any], key: str, *, container: bool) -> None:
    if not container or not parent.get(key):
        parent.pop(key, None)


def shape_at(type_name: str, path: Path) -> Any:
    """Return the shape of the field that a path names."""
    shape: Any = "@" + type_name if type_name else None
    for part in path:
        shape = child_shape(shape, part[2:]) if part.startswith("f:") else shape["list"]
    return shape
