"""A run that is repeated from the same beginning, each time with other faults, and what it may leave behind."""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remediation.testing.planted import key_file
from runbook_sandbox.google import Fault as CloudFault
from runbook_sandbox.kubernetes import Fault, Response
from runbook_sandbox.nodes.marks import LEAKED
from runbook_sandbox.places import HOST, PULLER
from tests.engine.world import SCENARIOS, World, comparable

PULL = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST)
CASES = {
    "container-service-agent": ("container-service-agent",),
    "ip-masq-agent": ("ip-masq-agent", "--masquerade", "10.1.0.0/16"),
    "ipam-cleanup": ("ipam-cleanup", "--node", "node-2"),
    "pull-secret-file": PULL,
    "pull-secret-key": (*PULL, "--google-service-account", PULLER),
}
State = dict[str, Any]
_WRITE = re.compile(r"before (send (POST|PUT|PATCH|DELETE) (?!.*(/leases|reviews))|_permitted)")


@dataclass(frozen=True)
class Ends:
    """What may be there afterwards: nothing of the plan, or all of it."""

    none: State
    every: State

    def __post_init__(self) -> None:
        """Refuse to compare with two ends that are the same: such a sweep would pass whatever a run does."""
        if self.none == self.every:
            raise AssertionError("all of the plan and none of it look the same: nothing would be compared")

    def undone(self, state: State) -> bool:
        """Tell whether nothing of the plan is there; what was cleaned from a node's disk does not come back."""
        return {**state, "leaking": None} == {**self.none, "leaking": None}


def seen(world: World) -> State:
    """Return everything that a run may change, and which nodes have no addresses left."""
    world.cluster.settle()
    nodes = [item["metadata"] for item in world.cluster.store.list("nodes")]
    leaking = [meta["name"] for meta in nodes if LEAKED in (meta.get("annotations") or {})]
    return comparable(world.state()) | {"leaking": leaking}


def answer(code: int, reason: str, **headers: str) -> Fault:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"injected {reason}",
    }
    return Fault(answer=Response(code, status | {"reason": reason, "code": code}, headers=headers))


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
# Google says for each of these that the request had no effect, or closes the connection.
CLOUD = {
    "409": CloudFault(code=409),
    "422": CloudFault(code=400),
    "429": CloudFault(code=429),
    "500": CloudFault(code=500),
    "503": CloudFault(code=503),
    "401": CloudFault(code=401),
    "reset before": CloudFault(close="before"),
    "reset after": CloudFault(close="after"),
    "slow": CloudFault(delay=0.3),
}
Choose = Callable[[int], str]


class Faults:
    """Count the requests to both APIs together, and decide by their number what goes wrong with each."""

    def __init__(self, world: World, choose: Choose = lambda number: "") -> None:
        self.world, self.choose = world, choose
        self.count, self.met = 0, 0
        self._guard = threading.Lock()

    def _next(self) -> str:
        with self._guard:
            kind = self.choose(self.count)
            self.count += 1
            self.met += bool(kind)
        return kind

    def __enter__(self) -> Faults:
        self.world.cluster.faults = lambda *_: FAULTS.get(self._next())
        self.world.cloud.faults = lambda *_: CLOUD.get(self._next())
        return self

    def __exit__(self, *_: object) -> None:
        self.world.cluster.faults = self.world.cloud.faults = None


def at(*planned: tuple[int, str]) -> Choose:
    """Each of these faults happens to one request."""
    kinds = dict(planned)
    return lambda number: kinds.get(number, "")


def storm(kind: str, first: int, *, requests: int = 0, seconds: float = 0.0) -> Choose:
    """From one request on, so many requests fail, or all of them for so many seconds."""
    begun: list[float] = []

    def choose(number: int) -> str:
        if number < first:
            return ""
        begun.append(time.monotonic())
        raging = number < first + requests if requests else begun[-1] - begun[0] < seconds
        return kind if raging else ""

    return choose


class Sweep:
    """One runbook on one broken world."""

    def __init__(self, world: World, folder: Path, case: str, *, wire: bool = False) -> None:
        self.world, self.folder, self.case = world, folder, case
        self._stores = (str(folder / f"{number}.db") for number in itertools.count())
        world.set_back()  # what the runbook before has left is no part of this one
        self.words = (*CASES[case], *(["--from-key-file", str(key_file(folder))] if case == "pull-secret-file" else []))
        SCENARIOS["pull-secret" if case.startswith("pull-secret") else case].breaks(world)
        world.cluster.settle()
        self._broken = world.dump()
        none = seen(world)
        with Faults(world) as faults:
            whole = world.runbook(str(folder / "whole.db"), "run", *self.words, "--yes", wire=wire)
        assert whole["code"] == 0, whole["text"]
        self.requests, self.points = faults.count, list(whole["points"])
        self.ends = Ends(none, seen(world))

    @property
    def unrecorded(self) -> list[int]:
        """Return the points at which a write has landed that is not recorded as done."""
        found = [
            number
            for number, name in enumerate(self.points)
            if re.match(r"before append \S+ (change|undo)\.done", name)
        ]
        assert found, f"{self.case} writes nothing"
        return found

    @property
    def on_the_wire(self) -> list[int]:
        """Return the points at which nothing but the network is between a patch and the API server."""
        found = [
            number for number, name in enumerate(self.points) if re.match(r"inside urlopen PATCH (?!.*dryRun)", name)
        ]
        assert found, f"{self.case} patches nothing"
        return found

    @property
    def writes(self) -> list[int]:
        """Return the points right before a request that changes the target, after the run was recorded."""
        begun = next(number for number, name in enumerate(self.points) if name == "after begin")
        found = [number for number, name in enumerate(self.points) if number > begun and _WRITE.match(name)]
        assert found, f"{self.case} writes nothing"
        return found

    def again(self) -> str:
        """Set the world back and return the store of the next try."""
        self.world.set_back(self._broken)
        return next(self._stores)

    def suffer(self, choose: Choose, where: str, *, heals: bool = False, undo: bool = False) -> State:
        """Run once under these faults, finish or undo what is left half-way, and return the run's own document.

        The document has one key more: ``met``, how many requests failed.
        """
        store = self.again()
        with Faults(self.world, choose) as faults:
            done = self.world.runbook(store, "run", *self.words, "--yes")
        document: State = json.loads(done["text"])
        where = f"{self.case}, {where}: exit {done['code']}, {document['status']}"
        assert not heals or done["code"] == 0, f"{where}: {document['error']}"
        if done["code"] == 0:
            assert seen(self.world) == self.ends.every, where
        elif document["status"] == "failed" and document["run_id"]:
            self.recover(store, document, where, undo=undo)
        else:
            assert self.ends.undone(seen(self.world)), where
            assert document["error"]["summary"], where
        return document | {"met": faults.met}

    def recover(self, store: str, document: State, where: str, *, undo: bool) -> None:
        """Do what the error says comes next, one way or the other: all of the plan is there, or none of it."""
        following = document["error"]["next"]
        leads_on = "runbook resume" in following or "runbook rollback" in following
        if self.ends.undone(seen(self.world)) and not leads_on:
            return
        verb = "rollback" if undo or "runbook resume" not in following else "resume"
        assert f"runbook {verb}" in following, f"{where}: {document['error']}"
        self.finish(store, verb, document["run_id"], where)

    def finish(self, store: str, verb: str, run: str, where: str, *options: str, **how: Any) -> None:
        """Resume or roll back, and look whether all of the plan is there, or none of it."""
        done = self.world.runbook(store, verb, run, "--yes", *options, **how)
        assert done["code"] == 0, f"{where}; then {verb}: {json.loads(done['text'])['error']}"
        state = seen(self.world)
        assert self.ends.undone(state) if verb == "rollback" else state == self.ends.every, f"{where}; then {verb}"


def sampled(items: Iterator[Any] | list[Any], every: int, offset: int = 0) -> list[Any]:
    """Return each so many-th item, the same ones each time."""
    return list(items)[offset % every :: every]


Sweeps = Callable[..., Sweep]
