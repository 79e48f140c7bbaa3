"""Journals that older versions wrote: this one lists them, finds them whole, and undoes exactly what their runs did."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from remediation.journal import opened
from remediation.model.changes import canonical
from remediation.model.errors import Tampered
from runbook_sandbox.google.gke import new_cluster
from runbook_sandbox.kubernetes import kubeconfig
from tests.engine.world import World, comparable
from tests.entries import enter

Json = dict[str, Any]
FILES = sorted(Path(__file__).parent.glob("*/*.json"))
# Every entry of the journals of that version; later ones may have more tables.
_TABLES = """
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY, run_id TEXT NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL,
  payload TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL);
CREATE INDEX events_of_run ON events (run_id, sequence);
CREATE INDEX events_of_kind ON events (kind, sequence);
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, since REAL NOT NULL, expires REAL NOT NULL);
PRAGMA journal_mode=WAL;
"""


@cache
def case(path: Path) -> Json:
    """Return what `record` wrote, with what it kept once put where it belongs."""
    document = json.loads(path.read_text("utf-8"))

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            return (
                whole(document["same"][value["$same"]])
                if "$same" in value
                else {key: whole(item) for key, item in value.items()}
            )
        return [whole(item) for item in value] if isinstance(value, list) else value

    found: Json = whole({key: item for key, item in document.items() if key != "same"})
    return found


def store(path: Path, ending: Json) -> str:
    """Write the database as it was."""
    database = sqlite3.connect(path)
    database.executescript(_TABLES)
    for event in ending["events"]:
        row = {**event, "payload": json.dumps(event["payload"])}
        database.execute(
            "INSERT INTO events VALUES (:sequence, :run_id, :time, :kind, :payload, :previous, :digest)", row
        )
    for name, value in ending["settings"].items():
        database.execute("INSERT INTO settings VALUES (?, ?)", (name, bytes.fromhex(value)))
    database.commit()
    database.close()
    return str(path)


def after(before: Json, ending: Json) -> Json:
    """Return the cluster as the run has left it."""
    found = {
        f"{storage} {row['metadata'].get('namespace', '')}/{row['metadata']['name']}": (storage, row)
        for storage, rows in before["objects"].items()
        for row in rows
    }
    for place in ending["gone"]:
        del found[place]
    for storage, row in ending["put"]:
        found[f"{storage} {row['metadata'].get('namespace', '')}/{row['metadata']['name']}"] = (storage, row)
    objects: Json = {}
    for storage, row in found.values():
        objects.setdefault(storage, []).append(row)
    return before | {"resourceVersion": ending["version"], "objects": objects}


def with_nodes(cluster: Json) -> Json:
    """Return a cluster whose kubelets say which node they report from; those of the emulator did not, real ones always do."""
    found = copy.deepcopy(cluster)
    nodes = {pod["metadata"]["uid"]: pod["spec"].get("nodeName") for pod in found["objects"].get("pods", [])}
    for event in found["objects"].get("events", []):
        node = nodes.get(event["involvedObject"].get("uid"))
        if node and event["source"] == {"component": "kubelet"}:
            event |= {"source": {"component": "kubelet", "host": node}, "reportingInstance": node}
    return found


def with_node_pools(cloud: Json) -> Json:
    """Return a cloud whose GKE clusters have node pools; those of the emulator had none, real ones always have."""
    found = copy.deepcopy(cloud)
    for name, project in found["projects"].items():
        for place, cluster in project["clusters"].items():
            project["clusters"][place] = new_cluster(name, *place.split("/"), cluster)
    return found


def load(world: World, cluster: Json, cloud: Json) -> None:
    world.cluster.settle()
    world.cluster.load(with_nodes(cluster))
    world.cloud.load(with_node_pools(cloud))
    world.agents.reboot()
    world.cluster.controllers.kubelet.reconsider()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An emulated cluster and cloud, at the address where the runs were made."""
    made = World(tmp_path_factory.mktemp("world"), secure=False)
    config = kubeconfig("http://192.0.2.1")
    config["clusters"][0]["cluster"]["proxy-url"] = made.server.url
    made.kubeconfig.write_text(json.dumps(config))
    yield made
    made.close()


def endings() -> list[Any]:
    return [
        pytest.param(path, number, id=f"{path.parent.name} {path.stem}: {ending['ending']}")
        for path in FILES
        for number, ending in enumerate(json.loads(path.read_text("utf-8"))["endings"])
    ]


@pytest.mark.parametrize(("path", "number"), endings())
def test_a_run_of_an_older_version_is_undone(world: World, tmp_path: Path, path: Path, number: int) -> None:
    """Finished or killed anywhere: afterwards the cluster and the cloud are as they were before that run."""
    before, ending = case(path)["before"], case(path)["endings"][number]
    load(world, before["cluster"], before["cloud"])
    none = comparable(world.state())
    load(world, after(before["cluster"], ending["cluster"]), ending["cloud"] or before["cloud"])
    name = store(tmp_path / "journal.db", ending)
    lines = json.loads(world.runbook(name, "runs")["text"])["runs"]
    run = ending["events"][0]["run_id"]
    finished = ending["ending"] == "finished"
    assert [(line["run_id"], line["runbook"]) for line in lines] == [(run, case(path)["command"][0])]
    # Only the host on which it was killed can tell that its process is gone.
    assert lines[0]["status"] in (("verified",) if finished else ("running", "interrupted"))
    assert json.loads(world.runbook(name, "audit", "verify")["text"])["events"] == len(ending["events"])
    if finished:
        assert world.runbook(name, "verify", run)["code"] == 0
    done = world.runbook(name, "rollback", run, "--yes")
    assert (done["code"], json.loads(done["text"])["status"]) == (0, "rolled_back"), done["text"]
    world.cluster.settle()
    assert comparable(world.state()) == none
    # What a masquerade agent has done to the nodes is no object, and has to go as well.
    assert not any(world.agents.masquerades(node, "10.1.0.1") for node in ("node-1", "node-2", "node-3"))
    assert world.runbook(name, "audit", "verify")["code"] == 0


@pytest.mark.parametrize(("path", "number"), [item for item in endings() if "finished" not in str(item.id)])
def test_a_killed_run_of_an_older_version_is_finished(world: World, tmp_path: Path, path: Path, number: int) -> None:
    """Or, where it cannot be by now, refused in one sentence with nothing changed."""
    document, ending = case(path), case(path)["endings"][number]
    whole = document["endings"][0]
    load(world, after(document["before"]["cluster"], whole["cluster"]), whole["cloud"] or document["before"]["cloud"])
    every = comparable(world.state())
    load(world, after(document["before"]["cluster"], ending["cluster"]), ending["cloud"] or document["before"]["cloud"])
    now = comparable(world.state())
    done = world.runbook(store(tmp_path / "journal.db", ending), "resume", ending["events"][0]["run_id"], "--yes")
    world.cluster.settle()
    answer = json.loads(done["text"])
    if done["code"] == 0:
        assert comparable(world.state()) == every
    elif done["code"] == 5:  # a cleaning is approved for a while only; what was made for it can be put back on any day
        assert "the approval of this run has expired" in answer["error"]["detail"]
        undone = world.runbook(str(tmp_path / "journal.db"), "rollback", answer["run_id"], "--yes")
        assert json.loads(undone["text"])["status"] == "rolled_back", undone["text"]
    else:
        assert (done["code"], comparable(world.state())) == (3, now), answer["error"]


def _older(path: Path) -> Json:
    """Write the journal of an earlier version with all finished runs of it, one after the other, and return the last one."""
    endings = [case(file)["endings"][0] for file in FILES if file.parent.name == "042acc6"]
    previous, events = "0" * 64, []
    for event in [event for ending in endings for event in ending["events"]]:
        chained = event | {"sequence": len(events) + 1, "previous": previous}
        parts = [chained[name] for name in ("sequence", "run_id", "time", "kind", "payload", "previous")]
        previous = hashlib.sha256(canonical(parts)).hexdigest()
        events.append(chained | {"digest": previous})
    store(path, endings[0] | {"events": events})
    return {"events": events, "runs": len(endings), "last": endings[-1]["events"]}


def test_a_journal_of_an_older_version_is_carried_on(tmp_path: Path) -> None:
    """What it wrote stays byte for byte; its runs are listed, and one goes on with the next number after its last digest."""
    older = _older(tmp_path / "j.db")
    rows = "SELECT sequence, run_id, time, kind, CAST(payload AS BLOB), previous, digest FROM {} ORDER BY sequence"
    database = sqlite3.connect(tmp_path / "j.db")
    before = database.execute(rows.format("events")).fetchall()
    journal = opened(tmp_path / "j.db")
    assert database.execute(rows.format("former_events")).fetchall() == before
    assert (journal.verify().entries, journal.verify().runs) == (len(older["events"]), older["runs"])
    run = older["last"][0]["run_id"]
    assert (journal.runs()[0].run_id, journal.runs()[0].status) == (run, "verified")
    assert journal.runs()[0].about["parameters"] == older["last"][0]["payload"]["parameters"]
    added = enter(journal, run, "run.rolling_back", {"holder": "me"})
    assert (added.sequence, added.previous) == (len(older["last"]) + 1, older["events"][-1]["digest"])
    assert added.position == len(older["events"]) + 1
    assert [event.sequence for event in journal.intact(run)] == list(range(1, len(older["last"]) + 2))
    assert opened(tmp_path / "j.db").verify().entries == len(older["events"]) + 1


_CARRY_ON = """
import os, signal, sys, threading
import remediation.journal.sqlite.store
from remediation.journal import opened
if float(sys.argv[2]):
    threading.Timer(float(sys.argv[2]), os.kill, (os.getpid(), signal.SIGKILL)).start()
journal = opened(sys.argv[1])
journal.begin(lambda: f"run-{os.getpid()}", lambda _: {})
"""


def test_an_older_journal_is_carried_on_once(tmp_path: Path) -> None:
    """By several processes at once, and after one that was killed on the way: all of it or nothing."""
    older = _older(tmp_path / "j.db")
    for when in ("0.001", "0.005", "0.01", "0.02"):
        subprocess.run([sys.executable, "-c", _CARRY_ON, tmp_path / "j.db", when], check=False)
    words = [sys.executable, "-c", _CARRY_ON, str(tmp_path / "j.db"), "0"]
    assert [process.wait(60) for process in [subprocess.Popen(words) for _ in range(4)]] == [0] * 4
    audit = opened(tmp_path / "j.db").verify()
    assert 4 <= audit.runs - older["runs"] == audit.entries - len(older["events"]) <= 8


# What the version 8abcbda kept of each run beside its entries; some before it did not keep the parameters.
_RUNS = """
CREATE TABLE epochs (run_id TEXT PRIMARY KEY, epoch INTEGER NOT NULL);
CREATE TABLE runs (
  run_id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, started REAL NOT NULL, about TEXT NOT NULL,
  status TEXT NOT NULL, finished REAL, verify TEXT NOT NULL, holder TEXT NOT NULL, shapes TEXT NOT NULL);
CREATE INDEX runs_by_age ON runs (sequence);
"""


@pytest.mark.parametrize("late", [0, 1, 3])
def test_what_was_known_of_runs_is_taken_over(tmp_path: Path, late: int) -> None:
    """Also where an earlier version had not folded in the last entries, or the parameters: the list says what the entries say."""
    older = _older(tmp_path / "j.db")
    shutil.copy(tmp_path / "j.db", tmp_path / "read.db")
    read = opened(tmp_path / "read.db").runs()
    database = sqlite3.connect(tmp_path / "j.db")
    database.executescript(_RUNS)
    for number, item in enumerate(reversed(read)):
        about = {name: value for name, value in item.about.items() if number % 2 or name != "parameters"}
        ended = item.run_id != read[0].run_id or not late
        state = (item.status, item.finished) if ended else ("running", None)
        texts = (json.dumps(item.verify if ended else None), item.holder, json.dumps(item.shapes))
        row = (item.run_id, item.position, item.started, json.dumps(about), *state, *texts)
        database.execute("INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?)", row)
    upto = str(len(older["events"]) - late).encode()
    database.execute("INSERT OR REPLACE INTO settings VALUES ('summarised', ?)", (upto,))
    database.execute("INSERT INTO epochs VALUES (?, 7)", (read[0].run_id,))
    database.commit()
    journal = opened(tmp_path / "j.db")
    assert journal.runs() == read
    assert journal.verify().runs == older["runs"]
    assert journal.leases.next_epoch(read[0].run_id) == 8


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE former_events SET payload = replace(payload, 'a', 'b') WHERE sequence = 3",
        "UPDATE former_events SET run_id = 'x' WHERE sequence = 3",
        "DELETE FROM former_events WHERE sequence = 3",
        "DELETE FROM former_events WHERE sequence = (SELECT max(sequence) FROM former_events)",
        "DELETE FROM former_events",
    ],
)
def test_what_an_older_version_wrote_is_held(tmp_path: Path, change: str) -> None:
    """The first link of the chain over all runs has its end: a change of it, and a cut, are found."""
    _older(tmp_path / "j.db")
    opened(tmp_path / "j.db").close()
    database = sqlite3.connect(tmp_path / "j.db")
    database.executescript(f"DROP TRIGGER former_stay; DROP TRIGGER former_last; {change}")
    database.close()
    with pytest.raises(Tampered):
        opened(tmp_path / "j.db").verify()


def test_an_older_program_is_refused(tmp_path: Path) -> None:
    """When it opens a journal of this version it gets one sentence, whatever it is about to do; the file is a sound one."""
    enter(opened(tmp_path / "j.db"), "run", "run.created", {})
    database = sqlite3.connect(tmp_path / "j.db")
    opening = _TABLES.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS").replace("INDEX", "INDEX IF NOT EXISTS")
    with pytest.raises(sqlite3.OperationalError, match="a newer version of runbook keeps this journal, use that one"):
        database.executescript(opening.replace("TRIGGER", "TRIGGER IF NOT EXISTS"))
    # One that was at work when the journal was carried on.
    for read in ("SELECT 1 FROM events WHERE run_id = 'x' AND kind = 'run.created'", "SELECT payload FROM events"):
        with pytest.raises(sqlite3.OperationalError, match="a newer version of runbook keeps this journal"):
            database.execute(read).fetchall()
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.execute("VACUUM")
    assert opened(tmp_path / "j.db").verify().entries == 1
