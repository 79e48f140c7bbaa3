"""A journal that cannot be written is told in a sentence, and what must not stay in the cluster does not stay there."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from remediation.journal import opened
from remediation.journal.sqlite.store import SqliteJournal
from remediation.journal.sqlite.turns import Turn
from remediation.model.errors import StoreProblem, Tampered
from runbook_sandbox.places import HOST, PULLER
from tests.engine.world import Held, World, break_, comparable, end, start
from tests.entries import enter
from tests.running import RUNBOOK, google_env

CLEAN = ("ipam-cleanup", "--node", "node-2", "--yes")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def full(journal: SqliteJournal) -> Iterator[None]:
    pages = journal._database.connection.execute("PRAGMA page_count").fetchone()[0]
    journal._database.connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    journal._database.connection.execute("PRAGMA max_page_count = 1000000")


@contextmanager
def read_only(journal: SqliteJournal) -> Iterator[None]:
    journal._database.connection.execute("PRAGMA query_only = 1")
    yield
    journal._database.connection.execute("PRAGMA query_only = 0")


@contextmanager
def moved(journal: SqliteJournal) -> Iterator[None]:
    elsewhere = journal.path.with_suffix(".moved")
    journal.path.rename(elsewhere)
    yield
    elsewhere.rename(journal.path)


TROUBLES: dict[str, tuple[Callable[[SqliteJournal], Any], str]] = {
    "busy": (lambda journal: locked(journal.path), "another process keeps it locked"),
    "full": (full, "the disk is full"),
    "read-only": (read_only, "it is read-only"),
    "gone": (moved, "was deleted or replaced while it was used"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_is_told_and_leaves_nothing_half_written(tmp_path: Path, name: str) -> None:
    """What happened, why, and the next command; when the trouble is over, the journal goes on as if it had not been."""
    journal = SqliteJournal(tmp_path / "j.db", patience=0.3)
    enter(journal, "run", "run.created", {"n": 1})
    trouble, why = TROUBLES[name]
    with trouble(journal):
        for write in (
            lambda: journal.append("run", "change.done", {"text": "x" * 50_000}, sequence=2),
            lambda: journal.begin(lambda: "other", lambda _: {"text": "x" * 50_000}),
            lambda: journal.setting("paused", "x" * 50_000),
            lambda: journal.leases.take("project/x", "me" * 50_000, 30),
        ):
            with pytest.raises(StoreProblem) as told:
                write()
            assert why in told.value.detail
            assert str(tmp_path) in told.value.summary
            assert str(told.value.next[0]).split()[0] in ("df", "ls", "fuser")
    journal.append("run", "change.done", {"n": 2}, sequence=2)
    assert journal.verify().entries == 2
    assert journal.setting("paused") is None


def test_a_busy_journal_is_waited_for(tmp_path: Path) -> None:
    """Somebody else's transaction of some seconds stops nothing."""
    journal = SqliteJournal(tmp_path / "j.db")
    with locked(journal.path):
        writer = threading.Thread(target=lambda: enter(journal, "run", "run.created", {}))
        writer.start()
        time.sleep(1)
    writer.join(10)
    assert journal.verify().entries == 1


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """Pages that were overwritten, or a file that never was a journal, are no bugs."""
    store = tmp_path / "j.db"
    journal = opened(store)
    for number in range(200):
        enter(journal, "run", "run.created" if not number else "change.done", {"text": "x" * 500})
    journal.close()
    store.write_bytes(store.read_bytes()[:4096] + os.urandom(20_000) + store.read_bytes()[24_096:])
    for words in (["runs"], ["runs", "last"], ["audit", "verify"], ["verify", "last"], ["doctor"]):
        done = subprocess.run(
            [RUNBOOK, *words, "--store", store, "-o", "json"], capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1, 3, 4), done.stdout
        assert "bug" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    store.write_bytes(b"not a database at all" * 100)
    done = subprocess.run([RUNBOOK, "runs", "--store", store], capture_output=True, text=True, check=False)
    assert (done.returncode, "the file is damaged" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("text", ['\'{"runbook": "ip\'', "'[1, 2]'", "'nonsense'", "''", "X'FFFE7B'"])
@pytest.mark.parametrize("kind", ["run.created", "change.done"])
def test_a_payload_that_was_cut_off_is_tampering(tmp_path: Path, text: str, kind: str) -> None:
    """The audit names the entry; lists, and the verbs on other runs, go on."""
    store = tmp_path / "j.db"
    journal = opened(store)
    for run in ("first", "second"):
        enter(journal, run, "run.created", {"runbook": "ip-masq-agent"})
        enter(journal, run, "change.done", {"index": 0})
    journal.close()
    database = sqlite3.connect(store)
    database.executescript(
        f"DROP TRIGGER entries_stay; UPDATE entries SET payload = CAST({text} AS TEXT) WHERE run_id = 'first' AND kind = '{kind}';"
    )
    database.close()
    journal = opened(store)
    with pytest.raises(Tampered, match="of run first is not as it was written"):
        journal.verify()
    for words in (["runs"], ["runs", "first"], ["runs", "second"], ["verify", "first"], ["runs", "-o", "json"]):
        done = subprocess.run([RUNBOOK, *words, "--store", store], capture_output=True, text=True, check=False)
        assert "bug" not in done.stderr, done.stderr
        assert done.returncode == (0 if words[0] == "runs" else 1), done.stderr
        assert words[0] == "runs" or "is not as it was written" in done.stderr
    listed = subprocess.run([RUNBOOK, "runs", "--store", store], capture_output=True, text=True, check=False).stdout
    assert "first" in listed
    assert "second" in listed


_KILLED = """
import os, signal, sys, threading, time
from remediation.journal import opened
journal = opened(sys.argv[1])
threading.Timer(float(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
for number in range(1, 100_000):
    print(number, flush=True)
    if number % 7 == 1:
        run, known = f"{sys.argv[2]}-{number}", 1
        journal.begin(lambda: run, lambda _: {"text": "x" * 2000})
    else:
        known += 1
        journal.append(run, "run.status" if known == 7 else "change.done", {"text": "x" * 2000, "status": "x"}, sequence=known)
"""


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """Whatever was returned is there, the entry that was on its way is there or not, and everything is whole."""
    store, written = tmp_path / "j.db", 0
    journal = opened(store)
    for when in range(12):
        words = [sys.executable, "-c", _KILLED, str(store), str(0.02 + when * 0.013)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        begun, entries = len(done.stdout.split()), journal.verify().entries
        assert written + begun - 1 <= entries <= written + begun
        written = entries
    assert written > 100
    assert all(journal.intact(item.run_id) for item in journal.runs())


_EAGER = """
import sqlite3, sys, time
from remediation.journal import opened
store, me = sys.argv[1:]
journal, look = opened(store), sqlite3.connect(store)
journal.begin(lambda: me, lambda _: {})
print("ready", flush=True)
sys.stdin.readline()
most, count, end = 0, 1, time.monotonic() + 2
while time.monotonic() < end:
    before, count = look.execute("SELECT max(position) FROM entries").fetchone()[0], count + 1
    most = max(most, journal.append(me, "change.done", {}, sequence=count).position - before - 1)
print(most)
"""


def test_who_waits_is_not_overtaken_again_and_again(tmp_path: Path) -> None:
    """Two processes that write all the time take turns: left to SQLite, one waits while the other writes a hundred entries."""
    words, pipe = [sys.executable, "-c", _EAGER, str(tmp_path / "j.db")], subprocess.PIPE
    eager = [subprocess.Popen([*words, name], stdin=pipe, stdout=pipe, text=True) for name in ("a", "b")]
    for process in eager:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in eager:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    assert max(int(process.communicate(timeout=60)[0]) for process in eager) < 40
    assert opened(tmp_path / "j.db").verify().runs == 2


def test_a_writer_that_was_stopped_on_its_turn(tmp_path: Path) -> None:
    """It is passed by after a moment."""
    journal, stopped = opened(tmp_path / "j.db"), Turn(tmp_path / "j.db")
    assert stopped.take()
    began = time.monotonic()
    enter(journal, "run", "run.created", {})
    assert 1 < time.monotonic() - began < 20
    stopped.give()
    began = time.monotonic()
    enter(journal, "run", "change.done", {})
    assert time.monotonic() - began < 1


_LOOK = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM entries').fetchone()[0])"


def test_two_journals_of_one_process(tmp_path: Path) -> None:
    """Opening one takes no lock from the other, else the next process that looks takes the entries away with which it goes on."""
    journals = [opened(tmp_path / "j.db") for _ in range(2)]
    for number, journal in enumerate([*journals, *journals]):
        enter(journal, f"run-{number}", "run.created", {})
        looked = subprocess.run([sys.executable, "-c", _LOOK, tmp_path / "j.db"], capture_output=True, check=True)
        assert int(looked.stdout) == number + 1


FOREIGN = {
    "a later version": ("PRAGMA user_version = 3", "a newer version of runbook keeps it"),
    "another program": ("CREATE TABLE events (id INTEGER, what TEXT)", "it is a database of another program"),
}


@pytest.mark.parametrize("whose", FOREIGN)
def test_a_database_of_somebody_else(tmp_path: Path, whose: str) -> None:
    """It is refused in a sentence, and stays as it is."""
    statement, said = FOREIGN[whose]
    database = sqlite3.connect(tmp_path / "j.db")
    database.executescript(statement)
    before = list(database.iterdump())
    with pytest.raises(StoreProblem) as told:
        opened(tmp_path / "j.db")
    assert said in told.value.detail
    assert list(database.iterdump()) == before
    database.close()
    done = subprocess.run([RUNBOOK, "runs", "--store", tmp_path / "j.db"], capture_output=True, text=True, check=False)
    assert (done.returncode, said in " ".join(done.stderr.split())) == (1, True)


def test_a_file_that_may_only_be_read(tmp_path: Path) -> None:
    """Where nothing can be written nothing is begun; that is told before anything is asked."""
    journal = SqliteJournal(tmp_path / "j.db")
    enter(journal, "run", "run.created", {})
    with read_only(journal):
        assert journal.intact("run")
        assert journal.runs()
        with pytest.raises(StoreProblem):
            journal.leases.next_epoch("run")


def test_a_run_waits_for_a_busy_journal(world: World, tmp_path: Path) -> None:
    """Another process that keeps it locked for longer than a moment costs time, and nothing else."""
    before = break_(world, "ipam-cleanup")
    held = Held(world, "POST", "/daemonsets", 30)
    process = start(world, tmp_path, "run", *CLEAN)
    assert held.came.wait(60)
    with locked(tmp_path / "journal.db"):
        held.let_go.set()
        time.sleep(13)
    done = end(process)
    assert (done["code"], done["status"]) == (0, "verified"), done
    world.cluster.faults = None
    world.cluster.settle()
    assert comparable(world.state()) == before


def test_no_node_stays_cordoned_when_the_journal_is_gone(world: World, tmp_path: Path) -> None:
    """What was put in place for the time of the run is taken back although nobody can record it."""
    before = break_(world, "ipam-cleanup")
    held = Held(world, "POST", "/daemonsets", 30)
    process = start(world, tmp_path, "run", *CLEAN)
    assert held.came.wait(60)
    kept = {path: path.read_bytes() for path in tmp_path.glob("journal.db*")}
    (tmp_path / "journal.db").rename(tmp_path / "away.db")
    held.let_go.set()
    done = end(process)
    world.cluster.faults = None
    world.cluster.settle()
    assert comparable(world.state()) == before
    assert (done["code"], done["status"]) == (1, "failed")
    assert "was deleted or replaced while it was used" in done["error"]["detail"]
    assert "everything it had changed is put back" in done["error"]["detail"]
    # With the file back, the run is one that was begun: it is not finished without its cordon, and can be closed.
    for path, content in kept.items():
        path.write_bytes(content)
    refused = world.runbook(str(tmp_path / "journal.db"), "resume", done["run_id"], "--yes")
    assert "is not in place any more" in json.loads(refused["text"])["error"]["summary"], refused["text"]
    closed = world.runbook(str(tmp_path / "journal.db"), "rollback", done["run_id"], "--yes")
    assert json.loads(closed["text"])["status"] == "rolled_back", closed["text"]
    assert comparable(world.state()) == before


def test_no_key_stays_alive_when_the_journal_is_gone(world: World, tmp_path: Path) -> None:
    """A key whose private part only this process knew is deleted again."""
    before = break_(world, "pull-secret")

    def lose(service: str, method: str, path: str, body: Any) -> None:
        if "CreateServiceAccountKey" in method:
            (tmp_path / "journal.db").rename(tmp_path / "away.db")

    world.cloud.faults = lose
    pull = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST)
    done = end(start(world, tmp_path, "run", *pull, "--google-service-account", PULLER, "--yes"))
    world.cloud.faults = None
    assert (tmp_path / "away.db").exists()
    assert (done["code"], done["status"]) == (1, "failed"), done
    assert comparable(world.state()) == before


def test_a_full_disk_leaves_all_or_none(world: World, tmp_path: Path) -> None:
    """Wherever the room ends: nothing temporary is left, and what the journal has is enough to undo the rest."""
    before = break_(world, "ipam-cleanup")
    state = world.cluster.dump()
    reached = set()
    for room in (100_000, 160_000, 220_000, 280_000, 340_000, 10_000_000):
        world.cluster.load(json.loads(json.dumps(state)))
        world.cluster.controllers.kubelet.reconsider()
        store = tmp_path / f"{room}.db"
        done = _with_room(world, store, room)
        world.cluster.settle()
        nodes = world.cluster.store.list("nodes")
        assert not any(node["spec"].get("unschedulable") for node in nodes), done
        assert "bug" not in done["error"]["summary"] if done["error"] else done["status"] == "verified"
        reached.add(done["status"])
        if done["run_id"]:
            undone = world.runbook(str(store), "rollback", done["run_id"], "--yes")
            assert undone["code"] == 0, undone["text"]
        world.cluster.settle()
        assert comparable(world.state()) == before
    assert reached == {"failed", "verified"}


_LIMITED = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); os.execv(sys.argv[2], sys.argv[2:])"


def _with_room(world: World, store: Path, room: int) -> dict[str, Any]:
    """Run where no file may be longer than so many bytes."""
    env = google_env(world.google, world.folder)
    where = ("--kubeconfig", str(world.kubeconfig), "--context", "sandbox", "--project", "example-prod")
    words = [str(RUNBOOK), "run", *CLEAN, *where, "--store", str(store), "-o", "json"]
    limited = [sys.executable, "-c", _LIMITED, str(room), *words]
    done = subprocess.run(limited, env=os.environ | env, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
