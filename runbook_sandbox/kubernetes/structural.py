"""Objects of custom kinds by the schema of their definition: what is dropped, filled in and refused.

Left out are the rules of CEL, `allOf`, `anyOf`, `oneOf` and `not`: what they forbid is accepted here.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runbook_sandbox.kubernetes.objects import clone
from runbook_sandbox.kubernetes.problems import cause, required

Schema = Mapping[str, Any]
_PRESERVE, _EITHER = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


def pruned(schema: Schema, value: Any, path: str, unknown: Callable[[str], None]) -> Any:
    """Return a value with the fields that the schema knows; each other one is told."""
    if isinstance(value, list):
        return [
            pruned(schema.get("items") or {}, item, f"{path}[{index}]", unknown) for index, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    found, named, others = {}, schema.get("properties") or {}, schema.get("additionalProperties")
    for key, item in value.items():
        place = f"{path}.{key}".lstrip(".")
        below = named.get(key) or (others if isinstance(others, dict) else {} if others else None)
        if below is not None:
            if item is not None or below.get("nullable") or below.get(_PRESERVE):
                found[key] = pruned(below, item, place, unknown)
        elif schema.get(_PRESERVE) or not schema:
            found[key] = clone(item)
        else:
            unknown(place)
    return found


def fill(schema: Schema, value: Any) -> None:
    """Fill in the defaults of a value, in place."""
    if isinstance(value, list):
        for item in value:
            fill(schema.get("items") or {}, item)
    if not isinstance(value, dict):
        return
    for key, below in (schema.get("properties") or {}).items():
        if key not in value and "default" in below:
            value[key] = clone(below["default"])
        if key in value:
            fill(below, value[key])
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        for key in value.keys() - (schema.get("properties") or {}).keys():
            fill(others, value[key])


def causes(schema: Schema, value: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Yield why the schema refuses a value."""
    if value is None and schema.get("nullable"):
        return
    wrong = _wrong_type(schema, value, path)
    if wrong is not None:
        yield wrong
        return
    yield from _limits(schema, value, path)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from causes(schema.get("items") or {}, item, f"{path}[{index}]")
    if isinstance(value, dict):
        for key in schema.get("required") or ():
            if key not in value:
                yield required(f"{path}.{key}".lstrip("."))
        named, others = schema.get("properties") or {}, schema.get("additionalProperties")
        for key, item in value.items():
            below = named.get(key) or (others if isinstance(others, dict) else {})
            yield from causes(below, item, f"{path}.{key}".lstrip("."))


def _wrong_type(schema: Schema, value: Any, path: str) -> dict[str, str] | None:
    wanted = schema.get("type", "")
    allowed = (int, str) if schema.get(_EITHER) else _TYPES.get(wanted)
    if allowed is None or (isinstance(value, allowed) and (wanted == "boolean" or not isinstance(value, bool))):
        return None
    found = next((name for name, types in _TYPES.items() if isinstance(value, types)), "null")
    text = f'Invalid value: "{found}": {path} in body must be of type {wanted or "integer,string"}: "{found}"'
    return cause(path, text, "FieldValueTypeInvalid")


def _limits(schema: Schema, value: Any, path: str) -> Iterator[dict[str, str]]:
    shown, number = json.dumps(value), isinstance(value, (int, float)) and not isinstance(value, bool)
    if "enum" in schema and value not in schema["enum"]:
        listed = ", ".join(map(json.dumps, schema["enum"]))
        yield cause(path, f"Unsupported value: {shown}: supported values: {listed}", "FieldValueNotSupported")
    if number and "minimum" in schema and value < schema["minimum"]:
        yield cause(
            path, f"Invalid value: {shown}: {path} in body should be greater than or equal to {schema['minimum']}"
        )
    if number and "maximum" in schema and value > schema["maximum"]:
        yield cause(path, f"Invalid value: {shown}: {path} in body should be less than or equal to {schema['maximum']}")
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield cause(path, f"Invalid value: {shown}: {path} in body should match '{schema['pattern']}'")
