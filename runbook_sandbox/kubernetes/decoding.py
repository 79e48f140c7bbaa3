"""Read an object as the API server's decoder does: unknown fields, wrong types and values that are not written back."""

from __future__ import annotations

import json
import re
from typing import Any

from runbook_sandbox import yaml_text
from runbook_sandbox.kubernetes import structural
from runbook_sandbox.kubernetes.kinds import Kind, types
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.problems import bad_request
from runbook_sandbox.kubernetes.quantities import canonical

_GO_NAMES = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
_EXPECTED = {"string": (str,), "boolean": (bool,), "integer": (int,), "number": (int, float), "bytes": (str,)}
_GO_TYPES = {"string": "string", "boolean": "bool", "integer": "int32", "number": "float64", "bytes": "[]uint8"}
_ZEROS = {"string": "", "boolean": False, "integer": 0, "number": 0}
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
# Their rules are written also when there are none; the schema does not require them.
_ROLES = frozenset({"rbac.v1.Role", "rbac.v1.ClusterRole"})
_COMPLAINTS_KEPT = 20


class WrongType(Exception):
    """A value whose JSON type is not that of the field."""


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
        """Return the value of a JSON text, remembering duplicate keys."""
        duplicates: list[str] = []

        def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
            keys = [key for key, _ in found]
            duplicates.extend(sorted({key for key in keys if keys.count(key) > 1}))
            return dict(found)

        value = json.loads(text, object_pairs_hook=pairs)
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
        found: Object = self._object(self.kind.type, obj, "", self.kind.name)
        return found

    def _custom(self, schema: dict[str, Any], obj: Object) -> Object:
        own = {key: item for key, item in obj.items() if key not in {"apiVersion", "kind", "metadata"}}
        found: Object = {key: obj[key] for key in ("apiVersion", "kind") if key in obj}
        metadata = self._object("meta.v1.ObjectMeta", obj.get("metadata") or {}, "metadata", "ObjectMeta.metadata")
        body = structural.pruned(schema, own, "", lambda path: self.complaints.append(f'unknown field "{path}"'))
        found |= {"metadata": metadata, **body}
        return found

    def _value(self, shape: Any, value: Any, path: str, go_path: str) -> Any:
        if isinstance(shape, dict):
            return self._collection(shape, value, path, go_path)
        if shape.startswith("@"):
            return self._object(shape[1:], value, path, go_path)
        expected = _EXPECTED.get(shape)
        if expected and (not isinstance(value, expected) or (isinstance(value, bool) and shape != "boolean")):
            raise WrongType(
                f"json: cannot unmarshal {_GO_NAMES[type(value)]} into Go struct field {go_path}"
                f" of type {_GO_TYPES[shape]}"
            )
        return _amount(value) if shape == "quantity" and not self.as_written else value

    def _collection(self, shape: dict[str, Any], value: Any, path: str, go_path: str) -> Any:
        wanted = dict if "map" in shape else list
        if not isinstance(value, wanted):
            raise WrongType(f"json: cannot unmarshal {_GO_NAMES[type(value)]} into Go struct field {go_path}")
        if isinstance(value, dict):
            return {
                key: self._member(shape["map"], item, f"{path}.{key}", go_path)
                for key, item in value.items()
                if item is not None or not self.as_written
            }
        return [self._member(shape["list"], item, f"{path}[{index}]", go_path) for index, item in enumerate(value)]

    def _member(self, shape: Any, value: Any, path: str, go_path: str) -> Any:
        """Return a member of a list or map; null is the zero value of what it holds."""
        if value is not None:
            return self._value(shape, value, path, go_path)
        if isinstance(shape, str) and shape.startswith("@"):
            return self._object(shape[1:], {}, path, go_path)
        return None if isinstance(shape, dict) or shape in {"any", "time"} else _ZEROS.get(shape, "")

    def _object(self, name: str, value: Any, path: str, go_path: str) -> Any:
        if not isinstance(value, dict):
            raise WrongType(f"json: cannot unmarshal {_GO_NAMES[type(value)]} into Go struct field {go_path}")
        found = types()[name]
        fields, required = found["fields"], found.get("required", ())
        if not fields:
            return value
        self._complain(value, fields, path)
        known = {
            key: self._value(fields[key], item, _join(path, key), f"{go_path}.{key}")
            for key, item in value.items()
            if item is not None and key in fields
        }
        if self.as_written:
            return known
        for key in found.get("values", ()):
            if key not in known and fields[key].startswith("@"):
                known[key] = self._object(fields[key][1:], {}, _join(path, key), go_path)
        # What the schema requires is written also when it is empty; the rest mostly has `omitempty`.
        kept = {key: item for key, item in known.items() if key in required or not _is_omitted(key, item, fields[key])}
        return kept | _always_written(found, kept) | ({"rules": None} if name in _ROLES and "rules" not in kept else {})

    def _complain(self, value: dict[str, Any], fields: dict[str, Any], path: str) -> None:
        self.complaints += [f'unknown field "{_join(path, key)}"' for key in value if key not in fields]

    def summary(self) -> str:
        """Return the complaints as the API server words them."""
        return "strict decoding error: " + ", ".join(self.complaints[:_COMPLAINTS_KEPT])


def _amount(value: Any) -> str:
    try:
        return canonical(str(value))
    except ValueError as error:
        raise WrongType(_NO_AMOUNT) from error


def _always_written(type_: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that Go writes even when they are zero: those that the schema requires."""
    missing = {key: type_["fields"][key] for key in type_.get("required", ()) if key not in known}
    zeros = {key: None if isinstance(shape, dict) else _ZEROS.get(shape) for key, shape in missing.items()}
    return {key: zero for key, zero in zeros.items() if zero is not None or isinstance(missing[key], dict)}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _is_omitted(key: str, value: Any, shape: Any) -> bool:
    if isinstance(shape, dict):
        return not value and key not in {"rules", "items"}
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


def decode_body(kind: Kind, body: bytes, content_type: str) -> tuple[Object, Decoder]:
    """Return the object of a request's body, which may be JSON or YAML.

    Raises:
        Problem: 400 when it cannot be read, or when it is of another kind.
    """
    decoder = Decoder(kind)
    try:
        value = yaml_text.load(body) if "yaml" in content_type else decoder.parse(body)
    except (ValueError, yaml_text.YamlProblem) as error:
        raise _unreadable(kind, body, error) from error
    if not isinstance(value, dict):
        raise bad_request(f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: not an object')
    _check_kind(kind, value)
    return _decode(kind, decoder, value), decoder


def _decode(kind: Kind, decoder: Decoder, value: Object) -> Object:
    try:
        return decoder.decode(value)
    except WrongType as error:
        raise bad_request(
            f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {error}'
        ) from error


def _unreadable(kind: Kind, body: bytes, error: Exception) -> Exception:
    ended = (re.search(r"Expecting|Unterminated", str(error)) and "unexpected end of JSON input") or str(error)
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind.name}): couldn't get version/kind;"
        f" json parse error: {ended} ({body.decode(errors='replace')[:200]})"
    )


def _check_kind(kind: Kind, value: Object) -> None:
    version, name = value.setdefault("apiVersion", kind.group_version), value.setdefault("kind", kind.name)
    if name != kind.name:
        raise bad_request(
            f'{name} in version "{version.rpartition("/")[2]}" cannot be handled as a {kind.name}: converting'
            f" ({version.rpartition('/')[2]}.{name}) to ({kind.group or 'core'}.{kind.name}): unknown conversion"
        )
    if version != kind.group_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({kind.group_version})"
        )
