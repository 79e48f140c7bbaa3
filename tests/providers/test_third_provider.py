"""A provider of another package: found by its entry point, and all that a run asks of a provider is asked of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from remediation import providers
from remediation.catalogue.runbook import Runbook
from remediation.engine.apply import apply_run
from remediation.engine.permissions import require_permissions
from remediation.engine.plan import Plan, make_plan
from remediation.engine.reading import target_kind
from remediation.engine.rollback import rollback_run
from remediation.engine.run import Run
from remediation.journal import Journal, opened
from remediation.model import targets
from remediation.model.errors import Locked, MissingPermission, Unreadable, UsageProblem
from remediation.model.rights import Permission
from remediation.model.status import Risk
from remediation.model.steps import Steps
from remediation.verbs import Settings, Workspace
from remediation.verbs.api import RunApi
from tests.engine.inside import Silent

ENTRY = "[remediation.providers]\ntoy = tests.providers.toy:PROVIDER\n"


class ToyServer(ThreadingHTTPServer):
    """Things, rights and locks in memory."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.things: dict[str, Any] = {"lamp": ("off", 1)}
        self.allowed = {"toy.things.get", "toy.things.set", "toy.locks.set"}
        self.locks: dict[str, str] = {}
        self.seen_locked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        kind, _, name = path[1:].partition("/")
        return getattr(self, f"_{kind}")(name, body)  # type: ignore[no-any-return] # the four below

    def _rights(self, *_: Any) -> tuple[int, Any]:
        return 200, {"allowed": sorted(self.allowed)}

    def _identity(self, *_: Any) -> tuple[int, Any]:
        return 200, {"id": "shelf-1"}

    def _things(self, name: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        value, version = self.things.get(name, (None, 0))
        if body is not None:
            if body["version"] != str(version):
                return 409, {}
            self.seen_locked += self.locks
            self.things[name] = value, version = body["value"], version + 1
        return 200, {"value": value, "version": version}

    def _locks(self, name: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        holder = self.locks.get(name, "")
        if body is not None:
            if holder not in ("", body["holder"]):
                return 409, {}
            self.locks[name] = body["holder"]
            if not body["held"]:
                del self.locks[name]
        return 200, {"holder": self.locks.get(name, "")}


class _Requests(BaseHTTPRequestHandler):
    server: ToyServer

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        code, body = self.server.answer(self.path, json.loads(self.rfile.read(size)) if size else None)
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_PUT = do_GET  # noqa: N815 - the name that the server calls

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that names the provider, as installed."""
    about = tmp_path / "site" / "toy-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY)
    monkeypatch.syspath_prepend(str(about.parent))
    yield
    providers.named.cache_clear()


@pytest.fixture
def server() -> Iterator[ToyServer]:
    with ToyServer() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


class Shop:
    """A runbook for the toy, its clients and its journal."""

    def __init__(self, server: ToyServer, journal: Journal) -> None:
        kind = targets.kind_of("shelf")
        assert kind is not None
        self.server, self.journal, self.target = server, journal, kind(server=server.url)
        from tests.providers.toy import Value  # noqa: PLC0415 - as the package does, when it is loaded

        self.wanted = Value("lamp", "on")

        def lamp_on(target: Any, **_: Any) -> Steps:
            yield self.wanted

        self.book = Runbook("lamp-on", "TOY-01", Risk.LOW, "", "", lamp_on, (), kind, declares=lambda *_, **__: [self.wanted])  # fmt: skip

    def api(self) -> RunApi:
        return RunApi(self.target, self.journal, {"toy": self.server.url})

    def plan(self) -> Plan:
        return make_plan(self.book, self.target, {}, {}, self.api())

    def begin(self) -> Run:
        run = Run.begin(self.journal, self.plan(), {"actor": "me", "target_uid": self.api().target_uid()})
        run.__dict__["book"] = self.book
        return run

    def load(self, run: Run) -> Run:
        found = Run.load(self.journal, run.id)
        found.__dict__["book"] = self.book
        return found


@pytest.fixture
def shop(installed: None, server: ToyServer, tmp_path: Path) -> Shop:
    return Shop(server, opened(tmp_path / "journal.db"))


def test_plan_run_and_rollback(shop: Shop) -> None:
    """From a plan to an exact undo, with the lock on the shelf held at each write and given back."""
    plan = shop.plan()
    assert [(edit.pointer, edit.old, edit.new) for edit in plan.changes[0].edits] == [("/value", "off", "on")]
    require_permissions(plan)
    run = shop.begin()
    outcome = apply_run(run, shop.api(), Silent(), lambda _: False)
    assert (str(outcome.status), shop.server.things["lamp"][0], shop.server.locks) == ("applied", "on", {})
    assert shop.server.seen_locked == ["toy/lamp"]
    assert not shop.plan().changes
    undone = rollback_run(shop.load(run), shop.api(), Silent())
    assert (str(undone.status), shop.server.things["lamp"][0]) == ("rolled_back", "off")
    assert shop.load(run).created["target_uid"] == "shelf-1"


def test_a_missing_right_is_named_before_anything_is_written(shop: Shop) -> None:
    """The provider is asked for its own rights, those of its locks among them; a cluster is asked for none."""
    shop.server.allowed = {"toy.things.get"}
    with pytest.raises(MissingPermission, match=r"toy\.locks\.set; toy\.things\.set"):
        require_permissions(shop.plan())


def test_who_holds_the_lock_is_told(shop: Shop) -> None:
    """The lock is the provider's own, not one in the journal."""
    shop.server.locks["toy/lamp"] = "run 7 (lamp-on) of somebody on elsewhere/1/2 process 5.5 as n1"
    outcome = apply_run(shop.begin(), shop.api(), Silent(), lambda _: False)
    assert isinstance(outcome.error, Locked)
    assert "somebody@elsewhere" in outcome.error.summary
    assert shop.server.things["lamp"][0] == "off"


def test_a_provider_that_is_not_installed_is_named() -> None:
    """A record, or a runbook, of a package that is not here."""
    with pytest.raises(UsageProblem, match="there is no provider 'nobody'"):
        providers.named("nobody")
    with pytest.raises(Unreadable, match="its target is a 'nobody'"):
        target_kind({"target_kind": "nobody"})


def test_the_wings_are_found_and_not_listed() -> None:
    """Each folder with a provider is one; each says what is its own, and nobody else claims that."""
    found = [providers.named(name) for name in providers.names() if name != "toy"]
    assert {item.name for item in found} >= {"google", "kubernetes"}
    words = [word for item in found for word in item.scopes]
    assert len(words) == len(set(words))
    assert Permission.google("iam.serviceAccounts.get").provider == "google"
    assert (
        Permission("get", "pods/log", "").provider == Permission("get", "daemonsets", "apps").provider == "kubernetes"
    )


def test_the_verbs_reach_it_too(shop: Shop, tmp_path: Path) -> None:
    """A workspace asks the provider for the target that was named, and for the way there."""
    with Workspace(Settings(journal=tmp_path / "other.db", context=shop.server.url)) as place:
        assert place.target(type(shop.target)) == shop.target
        assert place.api(shop.target).target_uid() == "shelf-1"
        place.require_named(type(shop.target))
