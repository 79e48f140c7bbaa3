"""Ways in which an emulated Google API can fail, and the errors it answers with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


@dataclass(frozen=True)
class Fault:
    """What happens to one request: an error status, a delay in seconds, or a closed connection before or after its effect."""

    code: int = 0
    message: str = "injected"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    close: Literal["", "before", "after"] = ""


# Sees the service, the HTTP method or RPC, the path and the body; returns what goes wrong, or None.
Faults = Callable[[str, str, str, dict[str, Any]], Fault | None]


class GoogleError(Exception):
    """An answer with an error status. ``status`` is the canonical name, such as ``ABORTED``."""

    def __init__(self, code: int, message: str, status: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.reason = (
            code,
            message,
            status or CODES.get(code, "UNKNOWN"),
            reason,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the body that Google's REST APIs send."""
        details = (
            [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": self.reason, "domain": "googleapis.com"}]
            if self.reason
            else []
        )
        return {
            "error": {"code": self.code, "message": self.message, "status": self.status}
            | ({"details": details} if details else {})
        }


def invalid(message: str) -> GoogleError:
    """Return 400 for a request that makes no sense."""
    return GoogleError(400, message)
