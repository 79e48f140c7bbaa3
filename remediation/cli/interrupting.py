"""Ctrl-C, a polite kill and a lost terminal: a run that is under way is asked to end, everything else ends at once.

Signals belong to the process, and a process of the command line has one run; so this is kept for the process.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from queue import SimpleQueue

    from remediation.verbs import Stop

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Signals:
    """What signals end. The second one ends at once what the first one has asked to end."""

    def __init__(self) -> None:
        self._stop: Stop | None = None
        self._came: SimpleQueue[int]
        self._told = self._asking = False

    def token(self) -> Stop:
        """Return what a signal sets: from a thread, for the one that a signal interrupts may hold what `Stop.set` needs."""
        from queue import SimpleQueue  # noqa: PLC0415 - help and lists run nothing
        from threading import Thread  # noqa: PLC0415

        from remediation.verbs import Stop  # noqa: PLC0415

        stop = Stop()
        self._stop, self._told, self._came = stop, False, SimpleQueue()
        Thread(target=_hand_on, args=(self._came, stop), name="signals", daemon=True).start()
        return stop

    def came(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; raises KeyboardInterrupt where nobody looks at the token, or has for too long."""
        del frame
        if number != signal.SIGINT:
            # A lost terminal is told twice, by the shell and by the kernel; the second must not stop what the first began.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if self._stop is None or not self._stop.is_heeded or self._told or self._asking:
            raise KeyboardInterrupt
        self._told = True
        self._came.put(number)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Let a signal end a question at once: whoever types looks at no token."""
        before, self._asking = self._asking, True
        try:
            yield
        finally:
            self._asking = before


def _hand_on(came: SimpleQueue[int], stop: Stop) -> None:
    came.get()
    stop.set()


_signals = _Signals()
token, asking = _signals.token, _signals.asking


def install() -> None:
    """Take the signals of this process; those that are ignored already, under nohup say, stay ignored."""
    for number in _NUMBERS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _signals.came)
