"""Clocks that are wrong: the run was made where they are, and is ended where they are not, or the other way round."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest

from remediation.engine.run import Run
from remediation.journal import opened
from tests.engine.sweeping import CASES, Sweep, Sweeps, sampled, seen

EVERY = bool(os.environ.get("EVERY_POINT"))
# Seconds by which the clock of the process that is killed, and of the one that ends its run, are ahead of the server's.
CLOCKS = [(60, 0), (-60, 0), (0, 60), (0, -60), (3600, 0), (-3600, 0), (0, 3600), (0, -3600), (-3600, 3600)]

AHEAD = [-3600, -60, 60, 3600]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES)
def test_killed_anywhere_with_wrong_clocks(sweeps: Sweeps, case: str) -> None:
    """Resumed or rolled back by a process with another clock, a run ends in all of its plan or none of it."""
    sweep = sweeps(case)
    tried = [(point, "", *clocks) for point in range(len(sweep.points)) for clocks in CLOCKS]
    ended = sum(_killed(sweep, *each) for each in sampled(tried, 11 if EVERY else 307, 200))
    assert ended, "no run was killed half-way"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("verb", ["rollback", "resume"])
def test_killed_before_a_write_is_recorded(sweeps: Sweeps, case: str, verb: str) -> None:
    """Whether a write has landed is found out whatever the clocks of both processes say."""
    sweep = sweeps(case)
    tried = [(point, verb, *clocks) for point in sweep.unrecorded for clocks in (CLOCKS if EVERY else CLOCKS[:4])]
    ended = [_killed(sweep, *each) for each in (tried if EVERY else tried[:: 2 if verb == "rollback" else 5])]
    assert sum(ended) > len(ended) / 2


def _killed(sweep: Sweep, point: int, verb: str, writer: int, reader: int) -> bool:
    """Tell whether there was something to end: the run was recorded before it was killed."""
    store = sweep.again()
    killed = sweep.world.runbook(store, "run", *sweep.words, "--yes", point=point, clock=writer)
    where = f"{sweep.case}, killed at point {point} with its clock {writer} s ahead, the next {reader} s"
    assert "signal" in killed or point > len(sweep.points) * 0.8 or killed["code"] == 0, f"{where}: {killed['text']}"
    if not (runs := recorded(store)):
        return False
    if runs[0]["status"] in ("verified", "applied", "already_ok"):
        return False  # it was killed after its end
    verb = verb or ("rollback" if point % 2 else "resume")
    sweep.finish(store, verb, runs[0]["run_id"], where, clock=reader)
    return True


def recorded(store: str) -> list[dict[str, str]]:
    """Return the runs of a store as ``runbook runs`` lists them."""
    journal = opened(Path(store))
    try:
        return [
            json.loads(json.dumps(Run.load(journal, event.run_id).as_json()))
            for event in journal.events(kind="run.created")
        ]
    finally:
        journal.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("case", "ahead"), sampled(itertools.product(CASES, AHEAD), 1 if EVERY else 3))
def test_a_whole_run_with_a_wrong_clock(sweeps: Sweeps, case: str, ahead: int) -> None:
    """What a run does depends on the server's clock, not on its own; it can be undone where the clock is right."""
    sweep = sweeps(case)
    store = sweep.again()
    done = sweep.world.runbook(store, "run", *sweep.words, "--yes", clock=ahead)
    where = f"{case}, {ahead} s ahead"
    assert done["code"] == 0, f"{where}: {done['text']}"
    assert seen(sweep.world) == sweep.ends.every, where
    sweep.finish(store, "rollback", "last", where)
