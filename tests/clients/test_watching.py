"""What a watch tells, what it costs, and that nothing that happens to it ends the waiting."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remediation.access.patience import Patience
from remediation.model.refs import Ref
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from runbook_sandbox.kubernetes import Cluster, Fault, Response, Server, serve

MAPS = Ref("v1", "ConfigMap", "", "default")


class Watched:
    """A cluster whose watches are counted and can be made to fail."""

    def __init__(self, folder: Path, cluster: Cluster, server: Server) -> None:
        self.cluster, self.said = cluster, list[str]()
        self.queries: list[dict[str, str]] = []
        self.answers: list[Fault | None] = []
        self.rest: Fault | None = None
        (folder / "kubeconfig").write_text(json.dumps(server.kubeconfig()))
        self.client = KubernetesClient(
            configurations.load(str(folder / "kubeconfig"), None)[0], patience=Patience(self.said.append)
        )
        cluster.faults = self._fault

    def _fault(self, method: str, path: str, query: Any, headers: Any, body: Any) -> Fault | None:
        if "watch" not in query:
            return None
        self.queries.append(dict(query))
        return self.answers.pop(0) if self.answers else self.rest

    def make(self, name: str) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        self.client.create(Ref("v1", "ConfigMap", name, "default"), body)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with Cluster(nodes=1) as cluster, serve(cluster) as server:
        yield Watched(tmp_path, cluster, server)


def refusal(code: int, reason: str = "") -> Fault:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": f"injected {code}", "reason": reason, "code": code}  # fmt: skip
    return Fault(answer=Response(code, status))


def events(*found: tuple[str, dict[str, Any]]) -> Fault:
    lines = (json.dumps({"type": kind, "object": thing}).encode() + b"\n" for kind, thing in found)
    return Fault(answer=Response(200, lines=iter(list(lines))))


def bookmark(version: int) -> tuple[str, dict[str, Any]]:
    return "BOOKMARK", {"kind": "ConfigMap", "metadata": {"resourceVersion": str(version)}}


EXPIRED = ("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})


def test_one_watch_is_kept_open_and_goes_on_from_the_list(watched: Watched) -> None:
    """Waiting costs one request, which brings only what has happened since the list, and asks for bookmarks."""
    for number in range(20):
        watched.make(f"c{number}")
    watched.client.list(MAPS)
    version = str(watched.cluster.store.version)
    count = sum(1 for _ in watched.client.changes(MAPS, 2.5, quiet=0.5))
    assert 4 <= count <= 8
    assert len(watched.queries) == 1
    assert watched.queries[0]["resourceVersion"] == version
    assert watched.queries[0]["allowWatchBookmarks"] == "true"
    assert watched.queries[0]["timeoutSeconds"] == "3"


def test_a_watch_that_ends_goes_on_from_its_last_version(watched: Watched) -> None:
    """What it has brought is not brought again, also when all that it brought was a bookmark."""
    watched.answers = [events(bookmark(7)), events(("MODIFIED", {"metadata": {"resourceVersion": "9"}})), events(bookmark(8))]  # fmt: skip
    list(watched.client.changes(MAPS, 6, quiet=0.5))
    assert [query.get("resourceVersion", "") for query in watched.queries[:4]] == ["", "7", "9", "9"]
    assert watched.said == []


@pytest.mark.parametrize("gone", [refusal(410, "Expired"), events(EXPIRED)])
def test_a_version_that_is_too_old_is_forgotten(watched: Watched, gone: Fault) -> None:
    """Told in the answer or in an event, the watch begins anew and tells of what happens from then on."""
    watched.client.list(MAPS)
    watched.answers = [gone]
    seen = list[float]()
    waiting = threading.Thread(target=lambda: seen.extend(time.monotonic() for _ in watched.client.changes(MAPS, 8, quiet=60)))  # fmt: skip
    waiting.start()
    while len(watched.queries) < 2:
        time.sleep(0.05)
    time.sleep(1)
    made = time.monotonic()
    watched.make("b")
    waiting.join()
    assert "resourceVersion" in watched.queries[0]
    assert "resourceVersion" not in watched.queries[1]
    assert any(0 <= when - made < 2 for when in seen)
    assert watched.said == []


FAILING = {"401 twice": [refusal(401)] * 2, "404": [refusal(404)], "500": [refusal(500)] * 3, "409": [refusal(409)],
           "400": [refusal(400)], "429": [refusal(429)], "no JSON": [events(), Fault(answer=Response(200, lines=iter([b"nonsense\n"])))],
           "reset": [Fault(close="before")] * 2, "odd event": [events(("MODIFIED", {"metadata": None}))],
           "error event": [events(("ERROR", {"kind": "Status", "code": 500, "message": "injected"}))]}  # fmt: skip


@pytest.mark.parametrize("kind", FAILING)
def test_a_watch_that_fails_is_opened_again_and_ends_nothing(watched: Watched, kind: str) -> None:
    """The waiting goes on, and changes are seen again."""
    watched.answers = list(FAILING[kind])
    moments = watched.client.changes(MAPS, 30, quiet=10)
    while len(watched.queries) <= len(FAILING[kind]):
        next(moments)
    watched.make("a")
    started = time.monotonic()
    next(moments)
    moments.close()  # type: ignore[attr-defined] # a generator
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("code", [401, 403])
def test_where_nobody_can_watch_the_question_is_asked_every_other_second(watched: Watched, code: int) -> None:
    """Said once, and what cannot come by waiting is not tried again."""
    watched.rest = refusal(code)
    assert 3 <= sum(1 for _ in watched.client.changes(MAPS, 5, quiet=60)) <= 7
    assert len(watched.queries) <= (1 if code == 403 else 4)
    assert len(watched.said) == 1
    assert "changes cannot be watched" in watched.said[0]
    assert "asking every 2 s instead" in watched.said[0]


def test_a_connection_that_is_dead_is_noticed(watched: Watched) -> None:
    """Where nothing comes any more, the question is asked all the same."""
    watched.rest = Fault(delay=20)
    started = time.monotonic()
    moments = watched.client.changes(MAPS, 10, quiet=1)
    next(moments)
    next(moments)
    moments.close()  # type: ignore[attr-defined] # a generator
    assert time.monotonic() - started < 5


def test_a_real_server_is_watched_from_a_version(request: pytest.FixtureRequest, assets: Path) -> None:
    """The same on a real API server: from the list, and from a version that it may not have any more."""
    del assets
    plane = request.getfixturevalue("control_plane")
    said = list[str]()
    client = KubernetesClient(configurations.load(str(plane.kubeconfig_path), None)[0], patience=Patience(said.append))
    maps = Ref("v1", "ConfigMap", "", plane.namespace())
    for version in (None, "1"):
        client.list(maps)
        client._listed[maps.path] = version or client._listed[maps.path]
        moments = client.changes(maps, 30, quiet=29)
        next(moments)
        time.sleep(1)
        started = time.monotonic()
        name = f"made-{version or 'new'}"
        client.create(Ref("v1", "ConfigMap", name, maps.namespace), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})  # fmt: skip
        next(moments)
        moments.close()  # type: ignore[attr-defined] # a generator
        assert time.monotonic() - started < 5
    assert said == []
