"""Which fields of an object a manifest sets; a change of any other is none of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from remediation.model.diffing import ABSENT, Edit, Json, Path, children


def sets(manifest: Json, path: Path) -> bool:
    """Tell whether a field is one that the manifest sets, or lies below one that it sets as a whole."""
    return bool(path) and _at(manifest, path) is not ABSENT


def _at(manifest: Json, path: Path) -> Json:
    for segment in path:
        parts = children(manifest)
        if parts is None:
            return manifest
        if segment not in parts:
            return ABSENT
        manifest = parts[segment]
    return manifest


def images(manifest: Json) -> Iterator[str]:
    """Yield every image that a manifest names."""
    if isinstance(manifest, dict):
        yield from (str(manifest["image"]) for _ in range("image" in manifest))
    inner = manifest.values() if isinstance(manifest, dict) else manifest if isinstance(manifest, list | tuple) else ()
    for item in inner:
        yield from images(item)


def may_make(manifest: Json, edit: Edit) -> bool:
    """Tell whether an edit, and its undo, write only what the manifest sets: its fields, with values of their kind."""
    place = _at(manifest, edit.path) if edit.path else ABSENT
    return place is not ABSENT and all(_fits(place, side) for side in (edit.old, edit.new))


def _fits(declared: Json, value: Json) -> bool:
    if value is ABSENT or value is None:
        return True
    parts = children(declared)
    if parts is None:
        return type(value) is type(declared)
    found = children(value)
    return found is not None and all(key in parts and _fits(parts[key], item) for key, item in found.items())


def filled(value: Any, later: dict[str, str]) -> Any:
    """Return a document with the values that are known only when it is written."""
    if isinstance(value, dict):
        return {key: filled(item, later) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, later) for item in value]
    return later.get(value, value) if isinstance(value, str) else value
