"""Read which requests an API server has answered, from its audit log."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NewType

from runbook_sandbox.control_plane.admin_api import AdminApi

Mark = NewType("Mark", int)
"""A position in the audit log: everything after it happened later."""

START = Mark(0)
WRITE_VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_FENCE = "audit-fence"
# These are sent with POST and store nothing.
_QUESTIONS = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})


class AuditLog:
    """The audit log of one API server."""

    def __init__(self, path: Path, api: AdminApi) -> None:
        self._path = path
        self._api = api

    def mark(self) -> Mark:
        """Return the present end of the log.

        Raises:
            TimeoutError: the API server writes no audit log.
        """
        self._fence()
        return Mark(self._path.stat().st_size)

    def events(self, since: Mark = START, user: str | None = None) -> list[dict[str, Any]]:
        """Return the events since a mark, one per request, perhaps those of one user only.

        Raises:
            TimeoutError: the API server writes no audit log.
        """
        self._fence()
        with self._path.open("rb") as log:
            log.seek(since)
            parsed = [json.loads(line) for line in log]
        # A watch has two events, its start and its end.
        by_request = {event["auditID"]: event for event in parsed if _FENCE not in event["requestURI"]}
        return [event for event in by_request.values() if user is None or user in _names(event)]

    def _fence(self) -> None:
        # A long answer can reach its client a moment before its event reaches the log. Once the event of a later
        # request is there, so are those of all requests that were answered before this call.
        token = f"{_FENCE}={secrets.token_hex(8)}"
        end = self._path.stat().st_size
        self._api.request("GET", f"/version?{token}")
        deadline = time.monotonic() + 5
        while not self._has(token, end):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no event of a request that was answered 5 seconds ago is in {self._path}")
            time.sleep(0.005)

    def _has(self, token: str, start: int) -> bool:
        with self._path.open("rb") as log:
            log.seek(start)
            text = log.read()
        return token.encode() in text and text.endswith(b"\n")


def is_write(event: Mapping[str, Any]) -> bool:
    """Tell whether a request changed something: no dry run, no question about permissions, not refused."""
    resource = event.get("objectRef", {}).get("resource")
    stored = event["verb"] in WRITE_VERBS and resource not in _QUESTIONS and "dryRun=" not in event["requestURI"]
    return bool(stored and event.get("responseStatus", {}).get("code", 0) < 400)


def _names(event: Mapping[str, Any]) -> set[str]:
    return {event["user"].get("username"), event.get("impersonatedUser", {}).get("username")}
