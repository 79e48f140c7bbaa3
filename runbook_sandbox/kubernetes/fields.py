"""Sets of field paths in the form of `managedFields`, and what server-side apply does with them.

A path is a tuple of `f:name` for a field, `k:{…}` for a list item by key, `v:…` for a set item. In FieldsV1, a nested
dict, a thing that is owned itself beside what is in it has the key `.`.

Source: https://github.com/kubernetes-sigs/structured-merge-diff (typed/tofieldset.go and typed/compare.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from runbook_sandbox.kubernetes.kinds import types

Fields = dict[str, Any]
Path = tuple[str, ...]
# Fields that no manager owns.
_UNOWNED = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
)


def applied(type_name: str, obj: dict[str, Any]) -> set[Path]:
    """Return what a manager that applies the object owns: its values, and the items of its lists and maps."""
    return {path for path, _, owned in _walk_object(type_name, obj) if owned}


def places(type_name: str, obj: dict[str, Any] | None) -> dict[Path, Any]:
    """Return the value at every place of an object, the places that every object of the type has included.

    Structs, maps and lists that are no single value stand for themselves by an empty one.
    """
    found = {path: leaf for path, leaf, _ in _walk_object(type_name, obj or {})}
    return dict(_always("@" + type_name if type_name else None, ())) | found


def _always(shape: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield the structs that Go always has, because they are no pointers, and the lists that it always writes."""
    if not (isinstance(shape, str) and shape.startswith("@")):
        return
    found = types()[shape[1:]]
    for name in (*found.get("values", ()), *found.get("required", ())):
        inner, below = found["fields"][name], (*path, f"f:{name}")
        if isinstance(inner, dict) or (isinstance(inner, str) and inner.startswith("@")):
            yield below, [] if isinstance(inner, dict) and "list" in inner else {}
            yield from _always(inner, below) if name in found.get("values", ()) else ()


def _walk_object(type_name: str, obj: dict[str, Any]) -> Iterator[tuple[Path, Any, bool]]:
    shapes = types()[type_name]["fields"] if type_name else {}
    for key, item in obj.items():
        if key not in {"apiVersion", "kind", "metadata"}:
            yield from _walk(shapes.get(key), item, (f"f:{key}",), owned=not shapes)
    for key, item in obj.get("metadata", {}).items():
        if key not in _UNOWNED:
            yield from _walk(_metadata_shape(key), item, ("f:metadata", f"f:{key}"), owned=False)


def _metadata_shape(key: str) -> Any:
    return types()["meta.v1.ObjectMeta"]["fields"].get(key)


def _walk(shape: Any, value: Any, path: Path, *, owned: bool) -> Iterator[tuple[Path, Any, bool]]:
    """Yield each place at or below a path, its value where it is a single one, and whether who applies it owns it."""
    if isinstance(value, dict) and value and not is_atomic(shape):
        yield path, {}, owned
        shapes = types()[shape[1:]]["fields"] if isinstance(shape, str) and shape.startswith("@") else {}
        inner = shape.get("map") if isinstance(shape, dict) else None
        for key, item in value.items():
            yield from _walk(shapes.get(key, inner), item, (*path, f"f:{key}"), owned=not shapes)
    elif isinstance(value, list) and isinstance(shape, dict) and "keys" in shape:
        yield path, [], owned
        for item in value:
            yield from _walk(shape["list"], item, (*path, item_key(shape, item)), owned=True)
    else:
        # A list that Go writes though there is none is no value of anybody's.
        yield path, [] if value is None and isinstance(shape, dict) else value, True


def is_atomic(shape: Any) -> bool:
    """Tell whether a struct or map is owned and replaced as a whole."""
    if isinstance(shape, str):
        return shape == "any" or (shape.startswith("@") and bool(types()[shape[1:]].get("atomic")))
    return isinstance(shape, dict) and bool(shape.get("atomic"))


def item_key(shape: dict[str, Any], item: Any) -> str:
    """Return the path element of a list item."""
    if not shape["keys"] or not isinstance(item, dict):
        return "v:" + json.dumps(item)
    default = {"protocol": "TCP"}
    keys = {
        key: item.get(key, default.get(key)) for key in shape["keys"] if item.get(key, default.get(key)) is not None
    }
    return "k:" + json.dumps(dict(sorted(keys.items())), separators=(",", ":"))


def paths(found: Fields, prefix: Path = ()) -> set[Path]:
    """Return the paths of a FieldsV1."""
    owned: set[Path] = set()
    for key, inner in found.items():
        path = prefix if key == "." else (*prefix, key)
        owned |= paths(inner, path) if inner else {path}
    return owned


def from_paths(owned: set[Path]) -> Fields:
    """Return the FieldsV1 of some paths."""
    found: Fields = {}
    for path in sorted(owned):
        place = found
        for depth, part in enumerate(path, start=1):
            if part not in place:
                place[part] = {}
                if path[:depth] in owned and depth < len(path):
                    place[part]["."] = {}
            elif not place[part] and depth < len(path):
                place[part]["."] = {}
            place = place[part]
    return found


def text(path: Path) -> str:
    """Return a path as conflict messages write it: `.spec.containers[name="main"].image`."""
    return "".join(_element(part) for part in path)


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
    """Remove what a path names, in place; nothing happens when it is absent."""
    parent = value_at(type_name, obj, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1][2:], None)
    elif isinstance(parent, list):
        shape = shape_at(type_name, path[:-1])
        parent[:] = [item for item in parent if item_key(shape, item) != path[-1]]


def shape_at(type_name: str, path: Path) -> Any:
    """Return the shape of the field that a path names."""
    shape: Any = "@" + type_name if type_name else None
    for part in path:
        shape = child_shape(shape, part[2:]) if part.startswith("f:") else shape["list"]
    return shape
