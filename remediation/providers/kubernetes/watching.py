"""Moments at which something may have changed, from a watch that is read in the background."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from urllib3.exceptions import HTTPError

from remediation.access.patience import Patience
from remediation.model.diffing import State
from remediation.model.errors import Expired, Forbidden, RunbookError, Unavailable
from remediation.model.limits import OBJECT

# Changes that come together, such as the objects with which a first watch begins, are one moment.
_BURST_SECONDS = 0.02
# While nobody watches, the question is asked this often; opening the watch is tried again after growing pauses.
_POLL_SECONDS = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
# What reading raises when the connection is lost, brings garbage, or is shut down by `_Follower.stop`.
_BROKEN = (HTTPError, OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError)
_LONGEST_EVENT = 8 * OBJECT
# Opens a stream of what happened after a version, or of all that is there for an empty one, for at most some seconds.
Connect = Callable[[str, float], Any]


def changes(
    connect: Connect, seconds: float, quiet: float, version: str = "", patience: Patience | None = None
) -> Iterator[None]:
    """Yield soon after each change, once for a burst of them, and regularly without any.

    Nothing that happens to the watch is raised: it only tells when to ask, and asking can be done without. Only who is asked
    to stop hears of it.

    Args:
        connect: opens a stream.
        seconds: how long to go on.
        quiet: after how many seconds without a change to yield anyway, so that a lost connection does no harm.
        version: of a list that was made before; the watch goes on from there.
        patience: told once when the watch fails; its token ends the waiting.
    """
    deadline = time.monotonic() + seconds
    follower = _Follower(connect, deadline, version, patience or Patience())
    follower.start()
    try:
        while (left := deadline - time.monotonic()) > 0:
            follower.wait(min(left, quiet))
            yield None
    finally:
        follower.stop()


class _Follower(Thread):
    def __init__(self, connect: Connect, deadline: float, version: str, patience: Patience) -> None:
        super().__init__(name="watch", daemon=True)
        self._connect, self._deadline, self._version, self._patience = connect, deadline, version, patience
        self._changed, self._stopped = Event(), Event()
        self._failing = False
        self._stream: Any = None

    def wait(self, seconds: float) -> None:
        """Wait for a change; not for long while nobody watches."""
        if self._patience.stop.wait(min(seconds, _POLL_SECONDS) if self._failing else seconds, self._changed):
            time.sleep(_BURST_SECONDS)
        self._changed.clear()

    def stop(self) -> None:
        """End the stream, also when nothing is being sent."""
        self._stopped.set()
        with suppress(Exception):  # there is no stream, or it has just ended by itself
            self._stream.shutdown()
        self.join(2)

    def run(self) -> None:
        """Follow the stream, and open it again when it ends; who may not watch does not try again."""
        failures = 0
        while not self._stopped.is_set() and (left := self._deadline - time.monotonic()) > 0:
            started = time.monotonic()
            try:
                self._follow(left)
                failures = 0
            except Expired:
                self._version, failures = "", failures + 1
            except Forbidden as problem:
                self._fail(problem)
                return
            except RunbookError as problem:
                self._fail(problem)
                failures += 1
            # A stream that ends as soon as it begins must not be opened all the time either.
            pause = min(_FIRST_PAUSE * 2 ** min(failures, 10), _LONGEST_PAUSE, left)
            if failures or time.monotonic() - started < pause:
                self._stopped.wait(pause)

    def _fail(self, problem: RunbookError) -> None:
        if not self._failing and not self._stopped.is_set():
            self._patience.say(
                f"changes cannot be watched ({problem.summary}); asking every {_POLL_SECONDS:.0f} s instead"
            )
        self._failing = True
        self._changed.set()

    def _follow(self, seconds: float) -> None:
        self._stream = self._connect(self._version, seconds)
        try:
            self._failing = False
            self._changed.set()  # something may have changed while nobody watched
            for line in _lines(self._stream):
                if self._stopped.is_set():
                    return
                self._take(json.loads(line))
        except _BROKEN:
            return  # it is opened again from where it was
        finally:
            self._stream.close()

    def _take(self, event: Any) -> None:
        """Remember the version of an event; a bookmark has nothing else to say."""
        kind, thing = event["type"], event["object"]
        if kind == "ERROR":
            raise _error(thing)
        self._version = _later(self._version, str(thing["metadata"]["resourceVersion"]))
        if kind != "BOOKMARK":
            self._changed.set()


def _lines(stream: Any) -> Iterator[bytes]:
    begun: list[bytes] = []
    for chunk in stream.stream(None):
        first, *more = chunk.split(b"\n")
        begun.append(first)
        if more:
            *whole, rest = more
            yield from filter(None, (b"".join(begun), *whole))
            begun = [rest]
        elif sum(map(len, begun)) > _LONGEST_EVENT:
            raise Unavailable("the server sends an event without an end")


def _error(status: State) -> RunbookError:
    if status.get("code") == 410:
        return Expired(str(status.get("message", "")), "410", code=410)
    return Unavailable(str(status.get("message") or "the watch ended with an error"))


def _later(one: str, other: str) -> str:
    """Return the later of two versions: the objects with which a watch begins come in no order."""
    return other if not (one.isdigit() and other.isdigit()) or int(other) > int(one) else one
