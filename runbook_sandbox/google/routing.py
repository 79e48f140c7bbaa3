"""Which function answers which REST method: a pattern for the path, and what it does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runbook_sandbox.google.cloud import GoogleCloud, Project
from runbook_sandbox.google.faults import GoogleError, invalid
from runbook_sandbox.google.policy import PolicyBox

Json = dict[str, Any]
_TYPES: dict[Any, str] = {str: "string", dict: "object", list: "array"}


@dataclass(frozen=True)
class Request:
    """One REST request; ``part`` holds the named parts of its path."""

    cloud: GoogleCloud
    caller: str
    query: dict[str, str]
    body: Json
    part: dict[str, str]

    @property
    def project(self) -> Project:
        """The project that the path names; raises GoogleError."""
        return self.cloud.project(self.part["project"])

    def require(self, permission: str, resource: str = "") -> None:
        """Raise GoogleError 403 when the caller lacks a permission."""
        self.cloud.require(self.caller, permission, resource or f"projects/{self.project.id}")

    def field(self, name: str, kind: type[Any], default: Any = None) -> Any:
        """Return a field of the body; raises GoogleError 400 when it is missing or of another type."""
        value = self.body.get(name, default)
        if value is None:
            raise invalid("Request contains an invalid argument.")
        if not isinstance(value, kind):
            raise invalid(f"Invalid value at '{name}' ({_TYPES[kind]})")
        return value

    def page(self, items: list[Json], name: str) -> Json:
        """Return one page of a list, and the token of the next."""
        size, start = self.query.get("pageSize", "0"), self.query.get("pageToken", "0")
        if not (size.isdecimal() and start.isdecimal()):
            raise invalid("Request contains an invalid argument.")
        end = int(start) + (int(size) or len(items))
        more = {"nextPageToken": str(end)} if end < len(items) else {}
        found = items[int(start) : end]
        return ({name: found} if found else {}) | more


Route = tuple[str, re.Pattern[str], Callable[[Request], Json]]
ROUTES: list[Route] = []


def route(method: str, pattern: str) -> Callable[[Callable[[Request], Json]], Callable[[Request], Json]]:
    """Register a function for a path; ``{name}`` matches one segment."""
    expression = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+(?::[^/:]+)*?)", pattern) + r"\Z")

    def register(function: Callable[[Request], Json]) -> Callable[[Request], Json]:
        ROUTES.append((method, expression, function))
        return function

    return register


def answer_policy(request: Request, box: PolicyBox, resource: str, service: str) -> Json:
    """Answer ``getIamPolicy``, ``setIamPolicy`` and ``testIamPermissions``."""
    verb = request.part["verb"]
    if verb == "testIamPermissions":
        return {"permissions": request.cloud.allowed(request.caller, request.field("permissions", list, []))}
    request.require(f"{service}.{verb}", resource)
    if verb == "setIamPolicy":
        return box.write(request.field("policy", dict), request.cloud.stale_reads)
    asked = request.field("options", dict, {}).get("requestedPolicyVersion")
    version = str(asked or request.query.get("options.requestedPolicyVersion") or 1)
    if version not in ("0", "1", "2", "3"):
        raise invalid("Requested policy version must be 0, 1, or 3.")
    return box.read(int(version))


def dispatch(cloud: GoogleCloud, method: str, path: str, query: dict[str, str], body: Json, caller: str) -> Json:
    """Answer one REST request; raises GoogleError."""
    for wanted, pattern, function in ROUTES:
        match = pattern.match(path)
        if wanted == method and match:
            with cloud.lock:
                return function(Request(cloud, caller, query, body, match.groupdict()))
    raise GoogleError(404, f"Method not found: {method} {path}")
