"""A run that is asked to end while an operation of the API goes on: it ends at once, and a later process finds the operation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remediation.access.stopping import Stop
from remediation.engine.apply import apply_run
from remediation.engine.outcome import Outcome
from remediation.engine.resuming import resume_run
from remediation.engine.rollback import rollback_run
from remediation.engine.run import Run
from remediation.model.status import Status
from remediation.providers.kubernetes import configurations
from remediation.verbs.api import RunApi
from tests.engine.inside import Inside, Silent, emulated
from tests.engine.provider import Provider, Thing


class Stopping(Silent):
    """Asks for the end when an operation goes on."""

    def __init__(self, stop: Stop, when: Callable[[Any], bool]) -> None:
        self._stop, self._when = stop, when

    def underway(self, change: Any, operation: Any, seconds: float) -> None:
        if self._when(change):
            threading.Thread(target=self._stop.set, args=("the service shuts down",)).start()


class Place:
    """A made-up provider whose operations can be held up, and clients for one process after the other."""

    def __init__(self, inside: Inside, provider: Provider) -> None:
        self.inside, self.provider = inside, provider

    def api(self) -> RunApi:
        configuration = configurations.load(str(self.inside.kubeconfig), None)[0]
        return RunApi(self.inside.target, self.inside.journal, {"kubernetes": configuration})

    def stopped(self, run: Run, verb: Callable[..., Outcome], when: Callable[[Any], bool]) -> Outcome:
        """Begin a verb and ask for its end; fail when that takes long."""
        api, started = self.api(), time.monotonic()
        outcome = verb(run, api, Stopping(api.stop, when))
        assert time.monotonic() - started < 15
        return outcome


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    for inside, _ in emulated(tmp_path):
        provider = Provider(inside.client)
        yield Place(inside, provider)
        provider.close()


def applied(run: Run, api: RunApi, observer: Any) -> Outcome:
    return apply_run(run, api, observer, lambda _: True)


def resumed(run: Run, api: RunApi, observer: Any) -> Outcome:
    return resume_run(run, api, observer, lambda _: True)


def test_the_operation_goes_on_and_is_found_again(place: Place) -> None:
    """Stopped twice, by two processes; the third waits for the one operation that was submitted."""
    place.provider.held.set()
    run = place.inside.begin(Thing("pool", "large"))
    for verb in (applied, resumed):
        outcome = place.stopped(place.inside.load(run) if verb is resumed else run, verb, lambda _: True)
        assert (outcome.status, outcome.exit_code) == (Status.FAILED, 1)
        assert outcome.error is not None
        assert outcome.error.summary == f"run {run.id} was interrupted"
        assert outcome.error.detail.startswith("the service shuts down; changed by this run")
    place.provider.held.clear()
    assert resumed(place.inside.load(run), place.api(), Silent()).exit_code == 0
    assert (place.provider.things(), len(place.provider.operations())) == ({"pool": "large"}, 1)


def test_an_undo_after_a_failure_can_be_stopped(place: Place) -> None:
    """The second change fails and the first is being put back; who asks for the end does not wait for that, and can go on."""
    place.provider.set("pool", "small")
    place.provider.errors = [("", "large"), ("no room", None)]
    run = place.inside.begin(Thing("pool", "large"), Thing("disk", "fast"))

    def back(change: Any) -> bool:
        undoing = change.address == "thing/pool" and change.after == {"value": "small"}
        if undoing:
            place.provider.held.set()
        return bool(undoing)

    outcome = place.stopped(run, applied, back)
    assert outcome.error is not None
    assert outcome.error.summary == f"run {run.id} was interrupted"
    place.provider.held.clear()
    done = rollback_run(place.inside.load(run), place.api(), Silent())
    assert (done.status, place.provider.things()) == (Status.ROLLED_BACK, {"pool": "small"})
