"""The audit trail: one event for each request, in the shape of the API server's audit log."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from remediation.sandbox.kubernetes.objects import new_uid, precise_now
from remediation.sandbox.kubernetes.requests import Request, Response, Route

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class AuditTrail:
    """All requests of a cluster, oldest first.

    Attributes:
        events: the events so far.
        path: file that gets one JSON line for each event, if any.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.path = path
        self._lock = threading.Lock()

    def record(self, request: Request, response: Response, route: Route | None) -> None:
        """Append the event of a request that has been answered."""
        event = _event(request, response, route)
        with self._lock:
            self.events.append(event)
            if self.path is not None:
                with self.path.open("a") as file:
                    file.write(json.dumps(event) + "\n")

    def writes(self) -> list[dict[str, Any]]:
        """Return the events of requests that changed something: no dry runs, nothing that was refused."""
        return [
            event
            for event in self.events
            if event["verb"] in _WRITES
            and event["responseStatus"]["code"] < 400
            and not event["dryRun"]
            and event.get("objectRef", {}).get("apiGroup") not in {"authorization.k8s.io", "authentication.k8s.io"}
        ]


def _event(request: Request, response: Response, route: Route | None) -> dict[str, Any]:
    event: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": new_uid(),
        "stage": "ResponseComplete",
        "requestURI": request.uri or request.path,
        "verb": route.verb if route else request.method.lower(),
        "user": {"username": request.user.name, "groups": list(request.user.groups)},
        "userAgent": request.headers.get("user-agent", ""),
        "dryRun": request.is_dry_run,
        "responseStatus": {"metadata": {}, "code": response.code},
        "stageTimestamp": precise_now(),
    }
    return event | ({"objectRef": _reference(route)} if route else {})


def _reference(route: Route) -> dict[str, str]:
    found = {
        "resource": route.kind.plural,
        "namespace": route.namespace,
        "name": route.name,
        "apiGroup": route.kind.group,
        "apiVersion": route.kind.version,
        "subresource": route.subresource,
    }
    return {key: value for key, value in found.items() if value}
