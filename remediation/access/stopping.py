"""Whether a run shall end: one token for each run, which every wait and every repeated request looks at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from math import inf
from threading import Event, Thread
from typing import TypeVar

from remediation.model.commands import command
from remediation.model.errors import Stopped

# Who waits for longer looks meanwhile whether there is another reason to end, such as a lost lock.
_LOOK_SECONDS = 0.5
Look = Callable[[], None]
T = TypeVar("T")


class Stop:
    """Ask a run to end, from any thread. It ends between two writes, and says how to go on.

    A signal handler must not call `set` itself: the thread that it interrupts may be about to wait here.
    """

    def __init__(self) -> None:
        self._problem: Stopped | None = None
        self._events: list[Event] = []
        self._looks: list[Look] = []
        self._shields = self._heeds = 0

    def set(self, reason: str = "") -> None:
        """End the run soon; who waits wakes at once. ``reason`` is told with its end."""
        summary = "interrupted; no change was under way"
        self._problem = self._problem or Stopped(summary, reason, command("runbook", "runs"))
        for event in list(self._events):
            event.set()

    @property
    def is_set(self) -> bool:
        """Tell whether the run is asked to end."""
        return self._problem is not None

    @property
    def is_heeded(self) -> bool:
        """Tell whether somebody looks at it who ends in good order."""
        return self._heeds > 0

    def check(self) -> None:
        """Raise Stopped when the run shall end; nothing in a body of `shielded`."""
        if self._problem is not None and not self._shields:
            raise Stopped(self._problem.summary, self._problem.detail, self._problem.next)

    def wait(self, seconds: float, event: Event | None = None) -> bool:
        """Wait for so long, or until something happens, and tell whether it has.

        Raises:
            Stopped: the run shall end; at once.
            LockLost: or whatever else keeps the run from going on, see `looking`; within half a second.
        """
        return self._waited(seconds, event or Event(), self._looks)

    def _waited(self, seconds: float, event: Event, looks: Sequence[Look]) -> bool:
        ends = time.monotonic() + seconds
        self._events.append(event)
        try:
            self._look(looks)
            while not event.is_set() and (left := ends - time.monotonic()) > 0:
                event.wait(min(left, _LOOK_SECONDS))
                self._look(looks)
        finally:
            self._events.remove(event)
        return event.is_set()

    def _look(self, looks: Sequence[Look]) -> None:
        self.check()
        for look in () if self._shields else tuple(looks):
            look()

    def during(self, request: Callable[[], T]) -> T:
        """Return the answer to a request. Who is asked to end meanwhile does not wait for it: its fate is not known then.

        Raises:
            Stopped: the run shall end; the request goes on in a thread of its own until it is answered or times out.
        """
        if self._shields or not self._heeds:
            return request()
        answered, answer = Event(), Future[T]()
        Thread(target=_answer, args=(request, answer, answered), name="request", daemon=True).start()
        while not self._waited(inf, answered, ()) or not answer.done():
            answered.clear()
        return answer.result()

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Clean up in the body, which is not stopped."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Look at it in the body, and end in good order."""
        self._heeds += 1
        try:
            yield
        finally:
            self._heeds -= 1

    @contextmanager
    def looking(self, look: Look) -> Iterator[None]:
        """Let the body be stopped by what ``look`` raises, too."""
        self._looks.append(look)
        try:
            yield
        finally:
            self._looks.remove(look)


def _answer(request: Callable[[], T], answer: Future[T], answered: Event) -> None:
    try:
        answer.set_result(request())
    except BaseException as problem:  # noqa: BLE001 - it is raised where the request was made
        answer.set_exception(problem)
    answered.set()
