"""Strategic merge patch: lists of objects are merged by the key that the field's type declares."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.kinds import types
from runbook_sandbox.kubernetes.objects import clone

_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"
_RETAIN = "$retainKeys"


def strategic_merge(type_name: str, value: Any, patch: Any) -> Any:
    """Return an object of a type with a strategic merge patch applied."""
    if not isinstance(patch, dict) or not isinstance(value, dict):
        return _without_directives(patch)
    if patch.get("$patch") == "replace":
        return _without_directives(patch)
    fields = types()[type_name]["fields"] if type_name else {}
    found = dict(value)
    for key in [key for key in found if _RETAIN in patch and key not in patch[_RETAIN]]:
        del found[key]
    for key, item in patch.items():
        if not key.startswith("$"):
            _merge_field(found, key, item, fields.get(key))
    _apply_list_directives(found, patch, fields)
    return found


def _merge_field(found: dict[str, Any], key: str, item: Any, shape: Any) -> None:
    if item is None or (isinstance(item, dict) and item.get("$patch") == "delete"):
        found.pop(key, None)
    elif key not in found:
        found[key] = _without_directives(item)
    else:
        found[key] = _merge(shape, found[key], item)


def _merge(shape: Any, value: Any, item: Any) -> Any:
    if isinstance(item, dict):
        return strategic_merge(shape[1:] if isinstance(shape, str) and shape.startswith("@") else "", value, item)
    if isinstance(item, list) and isinstance(shape, dict) and "merge" in shape:
        if shape["merge"]:
            return _merge_list(shape["list"][1:], shape["merge"], value, item)
        return value + [each for each in item if each not in value]
    return clone(item)


def _merge_list(type_name: str, key: str, value: list[Any], items: list[Any]) -> list[Any]:
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in items):
        return [_without_directives(item) for item in items if item.get("$patch") != "replace"]
    found = list(value)
    for item in items:
        position = next((index for index, old in enumerate(found) if old.get(key) == item.get(key)), None)
        if item.get("$patch") == "delete":
            found = [old for old in found if old.get(key) != item.get(key)]
        elif position is None:
            found.append(_without_directives(item))
        else:
            found[position] = strategic_merge(type_name, found[position], item)
    return found


def _apply_list_directives(found: dict[str, Any], patch: dict[str, Any], fields: dict[str, Any]) -> None:
    for key, item in patch.items():
        if key.startswith(_DELETE_PRIMITIVES):
            name = key.removeprefix(_DELETE_PRIMITIVES)
            found[name] = [each for each in found.get(name, ()) if each not in item]
        elif key.startswith(_ORDER):
            name = key.removeprefix(_ORDER)
            if name in found:
                found[name] = _ordered(found[name], item, fields.get(name))


def _ordered(items: list[Any], order: list[Any], shape: Any) -> list[Any]:
    merge_key = shape.get("merge") if isinstance(shape, dict) else ""

    def identity(item: Any) -> Any:
        return item.get(merge_key) if merge_key and isinstance(item, dict) else item

    rank = {identity(item): index for index, item in enumerate(order)}
    # Items that the patch does not name keep their place at the end.
    return sorted(items, key=lambda item: rank.get(identity(item), len(rank)))


def _without_directives(item: Any) -> Any:
    if isinstance(item, list):
        return [_without_directives(each) for each in item if not _deletes(each)]
    if not isinstance(item, dict):
        return item
    return {
        key: _without_directives(each)
        for key, each in item.items()
        if each is not None and not key.startswith("$") and not _deletes(each)
    }


def _deletes(item: Any) -> bool:
    return isinstance(item, dict) and item.get("$patch") == "delete"
