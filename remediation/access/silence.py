"""Tell a person when nobody answers: since when, and who it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]
FIRST_SECONDS, _AGAIN_SECONDS = 5.0, 10.0
_LOOK_SECONDS = 0.25
# A process may have many runs, one after the other: the thread of one that is over goes.
_IDLE_SECONDS = 3.0


class Silence:
    """Requests that wait for an answer, and a thread that speaks when one has waited for long.

    Args:
        say: shows a sentence to the person; None for nobody.
    """

    def __init__(self, say: Say | None = None) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[str, float]] = {}
        # When a request was not answered at all, the next one goes on waiting for the same answer.
        self._unanswered: dict[int, tuple[str, float]] = {}
        self._told = float("-inf")
        self._thread: threading.Thread | None = None

    @contextmanager
    def asking(self, who: str) -> Iterator[None]:
        """Wait for an answer in the body; an error that it raises means that there was none."""
        me, now = threading.get_ident(), time.monotonic()
        with self._lock:
            before = self._unanswered.pop(me, None)
            since = before[1] if before and before[0] == who else now
            self._waiting[me] = (who, since)
            self._watch()
        try:
            yield
        except Exception:
            self._unanswered[me] = (who, since)
            raise
        finally:
            with self._lock:
                self._waiting.pop(me, None)

    def _watch(self) -> None:
        if self._say is not None and self._thread is None:
            self._thread = threading.Thread(target=self._look, name="silence", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        last = time.monotonic()
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                longest = min(self._waiting.values(), key=lambda item: item[1], default=None)
                if longest is None and time.monotonic() - last > _IDLE_SECONDS:
                    self._thread = None
                    return
            if longest is not None:
                last = time.monotonic()
                self._tell(*longest)

    def _tell(self, who: str, since: float) -> None:
        now = time.monotonic()
        if self._say is None or now - since < FIRST_SECONDS or now - self._told < _AGAIN_SECONDS:
            return
        self._told = now
        clock = time.strftime("%H:%M:%S", time.localtime(time.time() - (now - since)))
        self._say(f"{who} has not answered since {clock}, for {int(now - since)} s")
