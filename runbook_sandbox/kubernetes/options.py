"""The options in a request's query, and what the API server refuses in them."""

from __future__ import annotations

from collections.abc import Iterator

from runbook_sandbox.kubernetes.names import Causes
from runbook_sandbox.kubernetes.problems import bad_request, cause, forbidden_field, invalid
from runbook_sandbox.kubernetes.requests import Request

_WRITES = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}
_MANAGER_LIMIT = 128
_APPLY = "application/apply-patch"
_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
_MATCHES = ("Exact", "NotOlderThan", "")


def check(verb: str, request: Request) -> None:
    """Raise Problem (400 or 422) for options that make no sense."""
    if verb in _WRITES:
        _refuse(_WRITES[verb], [*_of_writes(request), *_of_patches(verb, request)])
    elif verb in {"list", "watch", "deletecollection"}:
        for name in ("limit", "timeoutSeconds"):
            integer(request, name)
        _refuse("ListOptions", list(_of_lists(verb, request)))


def integer(request: Request, name: str) -> int | None:
    """Return a number of the query; raises Problem (400) when it is none."""
    text = request.query.get(name, "")
    try:
        return int(text) if text else None
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def _refuse(kind: str, causes: Causes) -> None:
    if causes:
        raise invalid(kind, "meta.k8s.io", "", causes)


def _unsupported(field: str, value: str, supported: tuple[str, ...]) -> dict[str, str]:
    listed = ", ".join(f'"{each}"' for each in supported)
    return cause(field, f"Unsupported value: {value}: supported values: {listed}", "FieldValueNotSupported")


def _of_writes(request: Request) -> Iterator[dict[str, str]]:
    manager = request.query.get("fieldManager", "")
    if len(manager) > _MANAGER_LIMIT:
        message = f"Too long: may not be more than {_MANAGER_LIMIT} bytes"
        yield cause("fieldManager", message, "FieldValueTooLong")
    for index, each in enumerate(manager):
        if not each.isprintable():
            shown = f'"\\x{ord(each):02x}"' if each != "\a" else '"\\a"'
            yield cause(
                "fieldManager", f"Invalid value: {shown}: invalid character U+{ord(each):04X} (at position {index})"
            )
    dry_run = request.query.get("dryRun")
    if dry_run not in {None, "All"}:
        yield _unsupported("dryRun", f'["{dry_run}"]', ("All",))
    mode = request.query.get("fieldValidation", "")
    if mode not in _VALIDATIONS:
        yield _unsupported("fieldValidation", f'"{mode}"', _VALIDATIONS)


def _of_patches(verb: str, request: Request) -> Iterator[dict[str, str]]:
    if verb == "patch" and "force" in request.query and not request.content_type.startswith(_APPLY):
        yield forbidden_field("force", "may not be specified for non-apply patch")


def _of_lists(verb: str, request: Request) -> Iterator[dict[str, str]]:
    match, version = request.query.get("resourceVersionMatch", ""), request.query.get("resourceVersion", "")
    initial = request.query.get("sendInitialEvents", "")
    if initial and verb != "watch":
        yield forbidden_field("sendInitialEvents", "sendInitialEvents is forbidden for list")
    elif initial and match != "NotOlderThan":
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        yield forbidden_field("resourceVersionMatch", why)
    if match not in _MATCHES:
        yield _unsupported("resourceVersionMatch", f'"{match}"', _MATCHES)
    elif match and not version and not initial:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        yield forbidden_field("resourceVersionMatch", why)
    elif match == "Exact" and version == "0":
        why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        yield forbidden_field("resourceVersionMatch", why)
