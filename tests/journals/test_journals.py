"""Journals that older versions wrote: this one lists them, finds them whole, and undoes exactly what their runs did."""

from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from runbook_sandbox.kubernetes import kubeconfig
from tests.engine.world import World, comparable

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


def load(world: World, cluster: Json, cloud: Json) -> None:
    world.cluster.settle()
    world.cluster.load(with_nodes(cluster))
    world.cloud.load(copy.deepcopy(cloud))
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
    else:
        assert (done["code"], comparable(world.state())) == (3, now), answer["error"]
