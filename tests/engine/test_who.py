"""Who ran, finished and undid a run, and what of it they were shown before."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from remediation.journal import opened
from remediation.journal.sqlite.store import SqliteJournal
from remediation.model.errors import Tampered
from tests.engine.test_forgery import Recorded, recorded
from tests.engine.world import World
from tests.entries import enter
from tests.running import RUNBOOK

__all__ = ["recorded"]
ALICE = ("--actor", "alice", "--ticket", "CHG-1", "--reason", "pods time out")
BOB = ("--actor", "bob", "--ticket", "CHG-2", "--reason", "the first one slept")


def in_words(*words: str) -> str:
    done = subprocess.run([str(RUNBOOK), *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


def show(world: World, store: str, *words: str) -> Any:
    return json.loads(world.runbook(store, *words)["text"])


def test_each_verb_is_recorded_with_who_did_it(recorded: Recorded) -> None:
    """And it is shown, in JSON and in words."""
    world = recorded.world
    store, run = recorded.forged("ip-masq-agent-killed", lambda record: record.update(actor="root"))
    assert world.runbook(store, "resume", run, "--yes", *ALICE)["code"] == 0
    assert world.runbook(store, "rollback", run, "--yes", *BOB)["code"] == 0
    told = show(world, store, "runs", run)
    assert [(item["verb"], item["actor"], item["ticket"], item["reason"]) for item in told["verbs"]] == [
        ("run", "root", None, None),
        ("resume", "alice", "CHG-1", "pods time out"),
        ("rollback", "bob", "CHG-2", "the first one slept"),
    ]
    text = in_words("runs", run, "--store", store)
    for line in ("by root", "alice, ticket CHG-1: pods time out", "bob, ticket CHG-2: the first one slept"):
        assert line in text


def test_what_is_still_to_be_done_is_shown_first(recorded: Recorded) -> None:
    """Nothing is done without a yes; a dry run shows the same and writes nothing."""
    world = recorded.world
    store, run = recorded.forged("ip-masq-agent-killed", lambda _: None)
    before = world.state()
    plan = show(world, store, "resume", run, "--dry-run")
    assert (plan["status"], world.state()) == ("planned", before)
    assert [change["address"] for change in plan["plan"]["changes"]] == [
        "configmap/kube-system/ip-masq-agent",
        "daemonset/kube-system/ip-masq-agent",
    ]
    assert plan["plan"]["changes"][0]["edits"][0]["path"] == "/data/config"
    assert plan["plan"]["checks"][0]["status"] == "planned"
    entries = len(opened(Path(store)).events())
    text = in_words("resume", run, "--store", store, "--kubeconfig", str(world.kubeconfig))
    assert world.state() == before
    assert "~ configmap/kube-system/ip-masq-agent" in text
    assert "nobody is here to confirm" in text
    assert len(opened(Path(store)).events()) == entries


def test_what_is_done_already_is_not_shown_as_to_do(recorded: Recorded) -> None:
    """Only the rest of a run is planned."""
    store, run = recorded.forged("ip-masq-agent", lambda _: None)
    whole, half = opened(Path(store)), opened(Path(store).with_suffix(".half"))
    for event in whole.events(run):
        enter(half, run, event.kind, event.payload)
        if event.kind == "change.done":
            break
    plan = show(recorded.world, half.where, "resume", run, "--dry-run")["plan"]
    assert [change["address"] for change in plan["changes"]] == ["daemonset/kube-system/ip-masq-agent"]
    assert plan["already_ok"][0]["address"] == "configmap/kube-system/ip-masq-agent"


def tampered(store: str, statement: str) -> None:
    database = sqlite3.connect(store)
    database.executescript(f"DROP TRIGGER entries_stay; DROP TRIGGER entries_last; {statement}")
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET payload = replace(payload, 'masquerade', 'masquerabe') WHERE position = 1",
        "UPDATE entries SET kind = 'change.withdrawn' WHERE position = 3",
        "UPDATE entries SET digest = 'x' WHERE position = 4",
        "UPDATE entries SET run_id = 'other' WHERE position = 4",
        "DELETE FROM entries WHERE position = 4",
    ],
)
def test_an_entry_that_was_changed_is_not_acted_on(recorded: Recorded, statement: str) -> None:
    """Every verb that acts refuses; the run is shown with the reason, and the list goes on."""
    world = recorded.world
    store, run = recorded.forged("ip-masq-agent", lambda _: None)
    tampered(store, statement)
    before = world.state()
    for words in (("rollback", run, "--yes"), ("verify", run), ("resume", run, "--yes")):
        error = show(world, store, *words)["error"]
        assert "is not as it was written" in error["summary"]
        assert "runbook audit verify" in error["next"]
    assert world.state() == before
    assert show(world, store, "runs", run)["error"]
    assert show(world, store, "runs")["runs"]


def test_a_run_in_a_long_journal_is_checked_at_once(tmp_path: Path) -> None:
    """Not all of the chain is read for it: 0.3 s are plenty among 100 000 entries."""
    journal = SqliteJournal(tmp_path / "long.db")
    mine = [enter(journal, "mine", "run.created", {"n": 0})]
    other = enter(journal, "other", "run.created", {})
    rows = [(n, f"run-{n // 10}", n % 10 + 1, 1, "change.done", "{}", "x", str(n)) for n in range(3, 100_003)]
    with journal._database.transaction() as database:
        database.executemany("INSERT INTO entries VALUES (?,?,?,?,?,?,?,?)", rows)
        database.execute("UPDATE summaries SET digest = 'x' WHERE run_id = 'other'")
    started = time.process_time()
    assert journal.intact("mine") == mine
    assert time.process_time() - started < 0.3
    with pytest.raises(Tampered):
        journal.intact(other.run_id)
