"""Each way in which an API can fail, at each request of a run: it heals, or it is refused with nothing changed, or it is resumed."""

from __future__ import annotations

import os

import pytest

from tests.engine.sweeping import FAULTS, HEALS, Sweeps, at

# The number: each kind of fault is tried at every so many-th request, each kind at others, so that most requests
# meet one. EVERY_FAULT=1 tries every kind at every request.
RUNS = {"ip-masq-agent": 5, "ipam-cleanup": 9, "pull-secret-file": 9}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_at_any_request(sweeps: Sweeps, name: str, kind: str) -> None:
    """Afterwards the cluster is as the document says: all of the plan, or none of it, or all of it once resumed."""
    sweep = sweeps(name)
    stride = 1 if os.environ.get("EVERY_FAULT") else RUNS[name]
    tried = range(list(FAULTS).index(kind) % stride, sweep.requests, stride)
    met = [
        sweep.suffer(at((number, kind)), f"{kind} at request {number}", heals=kind in HEALS)["met"] for number in tried
    ]
    # Watches tell of a different number of changes each time, so the last requests are not always reached.
    assert sum(met) >= len(met) * 0.8
