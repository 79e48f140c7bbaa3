"""A process sleeps in the middle of a run for longer than its lock lasts; another one ends the run; then the first wakes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from remediation.journal import opened
from tests.engine.sweeping import CASES, Sweep, Sweeps, sampled, seen

EVERY = bool(os.environ.get("EVERY_POINT"))
# Leases of two seconds, so that a sleep of three is a long one.
SHORT = {
    "remediation.access.sightings:LEASE_SECONDS": 2.0,
    "remediation.access.journal_lock:LEASE_SECONDS": 2.0,
    "remediation.providers.kubernetes.locks:LEASE_SECONDS": 2.0,
    "remediation.access.locks:LEASE_SECONDS": 2.0,
    "remediation.access.locks:LOST_SECONDS": 1.5,
    "remediation.access.locks:_BEAT_SECONDS": 0.5,
    "remediation.access.locks:_AGAIN_SECONDS": 0.3,
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("verb", ["rollback", "resume"])
def test_a_process_that_wakes_when_its_run_is_over(sweeps: Sweeps, case: str, verb: str) -> None:
    """Nothing that it does then changes the target or the record: it says that its lock was lost."""
    sweep = sweeps(case)
    # Half of them right before a request that writes, the others when it has landed and is not recorded yet.
    points = sorted({*sweep.writes, *sweep.unrecorded})
    tried = points if EVERY else sampled(points, min(4, len(points)), len(case + verb))
    stopped = [_stopped(sweep, point, verb) for point in tried]
    assert any(stopped), "no run was stopped half-way"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", ["ip-masq-agent", "ipam-cleanup", "pull-secret-file"])
@pytest.mark.parametrize("verb", ["rollback", "resume"])
def test_a_patch_that_was_held_up_on_its_way(sweeps: Sweeps, case: str, verb: str) -> None:
    """It is refused when it arrives after the run was ended without it, and no trace of that is left on the object."""
    sweep = sweeps(case, wire=True)
    tried = sweep.on_the_wire if EVERY else sweep.on_the_wire[:1]
    assert all(_stopped(sweep, point, verb, wire=True) for point in tried)


def _stopped(sweep: Sweep, point: int, verb: str, *, wire: bool = False) -> bool:
    """Tell whether the run was half-way when it was stopped."""
    world, store = sweep.world, sweep.again()
    first = world.runbook(store, "run", *sweep.words, "--yes", point=point, stop=True, wire=wire, set=SHORT)
    where = f"{sweep.case}, stopped at point {point}, {sweep.points[point]!r}"
    if "stopped" not in first:
        return False
    sweep.finish(store, verb, "last", where, "--wait", "20", set=SHORT)
    ended, record = seen(world), kinds(store)
    woken = world.wake(first["stopped"])
    where = f"{where}; then {verb}; then it woke and ended with {json.loads(woken['text'])['error']}"
    assert woken["code"] != 0, where
    assert kinds(store) == record, where
    assert seen(world) == ended, where
    assert world.locks() == [], where
    assert json.loads(woken["text"])["status"] == "failed", where
    return True


def kinds(store: str) -> list[tuple[str, Any]]:
    """Return what a journal records, entry by entry."""
    journal = opened(Path(store))
    try:
        return [(event.kind, event.payload) for event in journal.events()]
    finally:
        journal.close()
