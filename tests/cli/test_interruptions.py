"""Ctrl-C, a polite kill, and two runs at once: what a person sees, and what is left behind."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from runbook_sandbox.places import HOST, PULLER
from tests.engine.world import WITH_SIGNALS, Held, World, break_, comparable, end, start
from tests.running import RUNBOOK, google_env

MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")
PULL = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST)
PULL_KEY = (*PULL, "--google-service-account", PULLER)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_interrupted_says_how_to_go_on(world: World, tmp_path: Path, number: int) -> None:
    """Between its two writes a run is stopped: exit 1, both ways on are named, and each of them works."""
    before = break_(world, "ip-masq-agent")
    held = Held(world, "PATCH", "/daemonsets/ip-masq-agent", 1)
    process = start(world, tmp_path, "run", *MASQ, "--yes")
    assert held.came.wait(30)
    process.send_signal(number)
    done = end(process)
    world.cluster.faults = None
    assert (done["code"], done["status"]) == (1, "failed")
    assert done["error"]["next"].startswith(f"runbook resume {done['run_id']} --")
    assert world.locks() == []
    assert end(start(world, tmp_path, "resume", done["run_id"], "--yes"))["status"] == "verified"
    assert end(start(world, tmp_path, "rollback", done["run_id"], "--yes"))["status"] == "rolled_back"
    assert comparable(world.state()) == before


def test_an_interruption_before_the_first_write_changes_nothing(world: World, tmp_path: Path) -> None:
    """While it still reads, a run just ends."""
    before = break_(world, "ip-masq-agent")
    held = Held(world, "GET", "/configmaps/ip-masq-agent", 5)
    process = start(world, tmp_path, "run", *MASQ, "--yes")
    assert held.came.wait(30)
    process.send_signal(signal.SIGINT)
    done = end(process)
    assert (done["code"], done["status"], done["run_id"]) == (1, "failed", None)
    assert "interrupted" in done["error"]["summary"]
    assert comparable(world.state()) == before


def test_a_key_that_nobody_can_use_any_more_is_deleted(world: World, tmp_path: Path) -> None:
    """Interrupted after its key was made and before the Secret holds it, a run deletes the key again."""
    before = break_(world, "pull-secret")
    held = Held(world, "POST", "/secrets", 5)
    process = start(world, tmp_path, "run", *PULL_KEY, "--yes")
    assert held.came.wait(30)
    assert len(world.cloud.accounts[PULLER].keys) == 1
    process.send_signal(signal.SIGTERM)
    done = end(process)
    assert (done["code"], done["status"]) == (1, "rolled_back"), done
    assert world.cloud.accounts[PULLER].keys == {}
    world.cluster.settle()
    assert comparable(world.state()) == before


def test_a_lost_connection_in_the_middle(world: World, tmp_path: Path) -> None:
    """The terminal is gone, it is told twice, and nobody reads what is printed: the key is deleted all the same."""
    before = break_(world, "pull-secret")
    held = Held(world, "POST", "/secrets", 5)
    ours, theirs = pty.openpty()
    env = os.environ | google_env(world.google, world.folder)
    where = ("--kubeconfig", str(world.kubeconfig), "--context", "sandbox", "--store", str(tmp_path / "journal.db"))
    words = [*WITH_SIGNALS, str(RUNBOOK), "run", *PULL_KEY, "--yes", *where]
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True)
    os.close(theirs)
    assert held.came.wait(30)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 1
    assert world.cloud.accounts[PULLER].keys == {}
    world.cluster.settle()
    assert comparable(world.state()) == before


def test_of_two_runs_at_once_one_is_refused_and_names_the_other(world: World, tmp_path: Path) -> None:
    """The second run does not start; it says who holds the lock. Afterwards it finds nothing left to do."""
    break_(world, "ip-masq-agent")
    held = Held(world, "PATCH", "/daemonsets/ip-masq-agent", 12)
    first = start(world, tmp_path, "run", *MASQ, "--yes", "--actor", "first@example.com")
    assert held.came.wait(30)
    second = end(start(world, tmp_path, "run", *MASQ, "--yes", store="of-another-host.db"))
    done = end(first)
    assert (second["code"], second["status"]) == (3, "refused"), json.dumps(second, indent=1)
    assert "first@example.com" in second["error"]["summary"] + second["error"]["detail"]
    assert done["run_id"] in second["error"]["summary"] + second["error"]["detail"]
    assert (done["code"], done["status"]) == (0, "verified")
    assert end(start(world, tmp_path, "run", *MASQ, "--yes"))["status"] == "already_ok"


def test_a_write_that_was_held_up_does_not_land_after_the_rollback(world: World, tmp_path: Path) -> None:
    """The API server gets to the dead run's write when that run is rolled back already: it is refused there."""
    before = break_(world, "ip-masq-agent")
    held = Held(world, "PATCH", "/daemonsets/ip-masq-agent", 8)
    process = start(world, tmp_path, "run", *MASQ, "--yes")
    assert held.came.wait(30)
    process.kill()
    process.communicate(timeout=60)
    assert end(start(world, tmp_path, "resume", "last", "--yes"))["status"] == "verified"
    assert end(start(world, tmp_path, "rollback", "last", "--yes"))["status"] == "rolled_back"
    assert comparable(world.state()) == before
    time.sleep(8)
    world.cluster.settle()
    assert comparable(world.state()) == before


def test_who_interrupts_waits_for_no_answer(world: World, tmp_path: Path) -> None:
    """An API server that takes half a minute for a write does not keep Ctrl-C from ending the run, which can be finished later."""
    before = break_(world, "ip-masq-agent")
    held = Held(world, "PATCH", "/daemonsets/ip-masq-agent", 60)
    process = start(world, tmp_path, "run", *MASQ, "--yes")
    assert held.came.wait(30)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    done = end(process)
    assert time.monotonic() - asked < 15
    held.let_go.set()
    world.cluster.faults = None
    assert (done["code"], done["status"]) == (1, "failed")
    assert done["error"]["next"].startswith(f"runbook resume {done['run_id']} --")
    assert world.locks() == []
    assert end(start(world, tmp_path, "resume", done["run_id"], "--yes"))["status"] == "verified"
    assert end(start(world, tmp_path, "rollback", done["run_id"], "--yes"))["status"] == "rolled_back"
    assert comparable(world.state()) == before
