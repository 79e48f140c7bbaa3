"""A run that is repeated from the same beginning, each time disturbed otherwise, and what it may leave behind."""

from __future__ import annotations

import json
import re
from typing import Any

from remediation.engine.run import Run
from remediation.journal import opened
from remediation.testing import states
from remediation.testing.faults import Choose, Faults
from remediation.testing.playing import Played

_WRITE = re.compile(r"before (send (POST|PUT|PATCH|DELETE) (?!.*(/leases|reviews))|_permitted)")
_RECORDED = re.compile(r"before append \S+ (change|undo)\.done")
_ON_THE_WIRE = re.compile(r"inside urlopen PATCH (?!.*dryRun)")
_OF_THE_JOURNAL = ("before append", "before begin")


class Sweep:
    """The whole run of a scenario: its requests, the points at which it can be killed, and what it ends in.

    Attributes:
        requests: how many requests both APIs got.
        points: what lasts, in its order: ``before append RUN change.done`` and the like.
    """

    def __init__(self, played: Played, *, wire: bool = False) -> None:
        self.played, self.world, self.name = played, played.emulated, played.scenario.name
        store = played.again()
        with Faults(self.world) as faults:
            whole = self.world.verb(store, "run", *played.words, "--yes", wire=wire)
        assert whole["code"] == 0, played.told(whole["document"], "a whole run")
        self.requests, self.points = faults.count, [str(name) for name in whole["points"]]
        different = played.unfinished(self.world.whole())
        assert different == [], f"{self.name}: two whole runs end in different states: {different}"
        assert self.sent >= self.requests, self._unmarked()

    @property
    def sent(self) -> int:
        """How many of the points are requests."""
        return sum(name.startswith("before ") and not name.startswith(_OF_THE_JOURNAL) for name in self.points)

    @property
    def makes_keys(self) -> bool:
        """Whether it makes a key that only its process knows, and deletes it when the process cannot go on."""
        changed = states.differences(self.played.broken, self.played.fixed)
        return any(re.match(r"cloud/accounts/.*/keys/", place) for place in changed)

    def _unmarked(self) -> str:
        return (
            f"{self.name}: the APIs got {self.requests} requests and only {self.sent} passed a method marked as "
            "`lasting`: mark the one through which the client of the provider sends them"
        )

    def _places(self, pattern: re.Pattern[str]) -> list[int]:
        begun = next(number for number, name in enumerate(self.points) if name == "after begin")
        return [number for number, name in enumerate(self.points) if number > begun and pattern.match(name)]

    @property
    def unrecorded(self) -> list[int]:
        """The points at which a write has landed that is not recorded as done."""
        return self._places(_RECORDED)

    @property
    def writes(self) -> list[int]:
        """The points right before a request that changes the target, after the run was recorded."""
        return self._places(_WRITE)

    @property
    def on_the_wire(self) -> list[int]:
        """The points at which nothing but the network is between a patch and the API server."""
        return self._places(_ON_THE_WIRE)

    def suffer(self, choose: Choose, where: str, *, heals: bool = False, undo: bool = False) -> dict[str, Any]:
        """Run once under these faults, finish or undo what is left half-way, and return the run's own document.

        The document has one key more: ``met``, how many requests failed.
        """
        store = self.played.again()
        with Faults(self.world, choose) as faults:
            done = self.world.verb(store, "run", *self.played.words, "--yes")
        document: dict[str, Any] = done["document"]
        where = f"{self.name}, {where}: exit {done['code']}, {document['status']}"
        # What the cloud answers is taken as it is: a refused login there is no login that has lapsed.
        assert not heals or faults.clouded or done["code"] == 0, f"{where}: {document['error']}"
        if done["code"] == 0:
            assert self.played.unfinished(self.world.whole()) == [], where
        elif document["status"] == "failed" and document["run_id"]:
            self._recover(store, document, where, undo=undo)
        else:
            assert self.played.undone(self.world.whole()) == [], where
            assert document["error"]["summary"], where
        return document | {"met": faults.met}

    def _recover(self, store: str, document: dict[str, Any], where: str, *, undo: bool) -> None:
        """Do what the error says comes next, one way or the other: all of the plan is there, or none of it."""
        following = document["error"]["next"]
        leads_on = "runbook resume" in following or "runbook rollback" in following
        if self.played.undone(self.world.whole()) == [] and not leads_on:
            return
        verb = "rollback" if undo or "runbook resume" not in following else "resume"
        assert f"runbook {verb}" in following, f"{where}: {document['error']}"
        self.finish(store, verb, document["run_id"], where)

    def finish(self, store: str, verb: str, run: str, where: str, *options: str, **how: Any) -> None:
        """Resume or roll back, and look whether all of the plan is there, or none of it."""
        done = self.world.verb(store, verb, run, "--yes", *options, **how)
        assert done["code"] == 0, f"{where}; then {verb}: {done['document']['error']}"
        state = self.world.whole()
        left = self.played.undone(state) if verb == "rollback" else self.played.unfinished(state)
        assert left == [], f"{where}; then {verb}: {left}"

    def end(self, store: str, where: str, verb: str, **how: Any) -> bool:
        """End what a killed run has left; tells whether there was something to end."""
        if not (runs := recorded(store)):
            left = states.differences(self.played.broken, self.world.whole())
            assert left == [], f"{where}: something was changed before the run was recorded: {left}"
            return False
        if runs[0]["status"] in ("verified", "applied"):
            return False  # it was killed after its end
        self.finish(store, verb, runs[0]["run_id"], where, **how)
        assert self.world.locks() == [], where
        return True


def recorded(store: str) -> list[dict[str, Any]]:
    """Return the runs of a store as ``runbook runs`` lists them."""
    journal = opened(store)
    try:
        created = journal.events(kind="run.created")
        return [json.loads(json.dumps(Run.load(journal, event.run_id).as_json())) for event in created]
    finally:
        journal.close()


def entries(store: str) -> list[tuple[str, Any]]:
    """Return what a journal records, entry by entry."""
    journal = opened(store)
    try:
        return [(event.kind, event.payload) for event in journal.events()]
    finally:
        journal.close()
