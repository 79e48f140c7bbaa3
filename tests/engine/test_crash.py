"""SIGKILL before and after every API request and journal entry: afterwards a run ends in all of its plan, or none."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from remediation.engine.run import Run
from remediation.journal import opened
from remediation.testing.planted import key_file
from runbook_sandbox.nodes.marks import LEAKED
from tests.engine.sweeping import CASES
from tests.engine.world import SCENARIOS, World, comparable

# Of each a part of the points, as many for resume as for rollback, unless EVERY_POINT=1 asks for all.
STRIDES = {
    "container-service-agent": 3,
    "ip-masq-agent": 3,
    "ipam-cleanup": 5,
    "pull-secret-file": 9,
    "pull-secret-key": 5,
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES)
def test_killed_anywhere_a_run_ends_in_all_or_none(world: World, tmp_path: Path, case: str) -> None:
    """At every point: resume (even points) reaches all of the plan, rollback (odd points) reaches none of it."""
    scenario = SCENARIOS["pull-secret" if case.startswith("pull-secret") else case]
    words = (*CASES[case], *(["--from-key-file", str(key_file(tmp_path))] if case == "pull-secret-file" else []))
    world.set_back()  # what the case before has left, such as the locks of a run that was finished, is no part of this one
    scenario.breaks(world)
    world.cluster.settle()
    before = world.dump()
    none = comparable(world.state())
    whole = world.runbook(str(tmp_path / "whole.db"), "run", *words, "--yes")
    assert whole["code"] == 0, whole["text"]
    every = comparable(world.state())
    assert every != none or case == "ipam-cleanup"
    for point in range(0, len(whole["points"]), STRIDES[case] if not os.environ.get("EVERY_POINT") else 1):
        world.set_back(before)
        _crash_and_recover(world, str(tmp_path / f"{point}.db"), words, point, none, every)


def _crash_and_recover(world: World, store: str, words: tuple[str, ...], point: int, none: Any, every: Any) -> None:
    killed = world.runbook(store, "run", *words, "--yes", point=point)
    if "signal" not in killed:
        return  # this time there were fewer points, for watches tell of a different number of changes
    journal = opened(Path(store))
    runs = [Run.load(journal, event.run_id).as_json() for event in journal.events(kind="run.created")]
    journal.close()
    if not runs:
        assert comparable(world.state()) == none, f"point {point}: something was changed before the run was recorded"
        return
    verb = "rollback" if point % 2 else "resume"
    done = world.runbook(store, verb, runs[0]["run_id"], "--yes")
    finished, where = runs[0]["status"] in ("verified", "applied"), f"point {point}: {verb} ended with {done}"
    assert done["code"] in ((0, 3) if finished else (0,)), where
    if done["code"] == 0:
        assert json.loads(done["text"])["status"] == {"rollback": "rolled_back", "resume": "verified"}[verb], where
    world.cluster.settle()
    wanted = none if verb == "rollback" else every
    assert comparable(world.state()) == wanted, f"point {point}: {verb} of a run that was {runs[0]['status']}"
    # A run that was finished needs no more work; its lock lapses by itself.
    assert world.locks() == [] or (finished and done["code"] == 3)


def test_a_cleaning_that_has_helped_by_now_is_finished(world: World, tmp_path: Path) -> None:
    """What a run had begun is no reason to refuse it: the node has addresses again because of it."""
    SCENARIOS["ipam-cleanup"].breaks(world)
    world.cluster.settle()
    broken = world.dump()
    whole = world.runbook(str(tmp_path / "whole.db"), "run", *CASES["ipam-cleanup"], "--yes")
    # The first one is a dry run.
    *_, posted = (
        number for number, name in enumerate(whole["points"]) if re.match(r"after send POST \S+daemonsets", name)
    )
    world.set_back(broken)
    store = str(tmp_path / "journal.db")
    assert "signal" in world.runbook(store, "run", *CASES["ipam-cleanup"], "--yes", point=posted)
    deadline = time.monotonic() + 20
    while LEAKED in ((world.cluster.get("nodes", "node-2") or {})["metadata"].get("annotations") or {}):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    done = world.runbook(store, "resume", "last", "--yes")
    assert done["code"] == 0, done["text"]
    assert json.loads(done["text"])["status"] == "verified"
    assert world.cluster.get("daemonsets.apps", "runbook-ipam-cleanup", "kube-system") is None
