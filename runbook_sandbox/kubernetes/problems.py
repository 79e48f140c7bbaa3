"""Errors as the API server reports them: a Status document with reason, code, message and details."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.responses import Response

_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class Problem(Exception):
    """A request that is answered with a Status of failure.

    Attributes:
        code: HTTP status code.
        body: the Status document.
    """

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
        }
        if reason:
            self.body["reason"] = reason
        if details is not None:
            self.body["details"] = details
        self.body["code"] = code

    @property
    def response(self) -> Response:
        """The answer to the request."""
        return Response(self.code, self.body)


class UnknownPath(Exception):
    """A path that no API serves; answered with plain text."""


def details(kind: Kind, name: str) -> dict[str, Any]:
    """Return the details that name an object by resource."""
    found = {"name": name} if name else {}
    return found | ({"group": kind.group} if kind.group else {}) | {"kind": kind.plural}


def not_found(kind: Kind, name: str) -> Problem:
    """Return 404 for an object."""
    return Problem(404, "NotFound", f'{kind.group_resource} "{name}" not found', details(kind, name))


def no_resource() -> Problem:
    """Return 404 for a resource that a known group does not have."""
    return Problem(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(kind: Kind, name: str, *, going: bool = False) -> Problem:
    """Return 409 for a name that is taken, perhaps by an object that is on its way out."""
    text = f'{"object is being deleted: " if going else ""}{kind.group_resource} "{name}" already exists'
    return Problem(409, "AlreadyExists", text, details(kind, name))


def conflict(kind: Kind, name: str, why: str = _MODIFIED) -> Problem:
    """Return 409 for a write that expected another version of the object."""
    message = f'Operation cannot be fulfilled on {kind.group_resource} "{name}": {why}'
    return Problem(409, "Conflict", message, details(kind, name))


def precondition_failed(kind: Kind, name: str, why: str) -> Problem:
    """Return 409 for a deletion whose uid or version precondition does not hold."""
    qualified = f"{kind.name}.{kind.group}" if kind.group else kind.name
    message = f'Operation cannot be fulfilled on {qualified} "{name}": {why}'
    return Problem(409, "Conflict", message, {"name": name} | _group(kind.group) | {"kind": kind.name})


def _group(group: str) -> dict[str, str]:
    return {"group": group} if group else {}


def cause(field: str, message: str, reason: str = "FieldValueInvalid") -> dict[str, str]:
    """Return one reason why an object is not acceptable."""
    return {"reason": reason, "message": message, "field": field}


def required(field: str, why: str = "") -> dict[str, str]:
    """Return the cause of a field that must be set."""
    return cause(field, f"Required value: {why}" if why else "Required value", "FieldValueRequired")


def forbidden_field(field: str, why: str) -> dict[str, str]:
    """Return the cause of a field that must not be changed."""
    return cause(field, f"Forbidden: {why}", "FieldValueForbidden")


def invalid(kind: str, group: str, name: str, causes: list[dict[str, str]]) -> Problem:
    """Return 422 with the causes."""
    sentences = list(dict.fromkeys(f"{each['field']}: {each['message']}" for each in causes))
    text = sentences[0] if len(sentences) == 1 else f"[{', '.join(sentences)}]"
    qualified = f"{kind}.{group}" if group else kind
    found = ({"name": name} if name else {}) | _group(group) | ({"kind": kind} if kind else {})
    return Problem(422, "Invalid", f'{qualified} "{name}" is invalid: {text}', found | {"causes": causes})


def without_version(kind: Kind, name: str) -> Problem:
    """Return 422 for a custom object that is replaced blindly."""
    why = "Invalid value: 0: must be specified for an update"
    return invalid(kind.plural, kind.group, name, [cause("metadata.resourceVersion", why)])


def bad_request(message: str) -> Problem:
    """Return 400."""
    return Problem(400, "BadRequest", message)


def unprocessable_patch() -> Problem:
    """Return 422 for a patch that cannot be carried out, such as a `test` that fails."""
    return Problem(422, "Invalid", "the server rejected our request due to an error in our request", {})


def unsupported_media() -> Problem:
    """Return 415."""
    types = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    text = f"the body of the request was in an unknown format - accepted media types include: {types}"
    return Problem(415, "UnsupportedMediaType", text)


def unsupported_patch() -> Problem:
    """Return 415 for a patch of an unknown kind."""
    return Problem(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def wrong_method() -> Problem:
    """Return 405."""
    message = "the server does not allow this method on the requested resource"
    return Problem(405, "MethodNotAllowed", message, {})


def unauthorized() -> Problem:
    """Return 401."""
    return Problem(401, "Unauthorized", "Unauthorized")


def forbidden(group: str, resource: str, name: str, message: str) -> Problem:
    """Return 403 with the sentence of the authorizer."""
    qualified = f"{resource}.{group}" if group else resource
    subject = f'{qualified} "{name}" is forbidden' if name else f"{qualified} is forbidden"
    found = ({"name": name} if name else {}) | _group(group) | {"kind": resource}
    return Problem(403, "Forbidden", f"{subject}: {message}", found)


def internal() -> Problem:
    """Return 500 for a bug of the server itself."""
    why = "This request caused the emulated API server to fail. Look in its log for details."
    details = {"causes": [{"message": why}]}
    return Problem(500, "InternalError", f"Internal error occurred: {why}", details)


def expired(message: str) -> Problem:
    """Return 410 for a version that is not kept any more."""
    return Problem(410, "Expired", message)


def too_large(limit: int) -> Problem:
    """Return 413 for a body."""
    return Problem(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")


def full() -> Problem:
    """Return 500 for a store that takes nothing more."""
    return Problem(500, "", "etcdserver: mvcc: database space exceeded")
