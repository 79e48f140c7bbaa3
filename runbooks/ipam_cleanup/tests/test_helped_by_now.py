"""A cleaning that was killed and has helped nonetheless."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from remediation.catalogue.scenarios import load
from remediation.testing.worlds import EmulatedWorld
from runbook_sandbox.nodes.marks import LEAKED


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedWorld]:
    found = EmulatedWorld(tmp_path, secure=False)
    yield found
    found.close()


def test_a_cleaning_that_has_helped_by_now_is_finished(world: EmulatedWorld, tmp_path: Path) -> None:
    """What a run had begun is no reason to refuse it: the node has addresses again because of it."""
    scenario = load()["ipam-cleanup"]
    scenario.breaks(world)
    world.settle()
    broken, words = world.dump(), scenario.words(world.places)
    whole = world.verb(str(tmp_path / "whole.db"), "run", *words, "--yes")
    # The first one is a dry run.
    *_, posted = (
        number for number, name in enumerate(whole["points"]) if re.match(r"after send POST \S+daemonsets", name)
    )
    world.set_back(broken)
    store = str(tmp_path / "journal.db")
    assert "signal" in world.verb(store, "run", *words, "--yes", point=posted)
    deadline = time.monotonic() + 20
    while LEAKED in ((world.cluster.get("nodes", "node-2") or {})["metadata"].get("annotations") or {}):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    done = world.verb(store, "resume", "last", "--yes")
    assert done["code"] == 0, done["text"]
    assert done["document"]["status"] == "verified"
    assert world.cluster.get("daemonsets.apps", "runbook-ipam-cleanup", "kube-system") is None
