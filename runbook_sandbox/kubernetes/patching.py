"""JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386), as lenient as the API server is."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.go_json import plain, same
from runbook_sandbox.kubernetes.objects import clone
from runbook_sandbox.kubernetes.problems import bad_request, unprocessable_patch


def merge_patch(value: Any, patch: Any) -> Any:
    """Return the value with a merge patch applied."""
    if not isinstance(patch, dict):
        return clone(patch)
    found = dict(value) if isinstance(value, dict) else {}
    for key, item in patch.items():
        if item is None:
            found.pop(key, None)
        else:
            found[key] = merge_patch(found.get(key), item)
    return found


def json_patch(document: Any, operations: Any) -> Any:
    """Return a copy of the document with the operations carried out.

    Raises:
        Problem: 400 when the patch is no list of operations; 422 when one of them fails.
    """
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        )
    found = clone(document)
    for operation in operations:
        try:
            found = _operate(found, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            raise unprocessable_patch() from error
    return plain(found)


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "test":
            _test(document, path, operation.get("value"))
        case "remove":
            _remove(document, path)
        case "add":
            return _add(document, path, clone(operation.get("value")))
        case "replace":
            return _replace(document, path, clone(operation.get("value")))
        case "move":
            return _add(document, path, _remove(document, _pointer(operation["from"])))
        case "copy":
            return _add(document, path, clone(_found(document, _pointer(operation["from"]))))
        case unknown:
            raise ValueError(unknown)
    return document


def _pointer(text: str) -> list[str]:
    # What stands before the first slash is not looked at by the API server's library.
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _index(items: list[Any], part: str) -> int:
    number = int(part)
    # A negative index counts from the end in the API server's library.
    found = number + len(items) if number < 0 else number
    if not 0 <= found <= len(items):
        raise IndexError(part)
    return found


def _at(value: Any, path: list[str]) -> Any:
    for part in path:
        value = value[_index(value, part)] if isinstance(value, list) else value[part]
    return value


def _found(document: Any, path: list[str]) -> Any:
    parent = _at(document, path[:-1])
    # The API server's library treats a missing member as null, and anything else that is missing as a failure.
    return parent.get(path[-1]) if path and isinstance(parent, dict) else _at(document, path)


def _test(document: Any, path: list[str], expected: Any) -> None:
    if not same(_found(document, path), expected):
        raise ValueError(path)


def _remove(document: Any, path: list[str]) -> Any:
    parent = _at(document, path[:-1])
    return parent.pop(_index(parent, path[-1])) if isinstance(parent, list) else parent.pop(path[-1])


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        raise ValueError("the whole document")
    parent = _at(document, path[:-1])
    if isinstance(parent, list):
        parent.insert(len(parent) if path[-1] == "-" else _index(parent, path[-1]), value)
    else:
        parent[path[-1]] = value
    return document


def _replace(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        raise ValueError("the whole document")
    parent = _at(document, path[:-1])
    if isinstance(parent, list):
        parent[_index(parent, path[-1])] = value
    else:
        parent[path[-1]] = value
    return document
