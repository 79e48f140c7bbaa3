"""The object in a request's body, and how the API server says that there is none."""

from __future__ import annotations

from runbook_sandbox import yaml_text
from runbook_sandbox.kubernetes import go_json
from runbook_sandbox.kubernetes.decoding import Decoder, WrongType
from runbook_sandbox.kubernetes.kinds import Kind, builtin
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.problems import Problem, bad_request

# Go prints the type into which it reads the first two fields of any body.
TYPE_META = r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
SCHEME = 'in scheme "pkg/runtime/scheme.go:111"'
_SHOWN = 30


def decode_body(kind: Kind, body: bytes, content_type: str) -> tuple[Object, Decoder]:
    """Return the object of a request's body, which may be JSON or YAML.

    Raises:
        Problem: 400 when it cannot be read, or when it is of another kind.
    """
    decoder = Decoder(kind)
    try:
        value = yaml_text.load(body) if "yaml" in content_type else decoder.parse(body)
    except yaml_text.YamlProblem as error:
        raise _unrecognized(kind, f"yaml: {error}", body.hex()) from error
    except ValueError as error:
        raise _no_json(kind, go_json.complaint(body, error), body) from error
    value = {} if value is None else value
    if not isinstance(value, dict):
        why = f"json: cannot unmarshal {go_json.kind(value)} into Go value of type {TYPE_META}"
        raise _unrecognized(kind, f"couldn't get version/kind; json parse error: {why}", body.hex())
    _check_kind(kind, value, body)
    return _decode(kind, decoder, value), decoder


def _decode(kind: Kind, decoder: Decoder, value: Object) -> Object:
    try:
        return decoder.decode(value)
    except WrongType as error:
        raise _not_handled(kind, kind.name, kind.version, str(error)) from error


def _no_json(kind: Kind, why: str, body: bytes) -> Problem:
    text = body.decode(errors="replace")
    shown = f"{text[:_SHOWN]} ..." if len(text) > _SHOWN else text or "<empty>"
    return _unrecognized(kind, f"couldn't get version/kind; json parse error: {why}", shown)


def _unrecognized(kind: Kind, why: str, shown: str) -> Problem:
    return bad_request(f"the object provided is unrecognized (must be of type {kind.name}): {why} ({shown})")


def _not_handled(kind: Kind, name: str, version: str, why: str) -> Problem:
    return bad_request(f'{name} in version "{version}" cannot be handled as a {kind.name}: {why}')


def _check_kind(kind: Kind, value: Object, body: bytes) -> None:
    version, name = value.setdefault("apiVersion", kind.group_version), value.setdefault("kind", kind.name)
    for field, item in (("apiVersion", version), ("kind", name)):
        if not isinstance(item, str):
            why = f"json: cannot unmarshal {go_json.kind(item)} into Go struct field .{field} of type string"
            raise _no_json(kind, why, body)
    if (version, name) == (kind.group_version, kind.name):
        return
    short = version.rpartition("/")[2]
    if not any((each.group_version, each.name) == (version, name) for each in builtin()):
        raise _not_handled(kind, name, short, f'no kind "{name}" is registered for version "{version}" {SCHEME}')
    if name != kind.name:
        conversion = f"converting ({short}.{name}) to ({kind.group or 'core'}.{kind.name}): unknown conversion"
        raise _not_handled(kind, name, short, conversion)
    raise bad_request(
        f"the API version in the data ({version}) does not match the expected API version ({kind.group_version})"
    )
