"""Moments at which something may have changed, from a watch that is read in the background."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from urllib3.exceptions import HTTPError

from remediation.errors import Throttled, Unavailable

# Changes that come together, such as the objects with which every watch begins, are one moment.
_BURST_SECONDS = 0.02
_PAUSE_SECONDS = 0.5
# What reading raises when the connection is lost, or is shut down by `_Follower.stop`.
_BROKEN = (HTTPError, OSError, ValueError, AttributeError)


def changes(connect: Callable[[float], Any], seconds: float, quiet: float) -> Iterator[None]:
    """Yield soon after each change, once for a burst of them, and regularly without any.

    Args:
        connect: opens a stream that ends after this many seconds.
        seconds: how long to go on.
        quiet: after how many seconds a missed change or a lost connection is noticed.

    Raises:
        ApiError: the stream cannot be opened and asking again would not help.
    """
    deadline = time.monotonic() + seconds
    follower = _Follower(connect, deadline, quiet)
    follower.start()
    try:
        while (left := deadline - time.monotonic()) > 0:
            follower.wait(min(left, quiet))
            yield None
    finally:
        follower.stop()


class _Follower(Thread):
    def __init__(self, connect: Callable[[float], Any], deadline: float, quiet: float) -> None:
        super().__init__(name="watch", daemon=True)
        self._connect, self._deadline, self._quiet = connect, deadline, quiet
        self._changed, self._stopped = Event(), Event()
        self._problem: Exception | None = None
        self._stream: Any = None

    def wait(self, seconds: float) -> None:
        """Wait for a change; raises what ended the watch for good."""
        if self._changed.wait(seconds):
            time.sleep(_BURST_SECONDS)
        self._changed.clear()
        if self._problem:
            raise self._problem

    def stop(self) -> None:
        """End the stream, also when nothing is being sent."""
        self._stopped.set()
        with suppress(Exception):  # there is no stream, or it has just ended by itself
            self._stream.shutdown()
        self.join(2)

    def run(self) -> None:
        """Follow the stream, and open it again when it ends."""
        while not self._stopped.is_set() and (left := self._deadline - time.monotonic()) > 0:
            try:
                self._follow(min(left, self._quiet))
            except (Unavailable, Throttled):
                self._stopped.wait(min(_PAUSE_SECONDS, left))
            except Exception as problem:  # noqa: BLE001 - told to the thread that waits
                self._give_up(problem)
                return

    def _give_up(self, problem: Exception) -> None:
        self._problem = problem
        self._changed.set()

    def _follow(self, seconds: float) -> None:
        self._stream = self._connect(seconds)
        try:
            for _ in self._stream.stream(None):
                if self._stopped.is_set():
                    return
                self._changed.set()
        except _BROKEN as problem:
            raise Unavailable("the watch was cut off") from problem
        finally:
            self._stream.close()
