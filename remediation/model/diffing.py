"""Field-level differences between two JSON documents, and how to put one back.

A path is a tuple of segments. A dict key is itself; an element of a list whose elements all carry a unique ``name`` is
``[name=x]``, so that two people who add different elements do not collide. Any other list is one value.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

Json = Any
# The JSON object that stands for one resource.
State = dict[str, Any]
Path = tuple[str, ...]
KNOWN_AFTER_APPLY: Final = "(known after apply)"
_ELEMENT = re.compile(r"\[name=(.*)\]\Z", re.S)


class Absent:
    """The value of a field that does not exist; ``null`` is a value, this is not."""

    def __repr__(self) -> str:
        return "absent"

    def __copy__(self) -> Absent:
        return self

    def __deepcopy__(self, memo: object) -> Absent:
        return self


ABSENT: Final = Absent()


@dataclass(frozen=True)
class Edit:
    """One field that changes from ``old`` to ``new``; either may be `ABSENT`."""

    path: Path
    old: Json
    new: Json

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer (RFC 6901), with ``[name=x]`` for named list elements."""
        return "".join("/" + segment.replace("~", "~0").replace("/", "~1") for segment in self.path)

    def reverse(self) -> Edit:
        """Return the edit that undoes this one."""
        return Edit(self.path, self.new, self.old)


def parse_pointer(pointer: str) -> Path:
    """Return the path that `Edit.pointer` wrote."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def is_named_list(value: Json) -> bool:
    """Tell whether a list can be addressed by the names of its elements."""
    if not isinstance(value, list) or not all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in value
    ):
        return False
    names = [item["name"] for item in value]
    return len(set(names)) == len(names)


def children(value: Json) -> dict[str, Json] | None:
    """Return what a value is made of, by path segment, or None when it is a leaf."""
    if isinstance(value, dict):
        return dict(value)
    if value and is_named_list(value):
        return {f"[name={item['name']}]": item for item in value}
    return None


def diff(before: Json, after: Json, path: Path = ()) -> tuple[Edit, ...]:
    """Return the smallest list of field edits that turns ``before`` into ``after``, in a stable order."""
    if equal(before, after):
        return ()
    left, right = _sides(before, after, element=bool(path and _ELEMENT.match(path[-1])))
    if left is None or right is None or not (left or right):
        return (Edit(path, before, after),)
    edits: list[Edit] = []
    for key in [*left, *(key for key in right if key not in left)]:
        edits += diff(left.get(key, ABSENT), right.get(key, ABSENT), (*path, key))
    return tuple(edits)


def equal(one: Json, other: Json) -> bool:
    """Tell whether two JSON values are the same; for Python true is 1, for JSON it is not."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _sides(before: Json, after: Json, *, element: bool) -> tuple[dict[str, Json] | None, dict[str, Json] | None]:
    """Return the parts to compare one by one; None where the two are values that can only be swapped as a whole."""
    # A named element that appears or goes is one edit: half a container means nothing.
    absent = before is ABSENT or after is ABSENT
    if element if absent else type(before) is not type(after):
        return None, None
    return _parts(before), _parts(after)


def _parts(value: Json) -> dict[str, Json] | None:
    """An absent value and an empty list have no parts; what is no container has none to compare."""
    return {} if value is ABSENT or value == [] else children(value)


def get(document: Json, path: Path) -> Json:
    """Return the value at ``path``, or `ABSENT`."""
    for segment in path:
        document = _child(document, segment)
        if document is ABSENT:
            return ABSENT
    return document


def _child(document: Json, segment: str) -> Json:
    if isinstance(document, dict):
        return document.get(segment, ABSENT)
    match = _ELEMENT.match(segment)
    if isinstance(document, list) and match:
        return next((item for item in document if isinstance(item, dict) and item.get("name") == match[1]), ABSENT)
    return ABSENT


def index_of(document: list[Json], segment: str) -> int:
    """Return the position of ``[name=x]`` in a list; raises ValueError when it is not there."""
    names = [item.get("name") if isinstance(item, dict) else None for item in document]
    match = _ELEMENT.match(segment)
    return names.index(match[1] if match else segment)


def apply(document: Json, edits: tuple[Edit, ...]) -> Json:
    """Return a copy of ``document`` with the edits made; parents appear as needed and stay."""
    document = copy.deepcopy(document)
    for edit in edits:
        if not edit.path:
            document = copy.deepcopy(edit.new)
        elif edit.new is ABSENT:
            _remove(document, edit.path)
        else:
            _set(document, edit.path, copy.deepcopy(edit.new))
    return document


def _set(document: Json, path: Path, value: Json) -> None:
    for segment, following in pairwise(path):
        child = _child(document, segment)
        if child is ABSENT or child is None:
            child = [] if _ELEMENT.match(following) else {}
            _put(document, segment, child)
        document = child
    _put(document, path[-1], value)


def _put(document: Json, segment: str, value: Json) -> None:
    if isinstance(document, dict):
        document[segment] = value
    elif _child(document, segment) is ABSENT:
        document.append(value)
    else:
        document[index_of(document, segment)] = value


def _remove(document: Json, path: Path) -> None:
    parent = get(document, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)
    elif isinstance(parent, list) and _child(parent, path[-1]) is not ABSENT:
        del parent[index_of(parent, path[-1])]


def prune(document: Json, edits: tuple[Edit, ...], like: Json) -> Json:
    """Drop parents that the edits emptied and that ``like`` does not have, so that an undo is exact."""
    document = copy.deepcopy(document)
    for edit in edits:
        for length in range(len(edit.path) - 1, 0, -1):
            parent = edit.path[:length]
            if get(document, parent) in ({}, []) and get(like, parent) is ABSENT:
                _remove(document, parent)
    return document


def merge(current: Json, wanted: Json) -> Json:
    """Return ``current`` with every field of ``wanted`` set; named lists merge by name, other lists are replaced."""
    if isinstance(current, dict) and isinstance(wanted, dict):
        return {**current, **{key: merge(current.get(key), value) for key, value in wanted.items()}}
    if isinstance(current, list) and current and wanted and is_named_list(current) and is_named_list(wanted):
        merged = {item["name"]: item for item in current}
        for item in wanted:
            merged[item["name"]] = merge(merged.get(item["name"]), item)
        return list(merged.values())
    return copy.deepcopy(wanted)


def json_patch(current: Json, edits: tuple[Edit, ...], like: Json = None) -> list[dict[str, Json]]:
    """Return an RFC 6902 patch that makes the edits on ``current``, every one guarded by a ``test`` of the old value.

    ``like`` is the document an undo returns to: parents it does not have and that the edits empty are removed too.
    """
    after = apply(current, edits)
    after = prune(after, edits, like) if like is not None else after
    operations: list[dict[str, Json]] = []
    for edit in _writable(current, after, edits):
        operations += [*_names_on_the_way(current, edit.path), *_operations(edit)]
    return operations


def _writable(current: Json, after: Json, edits: tuple[Edit, ...]) -> list[Edit]:
    """Raise each edit to the nearest place a patch can address without list positions or missing parents."""
    places: dict[Path, Edit] = {}
    for edit in edits:
        path = edit.path
        for length in range(1, len(path)):
            head, segment = path[:length], path[length]
            missing = get(current, head) is ABSENT or get(after, head) is ABSENT
            if missing or (
                _ELEMENT.match(segment) and ABSENT in (get(current, (*head, segment)), get(after, (*head, segment)))
            ):
                path = head
                break
        places[path] = Edit(_positions(current, path), get(current, path), get(after, path))
    # What is written as a whole takes in what lies below it, and its guard must meet the value as it was.
    return [edit for path, edit in places.items() if not any(path[:length] in places for length in range(len(path)))]


def _positions(current: Json, path: Path) -> Path:
    """Replace ``[name=x]`` by the position the element has now; its ``test`` fails should it move."""
    result: list[str] = []
    for segment in path:
        named = isinstance(current, list)
        result.append(str(index_of(current, segment)) if named else segment)
        current = _child(current, segment)
    return tuple(result)


def _names_on_the_way(current: Json, path: Path) -> list[dict[str, Json]]:
    """Return a ``test`` of the name at each list position: a position alone could point to a neighbour by then."""
    guards: list[dict[str, Json]] = []
    for depth, segment in enumerate(path):
        current = current[int(segment)] if isinstance(current, list) else current.get(segment)
        if isinstance(current, dict) and segment.isdigit() and depth < len(path) - 1:
            guards.append(
                {"op": "test", "path": Edit((*path[: depth + 1], "name"), 0, 0).pointer, "value": current.get("name")}
            )
    return guards


def _operations(edit: Edit) -> list[dict[str, Json]]:
    path = edit.pointer
    guard = {"op": "test", "path": path, "value": None if edit.old is ABSENT else edit.old}
    if edit.new is ABSENT:
        return [guard, {"op": "remove", "path": path}]
    return [guard, {"op": "add" if edit.old is ABSENT else "replace", "path": path, "value": edit.new}]
