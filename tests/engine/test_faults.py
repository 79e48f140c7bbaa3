"""Each way in which an API can fail, at each request of a run: it heals, or it is refused with nothing changed, or it is resumed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from remediation.sandbox.kubernetes import Fault, Response
from remediation.sandbox.scenarios import SCENARIOS
from remediation.sandbox.scenarios.google import HOST
from tests.engine.world import World, comparable
from tests.running import key_file

# The second number: each kind of fault is tried at every so many-th request, each kind at others, so that every request
# meets several. EVERY_FAULT=1 tries every kind at every request.
RUNS = {
    "ip-masq-agent": (("ip-masq-agent", "--masquerade", "10.1.0.0/16"), 3),
    "ipam-cleanup": (("ipam-cleanup", "--node", "node-2"), 4),
    "pull-secret": (("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST), 4),
}


def answer(code: int, reason: str, **headers: str) -> Fault:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"injected {reason}",
        "reason": reason,
        "code": code,
    }
    return Fault(answer=Response(code, status, headers=headers))


FAULTS = {
    "409": answer(409, "Conflict"),
    "422": answer(422, "Invalid"),
    "429": answer(429, "TooManyRequests", **{"Retry-After": "1"}),
    "500": answer(500, "InternalError"),
    "503": answer(503, "ServiceUnavailable"),
    "401": answer(401, "Unauthorized"),
    "reset before": Fault(close="before"),
    "reset after": Fault(close="after"),
    "slow": Fault(delay=0.3),
}
HEALS = {"401", "429", "500", "503", "reset before", "reset after", "slow"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_at_any_request(world: World, tmp_path: Path, name: str, kind: str) -> None:
    """Afterwards the cluster is as the document says: all of the plan, or none of it, or all of it once resumed."""
    words, stride = RUNS[name]
    stride = 1 if os.environ.get("EVERY_FAULT") else stride
    words = (*words, *(["--from-key-file", str(key_file(tmp_path))] if name == "pull-secret" else []))
    SCENARIOS[name].put(world.client, world, False)
    world.cluster.settle()
    before = world.cluster.dump()
    none = comparable(world.state())
    calls = [0]
    world.cluster.faults = lambda *_: calls.__setitem__(0, calls[0] + 1)  # type: ignore[func-returns-value] # counts, and returns None
    assert world.runbook(str(tmp_path / "whole.db"), "run", *words, "--yes")["code"] == 0
    every = comparable(world.state())
    for index in range(list(FAULTS).index(kind) % stride, calls[0], stride):
        world.cluster.faults = None
        world.cluster.load(json.loads(json.dumps(before)))
        world.cluster.controllers.kubelet.reconsider()
        _one(world, str(tmp_path / f"{index}.db"), words, FAULTS[kind], index, none, every, heals=kind in HEALS)
    world.cluster.faults = None


def _one(
    world: World, store: str, words: tuple[str, ...], fault: Fault, at: int, none: Any, every: Any, *, heals: bool
) -> None:
    seen = [0]

    def once(*_: Any) -> Fault | None:
        seen[0] += 1
        return fault if seen[0] == at + 1 else None

    world.cluster.faults = once
    done = world.runbook(store, "run", *words, "--yes")
    world.cluster.faults = None
    where = f"request {at}: exit {done['code']}"
    document = json.loads(done["text"])
    world.cluster.settle()
    assert not heals or done["code"] == 0, f"{where}: {document['error']}"
    if document["status"] == "failed" and document["run_id"] and comparable(world.state()) != none:
        assert "runbook resume" in document["error"]["next"], where
        assert world.runbook(store, "resume", document["run_id"], "--yes")["code"] == 0, where
        world.cluster.settle()
        assert comparable(world.state()) == every, where
    elif done["code"] == 0:
        assert comparable(world.state()) == every, where
    else:
        assert comparable(world.state()) == none, f"{where}: {document['status']}"
        assert document["error"]["summary"], where
