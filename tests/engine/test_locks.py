"""Locks between real processes: who stalls and is rolled back writes nothing any more, and a waiting person is told for whom."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remediation.journal import opened
from remediation.testing.planted import key_file
from runbook_sandbox.kubernetes import Fault
from runbook_sandbox.places import HOST, PULLER
from tests.engine.world import Held, World, break_, comparable, end, start

MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")


class After:
    """Hold up the first request that ``then`` accepts after ``first`` has accepted one, until it is let go."""

    def __init__(self, world: World, first: Callable[[str, str], bool], then: Callable[[str, str], bool]) -> None:
        self.seen, self.came, self.let_go = threading.Event(), threading.Event(), threading.Event()
        self._first, self._then = first, then
        world.cluster.faults = self._fault

    def _fault(self, method: str, path: str, query: Any, headers: Any, body: Any) -> Fault | None:
        del headers, body
        if "dryRun" in query or self.came.is_set():
            return None
        if self.seen.is_set() and self._then(method, path):
            self.came.set()
            self.let_go.wait(100)
        elif self._first(method, path):
            self.seen.set()
        return None


def entries(store: Path) -> list[tuple[str, int]]:
    journal = opened(store)
    try:
        return [(event.kind, event.payload.get("index", -1)) for event in journal.events()]
    finally:
        journal.close()


@pytest.mark.timeout(180)
def test_a_run_that_stalls_and_is_rolled_back_changes_nothing_any_more(world: World, tmp_path: Path) -> None:
    """Stopped between its two writes, undone by another process, woken: target and journal stay, and it says why it ended."""
    before = break_(world, "ip-masq-agent")
    held = After(
        world,
        lambda method, path: method == "PATCH" and path.endswith("/configmaps/ip-masq-agent"),
        lambda method, path: method == "GET" and path.endswith("/daemonsets/ip-masq-agent"),
    )
    first = start(world, tmp_path, "run", *MASQ, "--yes")
    assert held.came.wait(30)
    first.send_signal(signal.SIGSTOP)
    undone = end(start(world, tmp_path, "rollback", "last", "--yes", "--wait", "90"))
    assert (undone["code"], undone["status"]) == (0, "rolled_back")
    assert comparable(world.state()) == before
    recorded = entries(tmp_path / "journal.db")
    held.let_go.set()
    first.send_signal(signal.SIGCONT)
    done = end(first)
    assert (done["code"], done["status"]) == (1, "failed")
    assert "the lock of the target was lost" in done["error"]["summary"]
    time.sleep(1)
    world.cluster.settle()
    assert comparable(world.state()) == before
    assert entries(tmp_path / "journal.db") == recorded
    assert world.locks() == []


def test_a_write_on_its_way_does_not_land_after_the_rollback(world: World, tmp_path: Path) -> None:
    """The run was killed and its last write has not been looked at yet; the rollback leaves nothing for it to land on."""
    before = break_(world, "ip-masq-agent")
    held = Held(world, "PATCH", "/daemonsets/ip-masq-agent", 60)
    process = start(world, tmp_path, "run", *MASQ, "--yes")
    assert held.came.wait(30)
    process.kill()
    process.communicate(timeout=60)
    assert end(start(world, tmp_path, "rollback", "last", "--yes"))["status"] == "rolled_back"
    assert comparable(world.state()) == before
    held.let_go.set()
    time.sleep(1)
    world.cluster.settle()
    assert comparable(world.state()) == before


def test_whoever_waited_plans_again(world: World, tmp_path: Path) -> None:
    """With --wait a run lets another one finish, is told for whom, and then finds that nothing is left to do."""
    break_(world, "ip-masq-agent")
    held = Held(world, "PATCH", "/daemonsets/ip-masq-agent", 6)
    first = start(world, tmp_path, "run", *MASQ, "--yes", "--actor", "first@example.com")
    assert held.came.wait(30)
    second = start(world, tmp_path, "run", *MASQ, "--yes", "--wait", "90", store="of-another-host.db")
    done, waited = end(first), end(second)
    assert (done["code"], done["status"]) == (0, "verified")
    assert (waited["code"], waited["status"]) == (0, "already_ok"), waited["error"]
    assert world.locks() == []


def test_runs_on_different_objects_do_not_wait_for_each_other(world: World, tmp_path: Path) -> None:
    """While one run works on the agent of the cluster, another one fixes a namespace, and a third cleans a node."""
    break_(world, "pull-secret")
    break_(world, "ip-masq-agent")
    held = Held(world, "PATCH", "/daemonsets/ip-masq-agent", 60)
    first = start(world, tmp_path, "run", *MASQ, "--yes")
    assert held.came.wait(30)
    pull = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST)
    other = start(world, tmp_path, "run", *pull, "--from-key-file", str(key_file(tmp_path)), "--yes", store="other.db")
    done = end(other)
    assert not held.let_go.is_set()
    assert (done["code"], done["status"]) == (0, "verified"), done["error"]
    held.let_go.set()
    assert end(first)["status"] == "verified"


@pytest.mark.timeout(180)
def test_a_key_that_nobody_else_knows_is_deleted_without_a_lock(world: World, tmp_path: Path) -> None:
    """Its run was rolled back while the key was being made: the one who made it takes it away, and writes nothing else."""
    before = break_(world, "pull-secret")
    pull = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST)
    words = ("run", *pull, "--google-service-account", PULLER, "--yes")
    whole = world.runbook(str(tmp_path / "whole.db"), *words)
    assert whole["code"] == 0, whole["text"]
    made = next(number for number, name in enumerate(whole["points"]) if name == "after _permitted")
    assert world.runbook(str(tmp_path / "whole.db"), "rollback", "last", "--yes")["code"] == 0
    store = str(tmp_path / "journal.db")
    stopped = world.runbook(store, *words, point=made, stop=True)
    assert len(world.cloud.accounts[PULLER].keys) == 1
    key = dict(world.cloud.accounts[PULLER].keys)
    world.cloud.accounts[PULLER].keys.clear()  # Google's list does not show it yet
    undone = world.runbook(store, "rollback", "last", "--yes", "--wait", "60")
    assert json.loads(undone["text"])["status"] == "rolled_back"
    recorded = entries(Path(store))
    world.cloud.accounts[PULLER].keys.update(key)
    woken = world.wake(stopped["stopped"])
    assert woken["code"] == 1, woken["text"]
    assert "lock of the target was lost" in json.loads(woken["text"])["error"]["summary"]
    assert world.cloud.accounts[PULLER].keys == {}
    assert entries(Path(store)) == recorded
    assert comparable(world.state()) == before
