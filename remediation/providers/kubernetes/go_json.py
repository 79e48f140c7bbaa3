r"""JSON as Go's ``encoding/json`` writes it, byte for byte.

The API server compares the value of a JSON patch's ``test`` with its own encoding of the field, as bytes and not as
values: ``"a \u0026 ü"`` is what it wrote, ``"a & ü"`` and ``"a \u0026 \u00fc"`` are not, and are answered with 422.
Objects are compared key by key and lists element by element, so only leaves have to be exact.

Source: https://pkg.go.dev/encoding/json (Marshal, HTMLEscape), https://github.com/evanphx/json-patch (lazyNode.equal)
"""

from __future__ import annotations

import json
import re
from decimal import Decimal

from remediation.model.diffing import Json

# Safe in HTML and in JavaScript, which JSON on the web once was.
_ESCAPED = {"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"}
# Half a character, as Python keeps a byte of the command line that is no UTF-8; Go has only the replacement for it.
_HALF = re.compile("[\ud800-\udfff]")
# Beyond these Go writes a power of ten.
_LEAST, _MOST = 1e-6, 1e21


def encoded(value: Json) -> bytes:
    """Return a JSON value as Go would write it, in UTF-8."""
    return _text(value).encode()


def _text(value: Json) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(str(key))}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, str):
        return _string(value)
    return _number(value) if isinstance(value, float) else json.dumps(value)


def _string(value: str) -> str:
    text = json.dumps(_HALF.sub("\ufffd", value), ensure_ascii=False)
    for character, escape in _ESCAPED.items():
        text = text.replace(character, escape)
    return text


def _number(value: float) -> str:
    if value == 0:
        return "0"
    if _LEAST <= abs(value) < _MOST:
        plain = format(Decimal(repr(value)), "f")
        return plain.removesuffix(".0")
    return re.sub(r"e([+-])0", r"e\1", repr(value))
