"""Read an object as the API server's decoder does: unknown fields, wrong types and values that are not written back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from runbook_sandbox.kubernetes import go_json, structural
from runbook_sandbox.kubernetes.kinds import Kind, types
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.quantities import canonical

_EXPECTED = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "number": (int, float),
    "bytes": (str,),
    "time": (str,),
}
_GO_TYPES = {
    "string": "string",
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "number": "float64",
    "bytes": "[]uint8",
    "time": "v1.Time",
    "quantity": "resource.Quantity",
}
_ZEROS = {"string": "", "boolean": False, "integer": 0, "long": 0, "number": 0}
_BITS = {"integer": 31, "long": 63}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/=\r\n]")
# False is the zero value of these fields, which have `omitempty`; elsewhere it is a pointer and is kept.
_PLAIN_BOOLEANS = frozenset(
    {
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "stdin",
        "stdinOnce",
        "tty",
        "readOnly",
        "paused",
        "unschedulable",
        "publishNotReadyAddresses",
    }
)
_PLAIN_NUMBERS = frozenset({"minReadySeconds", "hostPort", "nodePort", "initialDelaySeconds"})
# The empty text of these fields means something of its own.
_TEXT_POINTERS = frozenset({"storageClassName", "fsType"})
_NO_AMOUNT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
# What is written also when it is empty, though the schema does not require it.
_WRITTEN = {
    "rbac.v1.Role": ("rules",),
    "rbac.v1.ClusterRole": ("rules",),
    "storage.v1.CSINodeDriver": ("topologyKeys",),
    "autoscaling.v2.HorizontalPodAutoscalerStatus": ("currentMetrics", "desiredReplicas"),
}
_COMPLAINTS_KEPT = 20


class WrongType(Exception):
    """A value whose JSON type is not that of the field."""


@dataclass(frozen=True)
class _Place:
    """A field as Go's decoder names it: the struct that has it, and the path without indexes."""

    struct: str
    field: str

    def wrong(self, value: Any, shape: Any) -> WrongType:
        """Return the error for a value of another type."""
        kind = go_json.kind(value)
        if kind == "number" and shape in _BITS:
            kind += f" {go_json.written(value)}"
        return WrongType(
            f"json: cannot unmarshal {kind} into Go struct field {self.struct}.{self.field} of type {_go_type(shape)}"
        )


def _go_type(shape: Any) -> str:
    if isinstance(shape, dict):
        return f"map[string]{_go_type(shape['map'])}" if "map" in shape else f"[]{_go_type(shape['list'])}"
    return f"v1.{shape.rpartition('.')[2]}" if shape.startswith("@") else _GO_TYPES.get(shape, shape)


def _check_scalar(shape: str, value: Any, place: _Place) -> None:
    expected = _EXPECTED.get(shape)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and shape != "boolean")):
        raise place.wrong(value, shape)
    if shape in _BITS and not -(2 ** _BITS[shape]) <= value < 2 ** _BITS[shape]:
        raise place.wrong(value, shape)
    if shape == "time" and not _TIME.fullmatch(value):
        layout = "2006-01-02T15:04:05Z07:00"
        raise WrongType(f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"')
    if shape == "bytes" and (wrong := _NO_BASE64.search(value)):
        raise WrongType(f"illegal base64 data at input byte {wrong.start()}")


class Decoder:
    """One reading of one object; collects unknown and duplicate fields.

    Attributes:
        as_written: keep empty values and add none, as for an object that is applied.
        complaints: what strict validation objects to, such as `unknown field "spec.foo"`.
    """

    def __init__(self, kind: Kind, *, as_written: bool = False) -> None:
        self.kind, self.as_written = kind, as_written
        self.complaints: list[str] = []

    def parse(self, text: bytes) -> Any:
        """Return the value of a JSON text, remembering duplicate keys and how fractions were written."""
        duplicates: list[str] = []

        def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
            keys = [key for key, _ in found]
            duplicates.extend(sorted({key for key in keys if keys.count(key) > 1}))
            return dict(found)

        value = json.loads(text.decode(errors="replace"), object_pairs_hook=pairs, parse_float=go_json.fraction)
        self.complaints += [f'duplicate field "{_path_of(value, key)}"' for key in duplicates]
        return value

    def decode(self, obj: Object) -> Object:
        """Return the object with the known fields only.

        Raises:
            WrongType: a field has another JSON type.
        """
        if self.kind.custom is not None:
            return self._custom(self.kind.custom.schema, obj)
        if not self.kind.type:
            return obj
        found: Object = self._object(self.kind.type, obj, "", _Place("", ""))
        return found

    def _custom(self, schema: dict[str, Any], obj: Object) -> Object:
        own = {key: item for key, item in obj.items() if key not in {"apiVersion", "kind", "metadata"}}
        found: Object = {key: obj[key] for key in ("apiVersion", "kind") if key in obj}
        place = _Place(self.kind.name, "metadata")
        metadata = self._object("meta.v1.ObjectMeta", obj.get("metadata") or {}, "metadata", place)
        body = structural.pruned(schema, own, "", lambda path: self.complaints.append(f'unknown field "{path}"'))
        found |= {"metadata": metadata, **body}
        return found

    def _value(self, shape: Any, value: Any, path: str, place: _Place) -> Any:
        if isinstance(shape, dict):
            return self._collection(shape, value, path, place)
        if shape.startswith("@"):
            return self._object(shape[1:], value, path, place)
        _check_scalar(shape, value, place)
        return _amount(value) if shape == "quantity" and not self.as_written else value

    def _collection(self, shape: dict[str, Any], value: Any, path: str, place: _Place) -> Any:
        if not isinstance(value, dict if "map" in shape else list):
            raise place.wrong(value, shape)
        if isinstance(value, dict):
            return {
                key: self._member(shape["map"], item, f"{path}.{key}", place)
                for key, item in value.items()
                if item is not None or not self.as_written
            }
        return [self._member(shape["list"], item, f"{path}[{index}]", place) for index, item in enumerate(value)]

    def _member(self, shape: Any, value: Any, path: str, place: _Place) -> Any:
        """Return a member of a list or map; null is the zero value of what it holds."""
        if value is not None:
            return self._value(shape, value, path, place)
        if isinstance(shape, str) and shape.startswith("@"):
            return self._object(shape[1:], {}, path, place)
        return None if isinstance(shape, dict) or shape in {"any", "time"} else _ZEROS.get(shape, "")

    def _object(self, name: str, value: Any, path: str, place: _Place) -> Any:
        if not isinstance(value, dict):
            raise place.wrong(value, "@" + name)
        found = types()[name]
        if not found["fields"]:
            return value
        known = self._fields(name, found["fields"], value, path, place)
        if self.as_written:
            return known
        for key in found.get("values", ()):
            if key not in known and found["fields"][key].startswith("@"):
                known[key] = self._object(found["fields"][key][1:], {}, _join(path, key), place)
        # What the schema requires is written also when it is zero; the rest mostly has `omitempty`.
        required = found.get("required", ())
        kept = {
            key: item
            for key, item in known.items()
            if (key in required and item not in ([], {})) or not _is_omitted(key, item, found["fields"][key])
        }
        return kept | _always_written(name, found, kept)

    def _fields(
        self, name: str, fields: dict[str, Any], value: dict[str, Any], path: str, place: _Place
    ) -> dict[str, Any]:
        known = {}
        for key, item in value.items():
            if key not in fields:
                self.complaints.append(f'unknown field "{_join(path, key)}"')
            elif item is not None:
                inner = _Place(name.rpartition(".")[2], _join(place.field, key))
                known[key] = self._value(fields[key], item, _join(path, key), inner)
        return known

    def summary(self) -> str:
        """Return the complaints as the API server words them."""
        return "strict decoding error: " + ", ".join(self.complaints[:_COMPLAINTS_KEPT])


def _amount(value: Any) -> str:
    try:
        return canonical(str(value))
    except ValueError as error:
        raise WrongType(_NO_AMOUNT) from error


def _always_written(name: str, found: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that Go writes even when they are zero: those that the schema requires."""
    required = (*found.get("required", ()), *_WRITTEN.get(name, ()))
    missing = {key: found["fields"][key] for key in required if key not in known}
    zeros = {key: None if isinstance(shape, dict) else _ZEROS.get(shape) for key, shape in missing.items()}
    return {key: zero for key, zero in zeros.items() if zero is not None or isinstance(missing[key], dict)}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _is_omitted(key: str, value: Any, shape: Any) -> bool:
    if isinstance(shape, dict):
        return not value and key != "items"
    if value is False:
        return key in _PLAIN_BOOLEANS
    if value == 0:
        return key in _PLAIN_NUMBERS
    return value == "" and key not in _TEXT_POINTERS


def _path_of(value: Any, key: str) -> str:
    for name, item in value.items() if isinstance(value, dict) else ():
        if name == key:
            return key
        found = _path_of(item, key)
        if found:
            return f"{name}.{found}"
    return ""


def decoded(kind: Kind, obj: Object) -> Object:
    """Return an object as Go writes it again; raises WrongType."""
    return Decoder(kind).decode(obj)
