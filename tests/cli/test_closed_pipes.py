"""Somebody who stops reading decides nothing: no verb fails for it, and a run that was approved goes on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.engine.world import Held, World, break_
from tests.running import RUNBOOK, Cli

MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")


def unread(*words: str) -> tuple[int, str]:
    """Run a verb whose output nobody reads, and return its exit code and what it said on stderr."""
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run([str(RUNBOOK), *words], stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "words", ["--help", "list", "list -o json", "show pull-secret", "rbac ip-masq-agent", "sandbox break", "runs"]
)
def test_a_reader_that_has_seen_enough_is_no_error(words: str) -> None:
    """`runbook list | head -1` ends with 0, and without a word."""
    assert unread(*words.split()) == (0, "")


def test_nobody_reads_errors_either(tmp_path: Path) -> None:
    """The exit code is what is left."""
    ours, theirs = os.pipe()
    os.close(ours)
    words = [str(RUNBOOK), "rollback", "last", "--store", str(tmp_path / "journal.db")]
    assert subprocess.run(words, stdout=theirs, stderr=theirs, check=False).returncode == 3
    os.close(theirs)


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_stream_that_was_closed_before_is_none_that_is_missed(closed: str, tmp_path: Path) -> None:
    """A program that starts us may close what it has no use for; the journal does not take the place of it."""
    words = f"'{RUNBOOK}' pause --reason testing --store '{tmp_path / 'journal.db'}' {closed}"
    done = subprocess.run(["/bin/sh", "-c", words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_stops_no_run_and_is_told(world: World, tmp_path: Path) -> None:
    """What was approved is done; that its report is not where it should be is an error all the same."""
    break_(world, "ip-masq-agent")
    place = ("--kubeconfig", str(world.kubeconfig), "--context", "sandbox", "--store", str(tmp_path / "journal.db"))
    with open("/dev/full", "w", encoding="ascii") as full:
        words = [str(RUNBOOK), "run", *MASQ, "--yes", *place]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "the output could not be written: No space left on device" in done.stderr
    assert "bug" not in done.stderr
    assert Cli(tmp_path, "--kubeconfig", str(world.kubeconfig))("runs").json["runs"][0]["status"] == "verified"


def test_a_run_goes_on_when_nobody_reads_its_plan(world: World, tmp_path: Path) -> None:
    """`runbook run … --yes | true` applies and proves, and its exit code says so; the same for its undo."""
    before = break_(world, "ip-masq-agent")
    place = ("--kubeconfig", str(world.kubeconfig), "--context", "sandbox", "--store", str(tmp_path / "journal.db"))
    assert unread("run", *MASQ, "--yes", *place)[0] == 0
    cli = Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox")
    assert cli("runs").json["runs"][0]["status"] == "verified"
    assert unread("rollback", "last", "--yes", *place)[0] == 0
    assert cli("runs").json["runs"][0]["status"] == "rolled_back"
    assert world.state()["configmaps/kube-system/ip-masq-agent"] == before["configmaps/kube-system/ip-masq-agent"]


def test_a_reader_that_leaves_between_two_writes(world: World, tmp_path: Path) -> None:
    """Both of its streams are gone when the first change is made: the second follows, and the journal has it all."""
    break_(world, "ip-masq-agent")
    held = Held(world, "PATCH", "/daemonsets/ip-masq-agent", 10)
    words = [str(RUNBOOK), "run", *MASQ, "--yes", "--kubeconfig", str(world.kubeconfig), "--context", "sandbox"]
    words += ["--store", str(tmp_path / "journal.db")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert held.came.wait(30)
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stderr.close()
        held.let_go.set()
        assert process.wait(60) == 0
    assert Cli(tmp_path)("runs").json["runs"][0]["status"] == "verified"
