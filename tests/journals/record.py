"""Record journals of an older version, with the emulated cluster and cloud that belong to them, for `test_journals`.

    PYTHONPATH=CHECKOUT .venv/bin/python tests/journals/record.py FOLDER

CHECKOUT is a working tree of that version: its command line runs, its sandbox is worked on. Each case is run once to its
end and then killed at some of its points, each time from the same start. One file for each case: what was before, and for
each ending the journal and what was different then, without locks, for those lapse, and without later events.

It reads journals of one chain, as versions wrote them that had no table ``entries``.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remediation.testing.planted import key_file
from runbook_sandbox.kubernetes import kubeconfig
from runbook_sandbox.places import HOST, PULLER
from tests.engine.world import SCENARIOS, World
from tests.running import google_env

Json = dict[str, Any]
PULL = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST)
MASQUERADE = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")
_LARGE = 300
_LOCKS = "leases.coordination.k8s.io"


def _without(world: World, *names: tuple[str, str]) -> None:
    for storage, name in names:
        world.cluster.store.remove(storage, "kube-system", name)
    world.cluster.settle()


def _agent_without_file(world: World) -> None:
    SCENARIOS["ip-masq-agent"].breaks(world)
    _without(world, ("configmaps", "ip-masq-agent"))


def _no_agent(world: World) -> None:
    _agent_without_file(world)
    _without(world, ("daemonsets.apps", "ip-masq-agent"))


def _older_credentials(world: World) -> None:
    SCENARIOS["pull-secret"].breaks(world)
    world.cluster.settle()
    old = key_file(Path(), "old-puller")
    done = world.runbook("older.db", "run", *PULL, "--from-key-file", str(old), "--yes")
    assert done["code"] == 0, done["text"]


def _broken(name: str) -> Callable[[World], None]:
    return SCENARIOS[name].breaks


CASES: dict[str, tuple[Callable[[World], None], tuple[str, ...]]] = {
    "container-service-agent": (_broken("container-service-agent"), ("container-service-agent",)),
    "ip-masq-agent-changed": (_broken("ip-masq-agent"), MASQUERADE),
    "ip-masq-agent-created": (_agent_without_file, MASQUERADE),
    "ip-masq-agent-deployed": (
        _no_agent,
        (*MASQUERADE, "--deploy-agent", "--location", "europe-west3", "--cluster", "sandbox"),
    ),
    "ipam-cleanup": (_broken("ipam-cleanup"), ("ipam-cleanup", "--node", "node-2", "--max-reservations", "300")),
    "pull-secret-file": (_broken("pull-secret"), (*PULL, "--from-key-file", "puller.json")),
    "pull-secret-key": (_broken("pull-secret"), (*PULL, "--google-service-account", PULLER)),
    "pull-secret-replaced": (_older_credentials, (*PULL, "--from-key-file", "puller.json")),
}


@dataclass(frozen=True)
class Ending:
    """What a run has left: its journal, and the world after it."""

    events: list[Json]
    settings: Json
    cluster: Json
    cloud: Json


# Runs the command line, and kills it right after that many entries, or right before the next one.
_PROGRAM = """
import os, signal, sys
from remediation.cli.main import _run
try:
    from remediation.journal.sqlite.store import SqliteJournal as Journal
except ImportError:
    from remediation.journal import Journal

count, last, sys.argv = int(sys.argv[1]), sys.argv[2] == "last", ["runbook", *sys.argv[3:]]
written = []

def counted(append):
    def add(*values, **more):
        if last and len(written) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        written.append(append(*values, **more))
        if not last and len(written) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return written[-1]
    return add

for name in ("begin", "append"):
    if hasattr(Journal, name):
        setattr(Journal, name, counted(getattr(Journal, name)))
sys.exit(_run("runbook"))
"""


def kubeconfig_with_a_lasting_address(world: World) -> Path:
    """Return a kubeconfig whose server is the same for each world: a run is undone only where it was made."""
    config = kubeconfig("http://192.0.2.1")
    config["clusters"][0]["cluster"]["proxy-url"] = world.server.url
    path = world.folder / "lasting-kubeconfig"
    path.write_text(json.dumps(config))
    return path


class Case:
    """One command, to its end or to a moment at which it is killed, each time on a world of its own with the same state."""

    def __init__(self, name: str) -> None:
        put, self.words = CASES[name]
        self.name = name
        with _world() as world:
            put(world)
            world.cluster.settle()
            self.cluster, self.cloud = _kept(world.cluster.dump()), world.cloud.dump()

    def endings(self) -> Iterator[tuple[str, Ending]]:
        """Yield the whole run, then one that was killed at each chosen moment."""
        whole = self._at(1000, "whole")
        yield "finished", whole
        for name, count, when in _moments([event["kind"] for event in whole.events]):
            found = self._at(count, when)
            assert len(found.events) == count, f"{self.name}, {name}"
            yield name, found

    def _at(self, count: int, when: str) -> Ending:
        with _world() as world:
            world.cluster.load(json.loads(json.dumps(self.cluster)))
            world.cloud.load(json.loads(json.dumps(self.cloud)))
            store = f"{self.name}-{count}-{when}.db"
            place = ("--kubeconfig", str(kubeconfig_with_a_lasting_address(world)), "--project", "example-prod")
            words = ("run", *self.words, *place, "--yes", "--store", store)
            env = google_env(world.google, world.folder)
            command = [sys.executable, "-c", _PROGRAM, str(count), when, *words]
            done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=False)
            assert done.returncode == (0 if when == "whole" else -9), done.stdout + done.stderr
            world.cluster.settle()
            return Ending(*_journal(store), _kept(world.cluster.dump()), world.cloud.dump())


@contextmanager
def _world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as scratch:
        world = World(Path(scratch), secure=False)
        try:
            yield world
        finally:
            world.close()


def _moments(kinds: list[str]) -> Iterator[tuple[str, int, str]]:
    """Yield a name, how many entries there are then, and whether it is the first or the last moment with so many."""
    begun = [number for number, kind in enumerate(kinds, 1) if kind == "change.intended"]
    taken = [number for number, kind in enumerate(kinds, 1) if kind == "undo.intended"]
    yield "first change intended", begun[0], "first"
    yield "first change written", begun[0], "last"
    if len(begun) > 1:
        yield "first change done", begun[0] + 1, "first"
        yield "last change written", begun[-1], "last"
    yield "last change done", begun[-1] + 1, "first"
    if taken:
        yield "first temporary change taken back", taken[0], "last"
        yield "last temporary change to be taken back", taken[-1], "first"


def _journal(store: str) -> tuple[list[Json], Json]:
    if not Path(store).exists():
        return [], {}
    database = sqlite3.connect(store)
    database.row_factory = sqlite3.Row
    events = [dict(row) for row in database.execute("SELECT * FROM events ORDER BY sequence")]
    for event in events:
        text, event["payload"] = event["payload"], json.loads(event["payload"])
        assert json.dumps(event["payload"]) == text, "the text of an entry can be made again from its content"
    settings = {name: value.hex() for name, value in database.execute("SELECT name, value FROM settings")}
    database.close()
    return events, settings


def _kept(dump: Json) -> Json:
    """Return a cluster without locks, for those lapse."""
    return dump | {"objects": {name: rows for name, rows in dump["objects"].items() if name != _LOCKS}}


def _difference(before: Json, after: Json) -> Json:
    """Return the objects that are new or another, and the places of those that are gone."""
    old, new = _by_place(before), _by_place(after)
    put = [[place.split()[0], obj] for place, obj in new.items() if old.get(place) != obj and obj["kind"] != "Event"]
    return {"version": after["resourceVersion"], "put": put, "gone": sorted(set(old) - set(new))}


def _by_place(dump: Json) -> dict[str, Json]:
    return {
        f"{storage} {row['metadata'].get('namespace', '')}/{row['metadata']['name']}": row
        for storage, rows in dump["objects"].items()
        for row in rows
    }


def _document(case: Case) -> Json:
    endings = [
        {
            "ending": name,
            "events": found.events,
            "settings": found.settings,
            "cluster": _difference(case.cluster, found.cluster),
            "cloud": None if found.cloud == case.cloud else found.cloud,
        }
        for name, found in case.endings()
    ]
    before = {"cluster": case.cluster, "cloud": case.cloud}
    return {"command": list(case.words), "before": before, "endings": endings}


def _shared(document: Json) -> Json:
    """Return the document with each large part that comes up again and again kept once, under ``same``."""
    seen: dict[str, int] = {}
    same: list[Any] = []
    places: dict[str, int] = {}

    def count(value: Any) -> None:
        text = json.dumps(value)
        seen[text] = seen.get(text, 0) + (len(text) > _LARGE)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            count(item)

    def replaced(value: Any) -> Any:
        text = json.dumps(value)
        if seen[text] < 2:
            return parts(value)
        if text not in places:
            places[text] = len(same)
            same.append(None)
            same[places[text]] = parts(value)
        return {"$same": places[text]}

    def parts(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: replaced(item) for key, item in value.items()}
        return [replaced(item) for item in value] if isinstance(value, list) else value

    count(document)
    return parts(document) | {"same": same}


def _text(value: Any, depth: int = 0) -> str:
    """Return JSON with an entry of a journal, or an object of a cluster, on each line."""
    if depth == 4 or not isinstance(value, dict | list) or not value:
        return json.dumps(value)
    inside = (
        [f"{json.dumps(key)}: {_text(item, depth + 1)}" for key, item in value.items()]
        if isinstance(value, dict)
        else [_text(item, depth + 1) for item in value]
    )
    ends = "{}" if isinstance(value, dict) else "[]"
    return ends[0] + "\n" + ",\n".join(inside) + "\n" + ends[1]


def main() -> None:
    """Write one file for each case that is named, or for all."""
    folder, names = Path(sys.argv[1]).absolute(), sys.argv[2:] or list(CASES)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            key_file(Path())
            document = _document(Case(name))
            (folder / f"{name}.json").write_text(_text(_shared(document)) + "\n", "utf-8")
            os.chdir("/")


if __name__ == "__main__":
    main()
