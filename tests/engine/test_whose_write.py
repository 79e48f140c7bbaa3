"""Whose clock is wrong by how much makes no difference to what a run has done."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook_sandbox.places import HOST, PULLER
from tests.engine.world import World, break_, comparable
from tests.running import google_env
from tests.skewed import skewed

IPAM = ("ipam-cleanup", "--node", "node-2")
KEY = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST,
       "--google-service-account", PULLER)  # fmt: skip
# How far the clocks of who runs and who rolls back are ahead of the server's.
CLOCKS = [(60, 0), (-60, 0), (0, 60), (3600, 0), (-3600, 0), (0, -3600), (3600, -3600)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, secure=False)
    yield made
    made.close()


def verb(world: World, seconds: float, *words: str, dies_before: str = "") -> dict[str, Any]:
    """Run a verb with a wrong clock; the document of one that was killed is empty."""
    env = google_env(world.google, world.folder)
    where = ("--kubeconfig", str(world.kubeconfig), "--context", "sandbox", "--project", "example-prod",
             "--store", str(world.folder / "journal.db"), "-o", "json")  # fmt: skip
    done = skewed(seconds, *words, *where, dies_before=dies_before, env=env)
    assert done.returncode == (-9 if dies_before else 0), done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else {}


def lapse(world: World) -> None:
    """Let the lock of the process that was killed lapse; whether it has is a question of its own."""
    for lease in world.cluster.store.list("leases.coordination.k8s.io"):
        world.cluster.edit(
            "leases.coordination.k8s.io",
            lease["metadata"]["name"],
            lambda found: found["spec"].update(renewTime="2020-01-01T00:00:00.000000Z"),
            lease["metadata"]["namespace"],
        )


def node(world: World) -> bool:
    found = world.cluster.get("nodes", "node-2")
    assert found
    return bool(found["spec"].get("unschedulable"))


@pytest.mark.parametrize(("writer", "reader"), CLOCKS)
def test_a_cordon_whose_answer_was_lost_is_put_back(world: World, writer: float, reader: float) -> None:
    """The run was killed after the node was cordoned, before it could write that down."""
    before = break_(world, "ipam-cleanup")
    verb(world, writer, "run", *IPAM, "--yes", dies_before="change.done")
    assert node(world)
    lapse(world)
    assert verb(world, reader, "rollback", "last", "--yes")["status"] == "rolled_back"
    assert comparable(world.state()) == before


@pytest.mark.parametrize(("writer", "reader"), [(-60, 0), (3600, -3600)])
def test_a_cordon_of_others_stays(world: World, writer: float, reader: float) -> None:
    """An administrator cordoned the node after the run was killed and before it had written anything."""
    break_(world, "ipam-cleanup")
    verb(world, writer, "run", *IPAM, "--yes", dies_before="change.intended")
    world.cluster.edit("nodes", "node-2", lambda found: found["spec"].update(unschedulable=True))
    lapse(world)
    verb(world, reader, "rollback", "last", "--yes")
    assert node(world)


@pytest.mark.parametrize(
    ("writer", "reader"), [(600, 0), (3600, 0), (0, 3600)]
)  # gRPC takes a clock that is behind for a deadline that is over
def test_a_key_whose_answer_was_lost_is_deleted(world: World, writer: float, reader: float) -> None:
    """Google's clock tells which key was made for the run; a living key that nobody has is the worst leftover."""
    before = break_(world, "pull-secret")
    verb(world, writer, "run", *KEY, "--yes", dies_before="change.done")
    assert len(world.cloud.accounts[PULLER].keys) == before["keys"] + 1
    lapse(world)
    assert verb(world, reader, "rollback", "last", "--yes")["status"] == "rolled_back"
    assert comparable(world.state()) == before


def test_what_an_intent_tells(world: World) -> None:
    """The server's clock and the version of the object stand in the journal, not the clock of who wrote it an hour ahead."""
    break_(world, "ipam-cleanup")
    verb(world, 3600, "run", *IPAM, "--yes", dies_before="change.done")
    version = world.cluster.get("nodes", "node-2")
    assert version
    intents = [item for item in verb(world, 0, "runs", "last")["events"] if item["kind"] == "change.intended"]
    assert abs(intents[0]["server_time"] - time.time()) < 600
    assert abs(intents[0]["time"] - time.time()) < 600  # by the clock of the store
    assert int(intents[0]["version"]) < int(version["metadata"]["resourceVersion"])
