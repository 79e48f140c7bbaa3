"""What is asked of one object below its name: `log`, `scale`, `token`, `eviction` and the like."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from runbook_sandbox.kubernetes import deleting, problems, protobuf, rendering, scaling, service_tokens
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.requests import Request, Response, Route
from runbook_sandbox.kubernetes.store import Store

LogText = Callable[[Object, str, Mapping[str, str]], str]
_STREAMS = frozenset({"attach", "exec", "portforward"})


class Subresources:
    """Answers for one store; `log_text` returns the log of a pod's container."""

    def __init__(self, store: Store, log_text: LogText) -> None:
        self._store, self._log_text = store, log_text

    def answer(self, found: Route, obj: Object, request: Request) -> Response:
        """Answer a request about a stored object; raises Problem."""
        name = f"{found.verb} {found.subresource}"
        if found.subresource in _STREAMS and found.verb in {"get", "create"}:
            raise problems.bad_request("Upgrade request required")
        answers: dict[str, Callable[[Route, Object, Request], Response]] = {
            "get log": self._log,
            "create eviction": self._evict,
            "create token": service_tokens.issue,
            "get scale": self._scale,
            "update scale": self._rescale,
            "patch scale": self._rescale,
        }
        if name not in answers:
            raise problems.wrong_method()
        return answers[name](found, obj, request)

    def _log(self, found: Route, obj: Object, request: Request) -> Response:
        text = self._log_text(obj, request.query.get("container", ""), request.query)
        return Response(200, text, "text/plain")

    def _evict(self, found: Route, obj: Object, request: Request) -> Response:
        body = (
            protobuf.decode(request.body) if protobuf.is_protobuf(request.body) else json.loads(request.body or b"{}")
        )
        options = body.get("deleteOptions") or {}
        how = deleting.DeleteOptions(options.get("gracePeriodSeconds"), dry_run=request.is_dry_run)
        with self._store.lock:
            deleting.delete(self._store, found.kind, obj, how)
        return Response(201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})

    def _scale(self, found: Route, obj: Object, request: Request) -> Response:
        return Response(200, rendering.wanted(request).object(scaling.SCALE, scaling.scale_of(obj)))

    def _rescale(self, found: Route, obj: Object, request: Request) -> Response:
        with self._store.lock:
            new = scaling.rescale(self._store, found, request)
        return self._scale(found, new, request)
