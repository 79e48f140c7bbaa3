"""The contract of a run that is killed or put to sleep anywhere: it ends in all of its plan, or in none of it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from remediation.model.scenarios import Scenario
from remediation.testing.contract import Playing, standing_for
from remediation.testing.faults import sampled
from remediation.testing.playing import Played
from remediation.testing.sweeping import Sweep, entries

EVERY = bool(os.environ.get("EVERY_POINT"))
# Seconds by which the clock of the process that is killed, and of the one that ends its run, are ahead of the server's.
CLOCKS = [(60, 0), (-60, 0), (0, 60), (0, -60), (3600, 0), (-3600, 0), (0, 3600), (0, -3600), (-3600, 3600)]
AHEAD = (-3600, -60, 60, 3600)
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


class Interrupted(Playing):
    """SIGKILL and SIGSTOP before and after each request and journal entry; a part of them unless EVERY_POINT=1."""

    @classmethod
    def scenarios(cls) -> dict[str, Scenario]:
        """Return one scenario of each row, or all that are rehearsed."""
        return standing_for(super().scenarios(), every=EVERY)

    @pytest.mark.timeout(1800)
    def test_killed_anywhere_a_run_ends_in_all_or_none(self, sweep: Sweep) -> None:
        """Resumed (even points) it reaches all of the plan, rolled back (odd points) none of it; no lock stays."""
        points = range(len(sweep.points))
        ended = [_killed(sweep, point) for point in (points if EVERY else sampled(points, 5, sweep.name))]
        assert any(ended), "no run was killed half-way"

    @pytest.mark.timeout(1800)
    def test_killed_with_wrong_clocks(self, sweep: Sweep) -> None:
        """Whether a write has landed is found out whatever the clocks of both processes say."""
        tried = [(point, *clocks) for point in sweep.unrecorded for clocks in CLOCKS]
        tried += [(point, *clocks) for point in range(0, len(sweep.points), 11) for clocks in CLOCKS] if EVERY else []
        ended = [_killed(sweep, *each) for each in (tried if EVERY else sampled(tried, 3, sweep.name))]
        assert sum(ended) > len(ended) / 2

    @pytest.mark.timeout(300)
    def test_a_whole_run_with_a_wrong_clock(self, sweep: Sweep) -> None:
        """What a run does depends on the server's clock, not on its own; it can be undone where the clock is right."""
        for ahead in AHEAD if EVERY else sampled(AHEAD, 1, sweep.name):
            store = sweep.played.again()
            done = sweep.world.verb(store, "run", *sweep.played.words, "--yes", clock=ahead)
            where = f"{sweep.name}, {ahead} s ahead"
            assert done["code"] == 0, f"{where}: {done['text']}"
            assert sweep.played.unfinished(sweep.world.whole()) == [], where
            sweep.finish(store, "rollback", "last", where)

    @pytest.mark.timeout(1800)
    @pytest.mark.parametrize("verb", ["rollback", "resume"])
    def test_a_process_that_wakes_when_its_run_is_over(self, sweep: Sweep, verb: str) -> None:
        """Nothing that it does then changes the target or the record: it says that its lock was lost."""
        # Half of them right before a request that writes, the others when it has landed and is not recorded yet.
        points = sorted({*sweep.writes, *sweep.unrecorded})
        tried = points if EVERY else sampled(points, 2, sweep.name + verb)
        stopped = [_stopped(sweep, point, verb) for point in tried]
        assert any(stopped), "no run was stopped half-way"

    @pytest.mark.timeout(600)
    @pytest.mark.parametrize("verb", ["rollback", "resume"])
    def test_a_patch_that_was_held_up_on_its_way(self, changing: Played, verb: str) -> None:
        """It is refused when it arrives after the run was ended without it, and no trace of that is left on the object."""
        sweep = changing.kept("wire", lambda: Sweep(changing, wire=True))
        if not sweep.on_the_wire:
            pytest.skip("its run patches nothing")
        tried = sweep.on_the_wire if EVERY else sweep.on_the_wire[:1]
        stopped = [_stopped(sweep, point, verb, wire=True) for point in tried]
        assert all(stopped), "it was over before it was stopped"


def _killed(sweep: Sweep, point: int, writer: int = 0, reader: int = 0) -> bool:
    """Kill a run at a point and end it, with these clocks; tells whether there was something to end."""
    store = sweep.played.again()
    clock = {"clock": writer} if writer else {}
    killed = sweep.world.verb(store, "run", *sweep.played.words, "--yes", point=point, **clock)
    where = f"{sweep.name}, killed at point {point} ({sweep.points[point]}), clocks {writer} and {reader} s ahead"
    # Watches tell of a different number of changes each time, so the last points are not always reached.
    reached = "signal" in killed or point > len(sweep.points) * 0.8
    assert reached or killed["code"] == 0, f"{where}: {killed['text']}"
    verb = "rollback" if point % 2 else "resume"
    return sweep.end(store, where, verb, **({"clock": reader} if reader else {}))


def _stopped(sweep: Sweep, point: int, verb: str, *, wire: bool = False) -> bool:
    """Let a run sleep at a point while another process ends it; tells whether it was half-way then."""
    world, store = sweep.world, sweep.played.again()
    how: dict[str, Any] = {"point": point, "stop": True, "wire": wire, "set": SHORT}
    first = world.verb(store, "run", *sweep.played.words, "--yes", **how)
    where = f"{sweep.name}, stopped at point {point}, {sweep.points[point]!r}"
    if "stopped" not in first:
        return False
    # A request more than usual moves the points: who sleeps before the first intent has nothing that could be undone.
    if not any(kind == "change.intended" for kind, _ in entries(store)):
        world.wake(first["stopped"])
        return False
    sweep.finish(store, verb, "last", where, "--wait", "20", set=SHORT)
    ended, record = world.whole(), entries(store)
    woken = world.wake(first["stopped"])
    where = f"{where}; then {verb}; then it woke and ended as {woken['document']}"
    assert (woken["code"] != 0, woken["document"]["status"]) == (True, "failed"), where
    assert entries(store) == record, where
    assert world.whole() == ended, where
    assert world.locks() == [], where
    return True
