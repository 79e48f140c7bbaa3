"""The list of runs, and the runs that were left half-way: a person finds them where the next step is decided."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from remediation.journal import opened
from tests.engine.world import Held, World, break_, end, start
from tests.running import Cli

MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")


@pytest.fixture
def cli(world: World, tmp_path: Path) -> Cli:
    """The command on a cluster whose pods cannot reach a destination."""
    break_(world, "ip-masq-agent")
    return Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox")


def in_words(cli: Cli, *words: str) -> str:
    done = cli(*words, json_output=False).expect(0)
    return done.out + done.err


def test_the_list_of_runs(cli: Cli) -> None:
    """A header, then age, status, actor, runbook, and where and with what it was run."""
    run = cli("run", *MASQ, "--yes", "--actor", "alice@example.com").expect(0).json["run_id"]
    lines = Cli(cli.folder)("runs", json_output=False).expect(0).out.splitlines()
    assert lines[0].split() == ["RUN", "AGE", "STATUS", "BY", "RUNBOOK"]
    name, age, status, actor, book = lines[1].split()
    assert (name, status, actor, book) == (run, "verified", "alice@example.com", "ip-masq-agent")
    assert age.removesuffix("s").isdigit()
    assert lines[2].split() == ["on", "sandbox:", "--masquerade", "10.1.0.0/16"]
    assert max(map(len, lines)) <= 80
    assert Cli(cli.folder)("runs").json["runs"][0]["parameters"]["masquerade"] == ["10.1.0.0/16"]


def half_way(world: World, tmp_path: Path, how: int) -> str:
    """Stop a run between its two writes, and return its id."""
    held = Held(world, "PATCH", "/daemonsets/ip-masq-agent", 1)
    process = start(world, tmp_path, "run", *MASQ, "--yes", "--actor", "alice")
    assert held.came.wait(30)
    process.send_signal(how)
    end(process)
    world.cluster.faults = None
    return opened(tmp_path / "journal.db").find("last")


@pytest.mark.parametrize("verb", [("plan", *MASQ), ("diagnose",), ("runs",)])
def test_a_killed_run_is_mentioned(world: World, tmp_path: Path, cli: Cli, verb: tuple[str, ...]) -> None:
    """Whoever looks at the target, or at the runs, hears of it and of what finishes it."""
    run = half_way(world, tmp_path, signal.SIGKILL)
    text = " ".join(in_words(cli, *verb).split())
    assert f"run {run} (ip-masq-agent) of alice stopped half-way on sandbox" in text
    assert f"runbook resume {run} " in text


def test_an_interrupted_run_is_mentioned_until_it_is_finished(world: World, tmp_path: Path, cli: Cli) -> None:
    """Ctrl-C leaves a run that says so itself; it counts as left half-way all the same."""
    run, store = half_way(world, tmp_path, signal.SIGINT), str(tmp_path / "journal.db")
    for verb in (("plan", *MASQ), ("diagnose",)):
        assert [item["run_id"] for item in json.loads(world.runbook(store, *verb)["text"])["left_open"]] == [run]
    assert f"runbook resume {run} " in in_words(cli, "runs")
    assert world.runbook(store, "resume", run, "--yes")["code"] == 0
    assert json.loads(world.runbook(store, "plan", *MASQ)["text"])["left_open"] == []
