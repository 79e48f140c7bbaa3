"""What others keep in the objects that a run changes stays in the cluster: no record, plan or output has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from remediation.engine.kept import kept
from remediation.model.changes import Change
from remediation.model.errors import NotFound
from remediation.model.refs import Ref
from tests.engine.test_forgery import CLEAN, MASQ, PULL
from tests.engine.world import World, break_, comparable

SECRET = "hunter2-planted-in-the-cluster"
RUNS = {"ip-masq-agent": MASQ, "ipam-cleanup": CLEAN, "pull-secret": PULL}


def plant(world: World) -> None:
    """Put a secret wherever a run reads whole objects."""
    for ref, place in (
        (Ref("apps/v1", "DaemonSet", "ip-masq-agent", "kube-system"), "/spec/template/spec/containers/0/env"),
        (Ref("v1", "ConfigMap", "ip-masq-agent", "kube-system"), "/data/other"),
        (Ref("v1", "ServiceAccount", "web", "shop"), ""),
        (Ref("v1", "Node", "node-2"), ""),
    ):
        try:
            notes = world.client.read(ref)["metadata"].get("annotations", {})
        except NotFound:
            continue
        value: Any = [{"name": "PASSWORD", "value": SECRET}] if place.endswith("env") else SECRET
        edits = [{"op": "add", "path": "/metadata/annotations", "value": notes | {"example.com/note": SECRET}}]
        world.client.patch(ref, edits + ([{"op": "add", "path": place, "value": value}] if place else []))
    world.cluster.settle()


@pytest.mark.parametrize("name", RUNS)
def test_what_others_keep_is_nowhere(world: World, tmp_path: Path, name: str) -> None:
    """Plan file, journal and every output are searched; the run is still proven, and undone exactly."""
    break_(world, name)
    if name != "ip-masq-agent":  # its objects are there only after its own scenario
        break_(world, "ip-masq-agent")
    plant(world)
    before, store, plan = comparable(world.state()), str(tmp_path / "journal.db"), tmp_path / "plan.json"
    printed = [world.runbook(store, "plan", *RUNS[name], "--out", str(plan), "--log", "json")["text"]]
    printed.append(world.runbook(store, "run", *RUNS[name], "--yes", "--log", "json")["text"])
    run = json.loads(printed[-1][printed[-1].index("{\n") :])["run_id"]
    more = (("runs", run), ("verify", run), ("rollback", run, "--yes"))
    printed += [world.runbook(store, *words)["text"] for words in more]
    assert json.loads(printed[-1])["status"] == "rolled_back", printed[-1]
    assert comparable(world.state()) == before
    assert SECRET not in "".join(printed)
    for file in tmp_path.iterdir():
        assert SECRET.encode() not in file.read_bytes(), file


def test_a_state_is_cut_down_to_its_edits() -> None:
    """Parents stay, for an undo has to know which of them were there."""
    before = {
        "data": {"mine": "1", "other": "x"},
        "spec": {"list": [{"name": "a", "v": 1}, {"name": "b", "v": 2}], "e": {}},
    }
    after = {
        "data": {"mine": "2", "other": "x"},
        "spec": {"list": [{"name": "a", "v": 1}, {"name": "b", "v": 3}], "e": {"n": 1}},
    }
    change = Change.between("x", before, after)
    assert kept(change, before) == {"data": {"mine": "1"}, "spec": {"list": [{"name": "b", "v": 2}], "e": {}}}
    assert kept(change, after) == {"data": {"mine": "2"}, "spec": {"list": [{"name": "b", "v": 3}], "e": {"n": 1}}}


def test_of_what_was_made_only_what_was_asked_for_is_kept() -> None:
    """Of what admission has put into it only the places are in; values that were known only then are in, too."""
    asked = {
        "metadata": {"name": "x", "annotations": {"run": "(known after apply)"}},
        "spec": {"containers": [{"name": "a", "args": ["b"]}]},
    }
    made = {"metadata": {"name": "x", "annotations": {"run": "r", "token": SECRET}},
            "spec": {"containers": [{"name": "a", "args": ["b"], "env": [{"name": "T", "value": SECRET}]}, {"name": "sidecar"}]}}  # fmt: skip
    assert kept(Change.between("x", None, asked), made) == {
        "metadata": {"name": "x", "annotations": {"run": "r", "token": "(known after apply)"}},
        "spec": {"containers": [{"name": "a", "args": ["b"], "env": "(known after apply)"}, {"name": "sidecar"}]},
    }
