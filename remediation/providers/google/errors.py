"""Turn errors of Google's clients into our error tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from remediation.access.headers import retry_after
from remediation.model.commands import RIGHTS, command, repeat
from remediation.model.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Occupied,
    Throttled,
    Unauthorized,
    Unavailable,
)

_LOGIN = command("gcloud", "auth", "application-default", "login")
_DOCTOR = command("runbook", "doctor")


def translated(problem: Exception) -> Exception:
    """Return our error for one of Google's; anything that is no error of an API comes back unchanged."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError  # noqa: PLC0415 - loaded with the client that failed
    from google.auth.exceptions import GoogleAuthError, TransportError  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    if isinstance(problem, GoogleAPICallError):
        return _from_reasons(problem) or _from_code(int(problem.code or 0), _message(problem), problem)
    if isinstance(problem, TransportError | RequestException | RetryError):
        return Unavailable(f"Google's API cannot be reached ({type(problem).__name__})", "", _DOCTOR)
    if isinstance(problem, GoogleAuthError):
        return Unauthorized("the Google credentials cannot be used", type(problem).__name__, _LOGIN, 401)
    return problem


# What an answer means its reason says; the status of HTTP is that of a bad or forbidden request, whatever it was.
# Sources: https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-common-compute-errors,
# https://cloud.google.com/compute/docs/api/rate-limits and
# https://cloud.google.com/kubernetes-engine/docs/troubleshooting/known-issues
_BUSY = frozenset({"resourceNotReady", "RESOURCE_NOT_READY", "CLUSTER_ALREADY_HAS_OPERATION"})
_TOO_MANY = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})


def _from_reasons(problem: Any) -> ApiError | None:
    """Return our error for the reasons of an answer, None where they say no more than its status."""
    found, code = set(_reasons(problem)), int(problem.code or 0)
    if found & _BUSY:
        return Occupied(_message(problem), "another operation runs there", repeat(), code)
    if found & _TOO_MANY:
        return Throttled("Google asks to slow down", _message(problem), repeat(), code, _retry_after(problem))
    return None


def _reasons(problem: Any) -> Iterator[str]:
    """Yield the reasons of an answer: Compute Engine has them in a list of errors, others in an ErrorInfo."""
    yield from (str(item.get("reason", "")) for item in problem.errors or () if isinstance(item, dict))
    yield str(getattr(problem, "reason", "") or "")


def _message(problem: Any) -> str:
    return str(problem.message or type(problem).__name__).split("\n", 1)[0][:300]


def _from_code(code: int, message: str, problem: Any) -> ApiError:
    match code:
        case 401:
            return Unauthorized("Google does not accept the credentials (401)", message, _LOGIN, code)
        case 403:
            reason = f"403 {problem.reason or 'Forbidden'}" if hasattr(problem, "reason") else "403"
            return Forbidden(
                message,
                reason,
                RIGHTS,
                code,
            )
        case 404:
            return NotFound(message, "404: there is nothing of this name", _DOCTOR, code)
        case 409 | 412:
            return Conflict(message, "somebody was faster", (), code)
        case 429:
            return Throttled("Google asks to slow down (429)", message, repeat(), code, _retry_after(problem))
        case 400 | 405 | 413 | 416:
            return Invalid(message, f"HTTP {code}", (), code)
        case _:
            return Unavailable(
                f"Google's API is not able to answer (HTTP {code})",
                message,
                _DOCTOR,
                code,
                _retry_after(problem),
            )


def _retry_after(problem: Any) -> float:
    """Return how many seconds the answer asks to wait: by its header, or by what gRPC has in its place."""
    headers = getattr(getattr(problem, "response", None), "headers", None) or {}
    delays = [item.retry_delay for item in getattr(problem, "details", None) or [] if hasattr(item, "retry_delay")]
    return retry_after(headers) or (delays[0].seconds + delays[0].nanos / 1e9 if delays else 0.0)
