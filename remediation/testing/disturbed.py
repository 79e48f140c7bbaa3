"""The contract of a run whose APIs fail: it heals, or is refused with nothing changed, or can be resumed and undone."""

from __future__ import annotations

import os
from typing import Any

import pytest

from remediation.model.scenarios import Scenario
from remediation.testing.contract import Playing, standing_for
from remediation.testing.faults import FAULTS, HEALS, at, pairs, sampled, storm
from remediation.testing.sweeping import Sweep

EVERY = bool(os.environ.get("EVERY_FAULT"))


def _given_up(document: dict[str, Any]) -> bool:
    """Tell whether a run took "not now" for "no": it was undone, or can only be undone."""
    following = (document["error"] or {}).get("next") or ""
    half_way = document["status"] == "failed" and "runbook rollback" in following
    return document["status"] == "rolled_back" or (half_way and "runbook resume" not in following)


class Disturbed(Playing):
    """Each way in which an API can fail, alone, in pairs and for a while; a part of them unless EVERY_FAULT=1."""

    @classmethod
    def scenarios(cls) -> dict[str, Scenario]:
        """Return one scenario of each row, or all that are rehearsed."""
        return standing_for(super().scenarios(), every=EVERY)

    @pytest.mark.timeout(1800)
    @pytest.mark.parametrize("kind", FAULTS)
    def test_a_fault_at_any_request(self, sweep: Sweep, kind: str) -> None:
        """Afterwards the world is as the document says: all of the plan, or none of it, or all of it once resumed."""
        heals = kind in HEALS
        tried = range(sweep.requests) if EVERY else sampled(range(sweep.requests // 2), 1, sweep.name + kind)
        met = [sweep.suffer(at((each, kind)), f"{kind} at request {each}", heals=heals)["met"] for each in tried]
        # Watches tell of a different number of changes each time, so the last requests are not always reached.
        assert sum(met) >= len(met) * 0.8, f"{sweep.name}: {len(met)} runs met only {sum(met)} faults"

    @pytest.mark.timeout(1800)
    def test_two_faults(self, sweep: Sweep) -> None:
        """A fault while another is being repaired still leaves all of the plan, or none of it, or a run that can be ended."""
        met = []
        for turn, (first, second) in enumerate(pairs(sweep.requests)[: 60 if EVERY else 1]):
            where = f"{first[1]} at request {first[0]} and {second[1]} at {second[0]}"
            met.append(sweep.suffer(at(first, second), where, undo=turn % 2 == 1)["met"])
        assert sum(met) >= len(met)

    @pytest.mark.timeout(1800)
    @pytest.mark.parametrize("kind", ["429", "500"])
    def test_a_storm(self, sweep: Sweep, kind: str) -> None:
        """An API that is overloaded for some requests is no reason to undo anything."""
        storms = [(first, length) for length in (3, 12) for first in range(sweep.requests * 4 // 5)]
        for first, length in sampled(storms, len(storms) // 11 if EVERY else 1, kind + sweep.name):
            where = f"{length} times {kind} from request {first}"
            document = sweep.suffer(storm(kind, first, requests=length), where, undo=first % 2 == 1)
            assert document["met"], where
            assert sweep.makes_keys or not _given_up(document), f"{sweep.name}, {where}: {document['error']}"

    @pytest.mark.timeout(600)
    def test_a_storm_of_some_seconds(self, sweep: Sweep) -> None:
        """Eight seconds of 429 in the middle of a run are waited for."""
        for first in range(sweep.requests // 2, sweep.requests - 1, 3 if EVERY else sweep.requests):
            document = sweep.suffer(storm("429", first, seconds=8), f"8 s of 429 from request {first}")
            assert sweep.makes_keys or not _given_up(document), f"{sweep.name}: {document['error']}"
