"""JSON as the API server's Go sees it: a patch keeps the bytes of its leaves, for a ``test`` compares those.

Source: https://github.com/evanphx/json-patch (lazyNode.equal), which the API server uses, and what a kube-apiserver answers.
"""

from __future__ import annotations

import json
import re
from json import scanner
from json.decoder import scanstring  # type: ignore[attr-defined] # typeshed leaves it out
from typing import Any

_HTML = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Leaf:
    raw: str


class _Text(str, _Leaf):
    pass


class _Integer(int, _Leaf):
    pass


class _Float(float, _Leaf):
    pass


class _Decoder(json.JSONDecoder):
    """A decoder whose strings and numbers remember how they were written; only the one in Python can be told to."""

    def __init__(self) -> None:
        super().__init__(parse_int=lambda text: _kept(_Integer(text), text), parse_float=lambda text: _kept(_Float(text), text))  # fmt: skip
        self.parse_string = _string
        self.scan_once = scanner.py_make_scanner(self)  # type: ignore[attr-defined] # typeshed leaves it out


def _string(text: str, begin: int, strict: bool = True) -> tuple[str, int]:
    value, end = scanstring(text, begin, strict)
    return _kept(_Text(value), text[begin - 1 : end]), end


def _kept(leaf: Any, raw: str) -> Any:
    leaf.raw = raw
    return leaf


def decoded(body: bytes) -> Any:
    """Return the value of a JSON document; its leaves compare by their bytes with `same`. Raises ValueError."""
    return _Decoder().decode(body.decode(errors="replace"))


def fraction(text: str) -> Any:
    """Return a number with a fraction or an exponent, which remembers how it was written."""
    return _kept(_Float(text), text)


def written(value: Any) -> str:
    """Return a number as it was written."""
    return _raw(value)


def kind(value: Any) -> str:
    """Return Go's word for the kind of a JSON value."""
    names = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
    return next((name for each, name in names.items() if isinstance(value, each)), "null")


def complaint(body: bytes, error: ValueError) -> str:
    """Return what Go says about a text that is no JSON."""
    text, at = body.decode(errors="replace"), getattr(error, "pos", 0)
    what, rest = str(error), text[at:].lstrip()
    if not rest or "Unterminated" in what:
        return "unexpected end of JSON input"
    places = {
        "Extra data": "after top-level value",
        "Expecting property name": "looking for beginning of object key string",
        "Expecting value": "looking for beginning of value",
        "Expecting ':'": "after object key",
        "Expecting ','": "after object key:value pair",
    }
    where = next((text for start, text in places.items() if what.startswith(start)), what)
    return f"invalid character '{rest[0]}' {where}"


def plain(value: Any) -> Any:
    """Return a copy of a decoded value as ordinary values; half a character becomes the replacement character."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", str(value))
    if isinstance(value, _Integer):
        return int(value)
    return float(value) if isinstance(value, _Float) else value


def same(found: Any, expected: Any) -> bool:
    """Tell whether a ``test`` passes: objects by key, lists by position, leaves by their bytes."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(item, expected[key]) for key, item in found.items())
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(found, dict | list) or isinstance(expected, dict | list):
        return False
    return _raw(found) == _raw(expected)


def _raw(leaf: Any) -> str:
    """Return the bytes of a leaf: those of the patch, or those that the server writes for a value of its own."""
    if isinstance(leaf, _Leaf):
        return leaf.raw
    return json.dumps(leaf, ensure_ascii=False).translate(_HTML)
