"""The Kubernetes API as plain JSON: configuration, credentials and transport are the official client's.

Typed models are left out on purpose: loading them costs more time than a whole run of a small runbook.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from remediation.access.patience import Patience
from remediation.model.commands import command
from remediation.model.diffing import State
from remediation.model.errors import Expired, Forbidden, NotFound, Throttled, Unavailable
from remediation.model.limits import LOG
from remediation.model.refs import FIELD_MANAGER, Ref, Resource
from remediation.providers.kubernetes.connection import READ_SECONDS, Connection

# The class has a method called list, which would hide the built-in type in its annotations.
States = list[State]
JSON_PATCH = "application/json-patch+json"
_ATTEMPTS, _SECONDS = 4, 20.0
# An idle watch gets a bookmark every minute; one that gets nothing for longer has lost its connection.
_WATCH_SILENCE_SECONDS = 75.0
# Two heartbeats, each given up after this, fit in the time after which a lock counts as lost.
_LEASE_READ_SECONDS = 5.0


class KubernetesClient:
    """Requests to one API server over kept-open connections.

    Args:
        configuration: a ``kubernetes.client.Configuration`` (see `configurations.load`).
        renew: reads it again, with fresh credentials; called once when the server no longer accepts the present ones.
        permit: asked right before each request that changes something, each time it is sent; raises what forbids it.
        patience: how long throttled requests are repeated, and who hears of it.
    """

    def __init__(
        self,
        configuration: Any,
        renew: Callable[[], Any] | None = None,
        permit: Callable[[], None] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._patience = patience or Patience()
        self._connection = Connection(configuration, renew, self._patience)
        self._permit, self._read_seconds = permit, READ_SECONDS
        self._snapshot: dict[str, State] | None = None
        self._resources: dict[str, dict[str, Resource]] = {}
        # The version of the newest list of each path, from which a watch goes on.
        self._listed: dict[str, str] = {}

    def for_locks(self) -> KubernetesClient:
        """Return a client on the same connections for Leases: its writes ask nobody, and no answer is waited for for long.

        Locks are taken before anything is permitted, and a heartbeat has to be repeated before they lapse.
        """
        client = copy.copy(self)
        client._permit, client._snapshot, client._read_seconds = None, None, _LEASE_READ_SECONDS
        client._patience = self._patience.undisturbed()
        return client

    @property
    def server(self) -> str:
        """The address of the API server."""
        return self._connection.server

    @property
    def warnings(self) -> list[str]:
        """What the server warned of, each once."""
        return self._connection.warnings

    def now(self) -> float:
        """Return the API server's clock in seconds since 1970, as of its last answer."""
        return self.server_time(time.time())

    def server_time(self, ours: float) -> float:
        """Return what the API server's clock said when ours said this."""
        return ours + self._connection.clock_offset

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read each object once while a plan is made, so that all of it is made from the same state."""
        self._snapshot = {}
        try:
            yield
        finally:
            self._snapshot = None

    def _located(self, ref: Ref) -> Ref:
        """Return the address with what the server calls its kind; one that every cluster has costs no request."""
        if ref.is_known:
            return ref
        if ref.kind not in self._resources.get(ref.api_version, {}):
            self._resources[ref.api_version] = self._discovered(ref.api_version)
        return replace(ref, resource=self._resources[ref.api_version].get(ref.kind))

    def _discovered(self, api_version: str) -> dict[str, Resource]:
        try:
            found = self._safely("GET", f"/apis/{api_version}").get("resources") or []
        except (Forbidden, NotFound):
            return {}  # the request itself will say so too, about the object
        return {each["kind"]: Resource(each["name"], each["namespaced"]) for each in found if "/" not in each["name"]}

    def read(self, ref: Ref) -> State:
        """Return one object; raises NotFound."""
        seen, ref = self._snapshot, self._located(ref)
        if seen is None:
            return self._safely("GET", ref.path)
        if ref.path not in seen:
            seen[ref.path] = self._safely("GET", ref.path)
        return copy.deepcopy(seen[ref.path])

    def list(
        self, ref: Ref, labels: str = "", fields: str = "", keep: Callable[[State], State] | None = None
    ) -> States:
        """Return every object of a kind that the selectors match; ``keep`` picks what is needed of it, page by page."""
        query, ref = {"labelSelector": labels, "fieldSelector": fields}, self._located(ref)
        try:
            return self._pages(ref, query | {"limit": "500"}, keep or _whole)
        except Expired:  # the next page is of a version that the server no longer has; a list in one piece cannot be
            return self._pages(ref, query, keep or _whole)

    def _pages(self, ref: Ref, query: dict[str, str], keep: Callable[[State], State]) -> States:
        items: States = []
        while True:
            page = self._safely("GET", ref.path, query)
            items += map(keep, page.get("items") or [])
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                self._listed[ref.path] = str(metadata.get("resourceVersion") or "")
                return items
            query = query | {"continue": metadata["continue"]}

    def create(self, ref: Ref, body: State, *, dry_run: bool = False) -> State:
        """Create an object; raises Conflict when it exists."""
        return self._write("POST", self._located(ref).collection, _write_query(dry_run), body, dry_run=dry_run)

    def patch(self, ref: Ref, operations: States, *, dry_run: bool = False) -> State:
        """Apply a JSON patch; raises Conflict when one of its tests fails."""
        return self._write(
            "PATCH", self._located(ref).path, _write_query(dry_run), operations, JSON_PATCH, dry_run=dry_run
        )

    def replace(self, ref: Ref, body: State) -> State:
        """Replace an object; raises Conflict when its resourceVersion is not the present one."""
        return self._write("PUT", self._located(ref).path, _write_query(dry_run=False), body, dry_run=False)

    def delete(self, ref: Ref, uid: str, version: str = "", *, dry_run: bool = False) -> State:
        """Delete exactly the object with this uid and version; raises Conflict for any other."""
        preconditions = {"uid": uid} | ({"resourceVersion": version} if version else {})
        body = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": preconditions,
            "propagationPolicy": "Background",
        }
        return self._write(
            "DELETE", self._located(ref).path, {"dryRun": "All"} if dry_run else {}, body, dry_run=dry_run
        )

    def ask(self, path: str, body: State) -> State:
        """Post a question that changes nothing, such as a SelfSubjectAccessReview."""
        return self._safely("POST", path, {}, body)

    def text(self, path: str, query: Mapping[str, str]) -> str:
        """Return a text answer such as a container log, the end of one that is too long."""
        # What a kubelet does not answer is told by the server as its own failure: asking it often only takes time.
        end: bytes = self._repeatedly(self._connection.end_of, path, query, LOG, attempts=2)
        return end.decode(errors="replace")

    def changes(
        self, ref: Ref, seconds: float, fields: str = "", labels: str = "", *, quiet: float = 10
    ) -> Iterator[None]:
        """Yield soon after each change of what the selectors match, and after ``quiet`` seconds without any.

        Never raises: where nobody can watch, it yields every other second, and says so.
        """
        from remediation.providers.kubernetes.watching import changes  # noqa: PLC0415 - only a verb that waits needs it

        path = replace(self._located(ref), name="").path

        def connect(version: str, left: float) -> Any:
            query = {
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": version,
                "timeoutSeconds": str(math.ceil(left)),
                "fieldSelector": fields,
                "labelSelector": labels,
            }
            silence = min(left + 1, _WATCH_SILENCE_SECONDS)
            return self._connection.send("GET", path, query, stream=True, read_seconds=silence)

        return changes(connect, seconds, quiet, self._listed.get(path, ""), self._patience)

    def _write(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any,
        content_type: str = "application/json",
        *,
        dry_run: bool,
    ) -> State:
        """Send a write once; one that is only a dry run may be repeated like a read."""
        if dry_run:
            return self._safely(method, path, query, body, content_type)
        return self.request(method, path, query, body, content_type, permit=self._permit)

    def _safely(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> State:
        """Send a request that may be repeated; one unanswered or throttled request is not the end of a run."""
        result: State = self._repeatedly(self.request, method, path, query or {}, body, content_type)
        return result

    def _repeatedly(self, send: Callable[..., Any], *values: Any, attempts: int = _ATTEMPTS) -> Any:
        loop = self._patience.retrying(Unavailable, Throttled, attempts=attempts, seconds=_SECONDS)
        return loop(send, *values)

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        permit: Callable[[], None] | None = None,
    ) -> State:
        """Send one request once and return the JSON answer; raises the `ApiError` that fits."""
        answer = self._connection.send(
            method,
            path,
            query or {},
            body,
            content_type,
            permit=permit,
            read_seconds=self._read_seconds,
            stop=self._patience.stop,
        )
        try:
            document: State = json.loads(answer.data)
        except (ValueError, RecursionError) as problem:
            raise Unavailable(
                f"{self.server} does not speak the Kubernetes API: {method} {path} was not answered with JSON",
                next=command("kubectl", "config", "view", "--minify"),
            ) from problem
        if not isinstance(document, dict):
            raise Unavailable(
                f"{self.server} does not speak the Kubernetes API",
                next=command("kubectl", "config", "view", "--minify"),
            )
        return document


def _whole(item: State) -> State:
    return item


def _write_query(dry_run: bool) -> dict[str, str]:
    return {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
