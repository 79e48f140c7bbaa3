"""A run that is asked to end: every wait wakes at once, and what has to be cleaned up is still done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remediation.access.journal_lock import JournalLock
from remediation.access.locks import Keeper, Waiting
from remediation.access.patience import Patience
from remediation.access.sightings import Sighting
from remediation.access.stopping import Stop
from remediation.journal import opened
from remediation.model.errors import Interrupted, LockLost, Stopped, Throttled

SOON = 0.3


def in_a_moment(do: Callable[[], Any]) -> None:
    threading.Timer(SOON, do).start()


def until_stopped(do: Callable[[], Any], expected: type[Interrupted] = Stopped) -> float:
    """Return how long something takes that is to be stopped."""
    started = time.monotonic()
    with pytest.raises(expected):
        do()
    return time.monotonic() - started


def test_a_wait_wakes_at_once() -> None:
    """From any thread; whoever begins to wait later does not wait at all, and hears the reason."""
    stop = Stop()
    in_a_moment(lambda: stop.set("the service shuts down"))
    assert SOON * 0.9 < until_stopped(lambda: stop.wait(30)) < SOON + 1
    assert until_stopped(lambda: stop.wait(30)) < 0.1
    with pytest.raises(Stopped) as told:
        stop.check()
    assert told.value.detail == "the service shuts down"


def test_something_that_happens_ends_a_wait() -> None:
    """With the word that it has happened, long before the time is over."""
    stop, event = Stop(), threading.Event()
    in_a_moment(event.set)
    assert stop.wait(30, event)
    assert not stop.wait(0.1, threading.Event())


def test_the_pause_before_another_attempt_is_a_wait() -> None:
    """A server that asks for half a minute does not keep a run from ending."""
    patience = Patience()

    def busy() -> None:
        raise Throttled("slow down", retry_after=30)

    in_a_moment(patience.stop.set)
    assert until_stopped(lambda: patience.retrying(Throttled, attempts=9)(busy)) < SOON + 1


def test_a_lock_that_others_hold_is_not_waited_for_any_more(tmp_path: Path) -> None:
    """The wait for a lock of the journal ends; nothing was taken."""
    stop, journal = Stop(), opened(tmp_path / "journal.db")
    JournalLock(journal, "project/x", "somebody", Sighting()).take()
    ours = JournalLock(journal, "project/x", "me", Sighting(), stop)
    in_a_moment(stop.set)

    def wait() -> None:
        with Keeper(stop).holding([ours], Waiting(60, lambda *_: None)):
            pytest.fail("it is held by somebody else")

    assert until_stopped(wait) < SOON + 1
    present = journal.leases.look("project/x")
    assert present is not None
    assert present.holder == "somebody"


def test_a_lost_lock_ends_a_wait_within_two_seconds(tmp_path: Path) -> None:
    """Somebody takes the lease away; who waits does not find that out only at the end."""
    stop, journal = Stop(), opened(tmp_path / "journal.db")
    ours = JournalLock(journal, "project/x", "me", Sighting(), stop)
    with Keeper(stop).holding([ours], Waiting(None, lambda *_: None)):
        journal.leases.release("project/x", "me")
        JournalLock(journal, "project/x", "somebody", Sighting()).take()
        assert until_stopped(lambda: stop.wait(30), LockLost) < 2.5


def test_an_answer_is_not_waited_for_by_who_is_asked_to_end() -> None:
    """Its fate is not known then. Before a run is under way, and while it cleans up, every answer is waited for."""
    stop, answered = Stop(), threading.Event()
    in_a_moment(stop.set)
    with stop.heeded():
        assert until_stopped(lambda: stop.during(lambda: answered.wait(20))) < SOON + 1
        with stop.shielded():
            assert stop.during(lambda: "an answer") == "an answer"
            assert not stop.wait(0.01)
    answered.set()


def test_what_a_request_raises_is_raised_where_it_was_made() -> None:
    """Also when it was sent by another thread."""

    def refused() -> None:
        raise ValueError("no")

    stop = Stop()
    with stop.heeded(), pytest.raises(ValueError, match="no"):
        stop.during(refused)


def test_the_locks_of_a_run_outlive_its_token() -> None:
    """Its requests end with the token, the heartbeat and the release of its locks do not."""
    patience = Patience()
    patience.stop.set()
    with pytest.raises(Stopped):
        patience.retrying(Throttled, attempts=1)(lambda: 1)
    assert patience.undisturbed().retrying(Throttled, attempts=1)(lambda: 1) == 1


def test_the_thread_that_hears_silence_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that makes one run after the other does not gather threads; who asks again is heard again."""
    monkeypatch.setattr("remediation.access.silence._IDLE_SECONDS", 0.3)
    patience = Patience(lambda _: None)
    for _ in range(2):
        with patience.asking("the server"):
            assert "silence" in {thread.name for thread in threading.enumerate()}
        ends = time.monotonic() + 5
        while "silence" in {thread.name for thread in threading.enumerate()}:
            assert time.monotonic() < ends
            time.sleep(0.05)
