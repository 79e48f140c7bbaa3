"""What goes wrong while a run only looks, or is asked to slow down, undoes nothing and ends nothing for good."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from remediation.testing.faults import answer
from runbook_sandbox.kubernetes import Fault
from runbook_sandbox.places import HOST, PULLER
from tests.engine.world import World, break_, comparable, end, start
from tests.running import Cli

MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")
PULL_KEY = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST, "--google-service-account", PULLER)  # fmt: skip


class Faulty:
    """Answers some requests with faults, once the run has written or from the beginning."""

    def __init__(self, world: World, *, after_writes: int = 0) -> None:
        self.writes, self.after, self.seen = 0, after_writes, 0
        world.cluster.faults = self._fault

    def concerns(self, method: str, path: str, query: Any) -> Fault | None:
        raise NotImplementedError

    def _fault(self, method: str, path: str, query: Any, headers: Any, body: Any) -> Fault | None:
        writes = method in ("PATCH", "POST", "PUT") and "dryRun" not in query
        about = "/leases" not in path and "reviews" not in path
        found = self.concerns(method, path, query) if self.writes >= self.after else None
        self.seen += found is not None
        self.writes += writes and about and found is None
        return found


class WatchFails(Faulty):
    faults: list[Fault]

    def concerns(self, method: str, path: str, query: Any) -> Fault | None:
        return self.faults.pop(0) if "watch" in query and self.faults else None


class LookFails(Faulty):
    fault: Fault

    def concerns(self, method: str, path: str, query: Any) -> Fault | None:
        return self.fault if method == "GET" and path.endswith("/daemonsets/ip-masq-agent") else None


class Storm(Faulty):
    over = False
    fault = answer(429, "TooManyRequests", **{"Retry-After": "1"})

    def concerns(self, method: str, path: str, query: Any) -> Fault | None:
        return None if self.over or "/leases" in path else self.fault


@pytest.mark.parametrize("unhealthy", ["keep", "rollback"])
@pytest.mark.parametrize("codes", [(401, 401), (404,), (410,), (403,), (500, 500, 500), (422,)])
def test_a_watch_that_fails_does_not_end_a_good_fix(world: World, tmp_path: Path, codes: tuple[int, ...], unhealthy: str) -> None:  # fmt: skip
    """The rollout is waited for by asking, and proven."""
    break_(world, "ip-masq-agent")
    WatchFails(world).faults = [answer(code, "injected") for code in codes]
    done = world.runbook(str(tmp_path / "journal.db"), "run", *MASQ, "--yes", "--on-unhealthy", unhealthy)
    world.cluster.faults = None
    assert done["code"] == 0, done["text"]
    assert '"status": "verified"' in done["text"]


@pytest.mark.parametrize("unhealthy", ["keep", "rollback"])
@pytest.mark.parametrize("code", [403, 409])
def test_who_cannot_look_undoes_nothing(world: World, tmp_path: Path, code: int, unhealthy: str) -> None:
    """The change is in place, exit 5 says that nobody could tell; a permission is not waited for."""
    before = break_(world, "ip-masq-agent")
    faulty, started = LookFails(world, after_writes=2), time.monotonic()
    faulty.fault = answer(code, "injected")
    process = start(world, tmp_path, "run", *MASQ, "--yes", "--on-unhealthy", unhealthy)
    try:
        while code != 403 and faulty.seen < 2 and process.poll() is None:
            time.sleep(0.1)
        took = time.monotonic() - started
        world.cluster.faults = world.cluster.faults if code == 403 else None
        done = end(process)
    finally:
        process.kill()
    world.cluster.faults = None
    world.cluster.settle()
    assert comparable(world.state()) != before
    if code == 403:
        assert (done["code"], done["status"]) == (5, "unknown"), done
        assert time.monotonic() - started < 30
        assert f"runbook verify {done['run_id']}" in done["error"]["next"]
        assert end(start(world, tmp_path, "verify", done["run_id"]))["status"] == "verified"
    else:
        assert took < 60
        assert (done["code"], done["status"]) == (0, "verified"), done
    assert end(start(world, tmp_path, "rollback", done["run_id"], "--yes"))["status"] == "rolled_back"
    assert comparable(world.state()) == before


@pytest.mark.parametrize("verb", ["resume", "rollback"])
@pytest.mark.parametrize("name", ["ip-masq-agent", "pull-secret"])
def test_a_storm_in_the_middle_leaves_a_run_that_can_be_finished_or_undone(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, verb: str
) -> None:
    """Nothing is undone for it; both ways on are named, and both work when it is over."""
    monkeypatch.setenv("RUNBOOK_PATIENCE", "2")
    words = MASQ if name == "ip-masq-agent" else PULL_KEY
    before = break_(world, name)
    storm = Storm(world, after_writes=1)
    started = time.monotonic()
    done = end(start(world, tmp_path, "run", *words, "--yes"))
    storm.over = True
    took = time.monotonic() - started
    assert (done["code"], done["status"]) == (4, "failed"), done
    assert f"runbook resume {done['run_id']}" in done["error"]["next"]
    assert f"runbook rollback {done['run_id']}" in done["error"]["next"]
    assert "asks to slow down (429)" in done["error"]["summary"]
    assert comparable(world.state()) != before
    assert took < 40
    ended = end(start(world, tmp_path, verb, done["run_id"], "--yes"))
    world.cluster.faults = None
    assert ended["code"] == 0, ended
    if verb == "resume":
        assert end(start(world, tmp_path, "rollback", done["run_id"], "--yes"))["code"] == 0
    world.cluster.settle()
    assert comparable(world.state()) == before


@pytest.mark.parametrize("name", ["ip-masq-agent", "pull-secret"])
def test_a_login_that_ends_in_the_middle_leaves_a_run_that_can_be_finished(
    world: World, tmp_path: Path, name: str
) -> None:
    """Whoever logs in again goes on: there was nothing that an undo could have done."""
    break_(world, name)
    gone = Storm(world, after_writes=1)
    gone.fault = answer(401, "Unauthorized")
    done = end(start(world, tmp_path, "run", *(MASQ if name == "ip-masq-agent" else PULL_KEY), "--yes"))
    gone.over = True
    assert (done["code"], done["status"]) == (1, "failed"), done
    assert f"runbook resume {done['run_id']}" in done["error"]["next"]
    assert end(start(world, tmp_path, "resume", done["run_id"], "--yes"))["code"] == 0
    world.cluster.faults = None


@pytest.mark.parametrize("verb", ["plan", "run", "diagnose"])
def test_a_storm_is_told_with_its_end(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """Whoever watches reads until when we try, on stderr."""
    monkeypatch.setenv("RUNBOOK_PATIENCE", "3")
    break_(world, "ip-masq-agent")
    Storm(world)
    cli = Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox")
    done = cli(
        verb, *(MASQ if verb != "diagnose" else MASQ[:1]), *(["--yes"] if verb == "run" else []), json_output=False
    )
    world.cluster.faults = None
    assert done.code == 4
    assert "asks to slow down (429): trying until" in " ".join(done.err.split())
    assert "for up to 3 s" in " ".join(done.err.split())
    assert "asks to slow down (429): trying" not in done.out


def test_a_patience_that_is_no_number_is_refused(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the value and what is allowed."""
    monkeypatch.setenv("RUNBOOK_PATIENCE", "long")
    done = Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox")("run", *MASQ, "--yes").expect(2)
    assert "RUNBOOK_PATIENCE is 'long'; allowed are whole seconds" in done.json["error"]["summary"]


def test_a_server_that_does_not_answer_is_named(world: World, tmp_path: Path) -> None:
    """Whoever waits for a plan reads since when nobody answers."""
    break_(world, "ip-masq-agent")
    held = iter([Fault(delay=7)])
    world.cluster.faults = lambda method, path, *_: (
        next(held, None) if path.endswith("/configmaps/ip-masq-agent") else None
    )
    cli = Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox")
    done = cli("plan", *MASQ, json_output=False).expect(0)
    world.cluster.faults = None
    assert f"{world.server.url} has not answered since {time.strftime('%H:')}" in " ".join(done.err.split())
    assert "has not answered" not in done.out
