"""What is asked of one object below its name: `log`, `scale`, `token`, `eviction` and the like."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qsl, urlsplit

from runbook_sandbox.kubernetes import deleting, problems, protobuf, rendering, scaling, service_tokens, websocket
from runbook_sandbox.kubernetes.containers import Containers
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.requests import Request, Route
from runbook_sandbox.kubernetes.responses import Response
from runbook_sandbox.kubernetes.store import Store


class Subresources:
    """Answers for one store and its containers."""

    def __init__(self, store: Store, containers: Containers) -> None:
        self._store, self._containers = store, containers

    def answer(self, found: Route, obj: Object, request: Request) -> Response:
        """Answer a request about a stored object; raises Problem."""
        name = f"{found.verb} {found.subresource}"
        answers: dict[str, Callable[[Route, Object, Request], Response]] = {
            "get log": self._log,
            "get attach": self._attach,
            "create attach": self._attach,
            "get exec": self._execute,
            "create exec": self._execute,
            "get portforward": self._refuse_ports,
            "create portforward": self._refuse_ports,
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
        container = request.query.get("container", "")
        text = self._containers.log(obj, container, request.query)
        if not request.flag("follow"):
            return Response(200, text, "text/plain")
        return Response(200, None, "text/plain", lines=self._containers.follow(obj, container, request.query))

    def _attach(self, found: Route, obj: Object, request: Request) -> Response:
        talk = partial(self._containers.attach, obj, stdin=request.flag("stdin"))
        return Response(101, headers=websocket.handshake(request), upgrade=talk)

    def _execute(self, found: Route, obj: Object, request: Request) -> Response:
        command = [value for name, value in parse_qsl(urlsplit(request.uri).query) if name == "command"]
        if not command:
            raise problems.bad_request("you must specify at least 1 command for the container")
        talk = partial(self._containers.execute, obj, command)
        return Response(101, headers=websocket.handshake(request), upgrade=talk)

    def _refuse_ports(self, found: Route, obj: Object, request: Request) -> Response:
        websocket.handshake(request)
        raise problems.bad_request("no port of a pod can be reached here: nothing runs in it")

    def _evict(self, found: Route, obj: Object, request: Request) -> Response:
        body = (
            protobuf.decode(request.body) if protobuf.is_protobuf(request.body) else json.loads(request.body or b"{}")
        )
        if (body.get("metadata") or {}).get("name", found.name) != found.name:
            raise problems.bad_request("name in URL does not match name in Eviction object")
        options = body.get("deleteOptions") or {}
        how = deleting.DeleteOptions(options.get("gracePeriodSeconds"), dry_run=request.is_dry_run)
        with self._store.lock:
            deleting.delete(self._store, found.kind, obj, how)
        return Response(201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})

    def _scale(self, found: Route, obj: Object, request: Request) -> Response:
        return Response(200, rendering.wanted(request).object(scaling.SCALE, scaling.scale_of(found.kind, obj)))

    def _rescale(self, found: Route, obj: Object, request: Request) -> Response:
        with self._store.lock:
            new = scaling.rescale(self._store, found, request)
        return self._scale(found, new, request)
