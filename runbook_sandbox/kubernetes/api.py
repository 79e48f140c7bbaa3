"""Answer a request: what the path names, who asks, and then the verb."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from runbook_sandbox.kubernetes import (
    authentication,
    cautions,
    deleting,
    discovery,
    openapi,
    options,
    paging,
    patches,
    problems,
    protobuf,
    rbac,
    rendering,
    reviews,
    versions,
    watch,
    writing,
)
from runbook_sandbox.kubernetes.bodies import decode_body
from runbook_sandbox.kubernetes.containers import Containers
from runbook_sandbox.kubernetes.decoding import Decoder
from runbook_sandbox.kubernetes.kinds import Kind, Kinds
from runbook_sandbox.kubernetes.objects import Object
from runbook_sandbox.kubernetes.requests import PARTS, Request, Response, Route, User, route, wanted
from runbook_sandbox.kubernetes.selectors import parse
from runbook_sandbox.kubernetes.store import Store
from runbook_sandbox.kubernetes.subresources import Subresources

_log = logging.getLogger(__name__)
_WATCH_SECONDS = 1800.0
_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})


class Api:
    """The verbs of the API on one store.

    Attributes:
        tokens: users by bearer token.
        is_open: tells whether watches go on.
        lets: tells of what a request wants whether it may, beside the roles.
    """

    def __init__(
        self,
        store: Store,
        kinds: Kinds,
        tokens: Mapping[str, User],
        containers: Containers,
        is_open: Callable[[], bool],
        lets: rbac.Guard = lambda _: True,
    ) -> None:
        self.store, self.kinds, self.tokens, self.is_open, self.lets = store, kinds, tokens, is_open, lets
        self._subresources = Subresources(store, containers)

    def answer(self, request: Request) -> Response:
        """Return the answer to a request."""
        try:
            request.user = rbac.impersonate(self.store, authentication.authenticate(request, self.tokens), request)
            return self._static(request) or self._of_resource(request)
        except problems.UnknownPath:
            return Response(404, "404 page not found\n", "text/plain; charset=utf-8")
        except problems.Problem as problem:
            return problem.response
        except RecursionError:
            return problems.bad_request("exceeded max depth").response
        except MemoryError:
            return problems.full().response
        except Exception:  # noqa: BLE001 - a bug of ours is an answer to the client too, not a lost connection
            _log.exception("%s %s failed", request.method, request.uri)
            return problems.internal().response

    def _static(self, request: Request) -> Response | None:
        found = self._document(request)
        if found is not None and request.method != "GET":
            raise problems.wrong_method()
        return found

    def _document(self, request: Request) -> Response | None:
        path = request.path.rstrip("/") or "/"
        authentication.check_path(request.user, path)
        if path in _HEALTH:
            return Response(200, "ok", "text/plain; charset=utf-8")
        if path == "/version":
            return Response(200, discovery.VERSION)
        if path.startswith("/openapi"):
            return self._openapi(path)
        return self._discovery(path, request)

    def _openapi(self, path: str) -> Response:
        if path == "/openapi/v3":
            return Response(200, openapi.index(self.kinds))
        found = openapi.group_document(self.kinds, path.removeprefix("/openapi/v3/"))
        if found is None:
            raise problems.UnknownPath(path)
        return Response(200, found)

    def _discovery(self, path: str, request: Request) -> Response | None:
        parts = path.strip("/").split("/")
        versions = self.kinds.group_versions()
        if parts in (["api"], ["apis"]) and discovery.is_aggregated(request.headers.get("accept", "")):
            found = discovery.aggregated(self.kinds, core=parts == ["api"])
            return Response(200, found, discovery.AGGREGATED)
        match parts:
            case [""]:
                return Response(200, {"paths": ["/api", "/apis", "/openapi/v3", "/version"]})
            case ["api"]:
                return Response(200, discovery.core_versions(request.headers.get("host", "")))
            case ["apis"]:
                return Response(200, discovery.groups(self.kinds))
            case ["apis", name] if name in versions:
                body = {"kind": "APIGroup", "apiVersion": "v1", **discovery.group(name, versions[name])}
                return Response(200, body)
            case ["api", "v1"]:
                return Response(200, discovery.resources(self.kinds, "v1"))
            case ["apis", name, version] if version in versions.get(name, ()):
                return Response(200, discovery.resources(self.kinds, f"{name}/{version}"))
        return None

    def _of_resource(self, request: Request) -> Response:
        try:
            found = route(self.kinds, request)
        except (problems.UnknownPath, problems.Problem):
            # Who may not ask for it does not learn that there is no such resource.
            asked = rbac.Attributes(*wanted(request))
            if asked.resource:
                rbac.check(self.store, request.user, asked, self.lets)
            raise
        try:
            answer = self._answer(found, request)
        except problems.Problem as problem:
            answer = problem.response
        answer.headers |= cautions.joined(cautions.about(found.kind, request), answer.headers)
        return answer

    def _answer(self, found: Route, request: Request) -> Response:
        rbac.check(self.store, request.user, rbac.attributes(found), self.lets)
        options.check(found.verb, request)
        if found.kind.plural in reviews.REVIEWS:
            return self._review(found, request)
        if found.subresource not in PARTS:
            return self._subresources.answer(found, self._stored(found), request)
        verbs: dict[str, Callable[[Route, Request], Response]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_all,
        }
        return verbs[found.verb](found, request)

    def _review(self, found: Route, request: Request) -> Response:
        obj, _ = self._body(found.kind, request)
        return Response(201, reviews.review(self.store, found.kind.plural, obj, request.user))

    def _stored(self, found: Route) -> Object:
        obj = self.store.get(found.kind.storage, found.namespace, found.name)
        if obj is None:
            raise problems.not_found(found.kind, found.name)
        return obj

    def _get(self, found: Route, request: Request) -> Response:
        return self._shown(200, found.kind, self._stored(found), request)

    def _shown(self, code: int, kind: Kind, obj: Object, request: Request) -> Response:
        return Response(code, rendering.wanted(request).object(kind, obj))

    def _list(self, found: Route, request: Request) -> Response:
        kind, query = found.kind, request.query
        with self.store.lock:
            self._check_version(query.get("resourceVersion", ""))
            objects, version = self._selected(found, request), self.store.version
        page, left, token = paging.page(objects, query, version)
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        metadata |= {"continue": token} if token else {}
        # How many match a selector further on, the real server does not count.
        metadata |= {"remainingItemCount": left} if token and not query.get("labelSelector") else {}
        return Response(200, rendering.wanted(request).list(kind, page, metadata))

    def _selected(self, found: Route, request: Request) -> list[Object]:
        query = request.query
        selects = parse(found.kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        return [each for each in self.store.list(found.kind.storage, found.namespace) if selects(each)]

    def _check_version(self, version: str) -> None:
        if version and not version.isdigit():
            raise problems.bad_request(
                f'invalid resource version: resourceVersion: Invalid value: "{version}": strconv.ParseUint: parsing'
                f' "{version}": invalid syntax'
            )
        if version and int(version) > self.store.version:
            causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
            text = f"Timeout: Too large resource version: {version}, current: {self.store.version}"
            raise problems.Problem(504, "Timeout", text, {"causes": causes, "retryAfterSeconds": 1})

    def _watch(self, found: Route, request: Request) -> Response:
        kind, query = found.kind, request.query
        version = query.get("resourceVersion", "")
        if version and not version.isdigit():
            why = f'resourceVersion: Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax'
            raise problems.Problem(500, "", why)
        chosen = query.get("fieldSelector", "") or (f"metadata.name={found.name}" if found.name else "")
        form = rendering.wanted(request)
        watched = watch.Watched(
            kind.storage,
            found.namespace,
            parse(kind, query.get("labelSelector", ""), chosen),
            lambda obj: form.object(kind, obj),
            lambda version: form.bookmark(kind, version),
        )
        span = watch.Span(
            version,
            float(options.integer(request, "timeoutSeconds") or _WATCH_SECONDS),
            request.flag("allowWatchBookmarks"),
            request.flag("sendInitialEvents"),
            self.is_open,
        )
        return Response(200, lines=watch.stream(self.store, watched, span))

    def _body(self, kind: Kind, request: Request) -> tuple[Object, dict[str, str]]:
        """Return the object of a body, and the headers of its warnings."""
        if protobuf.is_protobuf(request.body):
            return Decoder(kind).decode(protobuf.decode(request.body)), {}
        if request.content_type not in {"", "application/json", "application/yaml"}:
            raise problems.unsupported_media()
        obj, decoder = decode_body(kind, request.body, request.content_type)
        return obj, cautions.of_fields(decoder, request)

    def _create(self, found: Route, request: Request) -> Response:
        if self.store.is_full:
            raise problems.full()
        obj, headers = self._body(found.kind, request)
        made = writing.create(self.store, found, versions.stored(found.kind, obj), request)
        answer = self._shown(201, found.kind, made, request)
        answer.headers |= headers
        return answer

    def _update(self, found: Route, request: Request) -> Response:
        obj, headers = self._body(found.kind, request)
        if found.kind.custom is not None and not (obj.get("metadata") or {}).get("resourceVersion"):
            raise problems.without_version(found.kind, found.name)
        with self.store.lock:
            new = writing.replace(self.store, found, self._stored(found), versions.stored(found.kind, obj), request)
        answer = self._shown(200, found.kind, new, request)
        answer.headers |= headers
        return answer

    def _patch(self, found: Route, request: Request) -> Response:
        with self.store.lock:
            code, new, complaints = patches.patch(self.store, found, request)
        answer = self._shown(code, found.kind, new, request)
        answer.headers |= cautions.headers(complaints, request)
        return answer

    def _delete(self, found: Route, request: Request) -> Response:
        how = deleting.options(request)
        with self.store.lock:
            obj, gone = deleting.delete(self.store, found.kind, self._stored(found), how)
        if not gone or found.kind.returned:
            return self._shown(200, found.kind, obj, request)
        details = problems.details(found.kind, found.name) | {"uid": obj["metadata"]["uid"]}
        body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return Response(200, body)

    def _delete_all(self, found: Route, request: Request) -> Response:
        how = deleting.options(request)
        with self.store.lock:
            objects = self._selected(found, request)
            for each in objects:
                deleting.delete(self.store, found.kind, each, how)
        metadata = {"resourceVersion": str(self.store.version)}
        return Response(200, rendering.wanted(request).list(found.kind, objects, metadata))
