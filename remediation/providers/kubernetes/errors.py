"""Turn answers of a Kubernetes API server, and the lack of one, into our error tree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from remediation.access.headers import retry_after
from remediation.model.commands import RIGHTS, advice, command, repeat
from remediation.model.errors import (
    ApiError,
    BudgetSpent,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    NotFound,
    Throttled,
    Unauthorized,
    Unavailable,
)

_DOCTOR = command("runbook", "doctor")
# Source: https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/ (429 is a budget, or throttling)
_BUDGET = "DisruptionBudget"
# What is read of a Status, and what it has to be for that.
_FIELDS: dict[str, type] = {"message": str, "reason": str, "details": dict}


def from_answer(method: str, path: str, code: int, headers: Mapping[str, str], body: bytes, server: str) -> ApiError:
    """Return the error for an HTTP status of 300 or more."""
    status = _status(body)
    message = status.get("message") or f"{method} {path} was answered with HTTP {code}"
    match code:
        case 401:
            return Unauthorized(
                f"{server} does not accept the credentials (401)",
                message,
                advice("log in again, then: {}", _DOCTOR),
                code,
            )
        case 403:
            return Forbidden(
                message,
                "403 Forbidden; ask for the role that the command below prints",
                RIGHTS,
                code,
            )
        case 404:
            return NotFound(message, "404", _DOCTOR, code)
        case 410:
            return Expired(message, "410: it is too old by now", (), code)
        case 409 | 412:
            return Conflict(message, status.get("reason", ""), (), code)
        case 422 if method == "PATCH" and not _causes(status):
            # A failed `test` of a JSON patch has no field causes; a rejected value has.
            return Conflict(message, "a field has another value than the plan saw", (), code)
        case 400 | 405 | 406 | 413 | 415 | 422:
            return Invalid(message, f"HTTP {code}", (), code)
        case 429:
            return _not_now(status, message, headers, server)
        case _ if code < 500:
            return Unavailable(f"{server} answered {method} {path} with HTTP {code}", message, _DOCTOR, code)
        case _:
            return Unavailable(
                f"{server} is not able to answer (HTTP {code})", message, _DOCTOR, code, retry_after(headers)
            )


def _not_now(status: dict[str, Any], message: str, headers: Mapping[str, str], server: str) -> ApiError:
    """Return who asks to come back later: a disruption budget, or a server that has too much to do."""
    told = [item.get("message") or "it allows none now" for item in _told(status) if item.get("reason") == _BUDGET]
    if told:
        reason = f"a disruption budget keeps the pod: {'; '.join(map(str, told))}"
        return BudgetSpent(reason, message, repeat(), 429, retry_after(headers))
    return Throttled(f"{server} asks to slow down (429)", message, repeat(), 429, retry_after(headers))


def _status(body: bytes) -> dict[str, Any]:
    """Return the Status object; anything else that answers in its place says nothing that is worth showing."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict) or document.get("kind") != "Status":
        return {}
    return {key: document[key] for key, kind in _FIELDS.items() if isinstance(document.get(key), kind)}


def _causes(status: dict[str, Any]) -> bool:
    return any(cause.get("field") for cause in _told(status))


def _told(status: dict[str, Any]) -> list[dict[str, Any]]:
    causes = status.get("details", {}).get("causes")
    return [item for item in causes if isinstance(item, dict)] if isinstance(causes, list) else []


def from_transport(problem: Exception, server: str) -> ApiError:
    """Return the error for a request without an answer. The cause's own text may hold headers, so only its kind is kept."""
    name = type(getattr(problem, "reason", None) or problem).__name__
    sentence = {
        "SSLError": "its certificate is not trusted",
        "SSLCertVerificationError": "its certificate is not trusted",
        "NameResolutionError": "its name cannot be resolved",
        "ConnectTimeoutError": "it does not accept connections in time",
        "NewConnectionError": "it refuses connections",
        "ReadTimeoutError": "it did not answer in time",
        "ProtocolError": "the connection broke",
        "LocationParseError": "the address is malformed",
    }.get(name, f"the request failed ({name})")
    return Unavailable(f"{server} cannot be reached: {sentence}", "", _DOCTOR)
