"""Several things go wrong in one run: pairs of faults, and storms in which an API says for a while that it is overloaded."""

from __future__ import annotations

import itertools
import os
import random

import pytest

from tests.engine.sweeping import CASES, FAULTS, State, Sweeps, at, sampled, storm

EVERY = bool(os.environ.get("EVERY_FAULT"))
# The second fault comes at once, where the first is being repaired, or later.
GAPS = (1, 2, 5)
# A key that only the process knows is deleted again when the process cannot go on.
MADE = {"pull-secret-key"}


def given_up(document: State) -> bool:
    """Tell whether a run took "not now" for "no": it was undone, or can only be undone."""
    half_way = document["status"] == "failed" and "runbook rollback" in document["error"]["next"]
    return document["status"] == "rolled_back" or (half_way and "runbook resume" not in document["error"]["next"])


def pairs(requests: int) -> list[tuple[tuple[int, str], tuple[int, str]]]:
    """Return pairs of faults, in an order that is always the same and spreads over kinds and requests."""
    starts, kinds = range(requests), list(itertools.product(FAULTS, FAULTS))
    found = [
        ((number, first), (number + gap, second))
        for number, (first, second), gap in itertools.product(starts, kinds, GAPS)
    ]
    random.Random(requests).shuffle(found)
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES)
def test_two_faults(sweeps: Sweeps, case: str) -> None:
    """A fault while another is being repaired still leaves all of the plan, or none of it, or a run that can be ended."""
    sweep = sweeps(case)
    met = []
    for turn, (first, second) in enumerate(pairs(sweep.requests)[: 60 if EVERY else 2]):
        where = f"{first[1]} at request {first[0]} and {second[1]} at {second[0]}"
        met.append(sweep.suffer(at(first, second), where, undo=turn % 2 == 1)["met"])
    assert sum(met) >= len(met)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["429", "500"])
def test_a_storm(sweeps: Sweeps, case: str, kind: str) -> None:
    """An API that is overloaded for some requests is no reason to undo anything."""
    sweep = sweeps(case)
    storms = [(first, length) for length in (3, 12) for first in range(sweep.requests)]
    for first, length in sampled(storms, 11 if EVERY else 97, len(kind + case)):
        where = f"{length} times {kind} from request {first}"
        document = sweep.suffer(storm(kind, first, requests=length), where, undo=first % 2 == 1)
        assert document["met"], where
        assert case in MADE or not given_up(document), f"{where}: {document['error']}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", ["ip-masq-agent", "pull-secret-file"])
def test_a_storm_of_some_seconds(sweeps: Sweeps, case: str) -> None:
    """Eight seconds of 429 in the middle of a run are waited for."""
    sweep = sweeps(case)
    for first in range(sweep.requests // 2, sweep.requests - 1, 3 if EVERY else sweep.requests):
        document = sweep.suffer(storm("429", first, seconds=8), f"8 s of 429 from request {first}")
        assert not given_up(document), document["error"]
