"""A run is finished, proven and undone on the cluster that it was made on, whatever that is called by now."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.test_forgery import MASQ, Recorded, recorded
from tests.engine.world import World, break_, comparable

__all__ = ["recorded"]
VERBS = {"rollback": ("--yes",), "resume": ("--yes",), "verify": ("--within", "0")}


def elsewhere(world: World, cluster: dict[str, Any]) -> dict[str, Any]:
    """Return the same objects as those of a cluster that was made anew."""
    text = json.dumps(cluster)
    world.cluster.load(copy.deepcopy(cluster))
    space = world.cluster.get("namespaces", "kube-system")
    assert space
    found: dict[str, Any] = json.loads(text.replace(space["metadata"]["uid"], "0e7ac198-9acd-4984-9a22-a3c0f5d0d8f1"))
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_a_new_cluster_at_the_same_address_is_another(recorded: Recorded, verb: str) -> None:
    """Nothing is changed there, and the way to the right one is told."""
    name = "ip-masq-agent-killed" if verb == "resume" else "ip-masq-agent"
    world, cluster = recorded.world, recorded.cluster[name]
    recorded.cluster[name] = elsewhere(world, cluster)
    try:
        told = recorded.refused(3, name, lambda _: None, verb, *VERBS[verb])
    finally:
        recorded.cluster[name] = cluster
    assert "was made on cluster" in told
    assert "0e7ac198" in told
    assert "nothing was changed" in told
    assert "--context" in told


def test_another_address_of_the_same_cluster_is_none(recorded: Recorded) -> None:
    """Localhost and 127.0.0.1 are one cluster."""
    world = recorded.world
    store, run = recorded.forged("ip-masq-agent", lambda _: None)
    by_name = world.folder / "by-name"
    by_name.write_text(world.kubeconfig.read_text().replace("127.0.0.1", "localhost"))
    there, world.kubeconfig = world.kubeconfig, by_name
    try:
        assert world.runbook(store, "verify", run)["code"] == 0
        assert world.runbook(store, "rollback", run, "--yes")["code"] == 0
    finally:
        world.kubeconfig = there


def test_a_record_without_a_uid_is_known_by_its_address(recorded: Recorded) -> None:
    """So an earlier version did, and its runs can be undone still; elsewhere they are refused."""

    def older(record: dict[str, Any]) -> None:
        assert record.pop("target_uid")

    store, run = recorded.forged("ip-masq-agent", older)
    assert recorded.world.runbook(store, "rollback", run, "--yes")["code"] == 0

    def moved(record: dict[str, Any]) -> None:
        older(record)
        record["target"]["server"] = "https://192.0.2.1"

    told = recorded.refused(3, "ip-masq-agent", moved, "rollback", "--yes")
    assert "was made on https://192.0.2.1, and this context is http://127.0.0.1" in told


def test_another_project_is_refused(recorded: Recorded) -> None:
    """A project that is named and is not the run's."""
    told = recorded.refused(
        3,
        "container-service-agent",
        lambda record: record["target"].update(project="example-test"),
        "rollback",
        "--yes",
    )
    assert "was made on project example-test, and this is example-prod" in told


def test_a_run_with_nothing_to_change_asks_nothing_more(world: World, tmp_path: Path) -> None:
    """Which cluster it is, matters only for what can be undone."""
    store = str(tmp_path / "journal.db")
    break_(world, "ip-masq-agent")
    found = world.runbook(store, "run", *MASQ, "--yes")
    assert found["code"] == 0, found["text"]
    before = comparable(world.state())
    asked: list[str] = []
    world.cluster.faults = lambda method, path, *_: asked.append(path)
    try:
        assert json.loads(world.runbook(store, "run", *MASQ, "--yes")["text"])["status"] == "already_ok"
    finally:
        world.cluster.faults = None
    assert asked
    assert "/api/v1/namespaces/kube-system" not in asked
    assert comparable(world.state()) == before
