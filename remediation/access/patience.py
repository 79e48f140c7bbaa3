"""How long requests are repeated that were throttled or not answered, and what a person hears of it.

Throttled means that nobody looked at the request. That is no answer, let alone a no: it is asked again until a time that
is told. What was not answered at all is asked again only a few times: then it is time to say so.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from math import inf
from typing import Any

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from remediation.access.silence import Say, Silence
from remediation.access.stopping import Stop
from remediation.model.errors import ApiError, Throttled

SECONDS = 120.0
# Once patience has run out, what is still to be said or given back is not worth the same time again.
_AFTERWARDS_SECONDS, _AFTERWARDS_LASTS = 5.0, 60.0
_LONGEST_PAUSE = 30.0
_TELL_AGAIN = 10.0


class Patience:
    """The patience of one verb, with everybody that it asks.

    Args:
        say: shows a sentence to the person; None for nobody.
        seconds: how long a throttled request is repeated.
        stop: ends every pause between two attempts, and every loop before its next one.
    """

    def __init__(self, say: Say | None = None, seconds: float = SECONDS, stop: Stop | None = None) -> None:
        self.stop = stop or Stop()
        self._say, self._seconds = say, seconds
        self._silence = Silence(say)
        self._told = self._gave_up = -inf
        self._limit = inf
        self._left: Callable[[], float] = lambda: inf

    def while_held(self, left: Callable[[], float]) -> None:
        """Have no patience beyond the seconds for which the locks of the verb still hold: nothing is written after that."""
        self._left = left

    def undisturbed(self) -> Patience:
        """Return the same patience for what goes on until the very end: the locks of a run that is asked to stop."""
        other = copy.copy(self)
        other.stop = Stop()
        return other

    def asking(self, who: str) -> AbstractContextManager[None]:
        """Wait for an answer in the body; a person hears when it does not come."""
        return self._silence.asking(who)

    def retrying(self, *kinds: type[ApiError], attempts: int, seconds: float = inf) -> Retrying:
        """Return the loop for one request, which repeats these errors.

        Args:
            kinds: what is repeated; what was throttled, or asks to come back later, for as long as there is patience.
            attempts: how often anything else is tried at most.
            seconds: and for how long.
        """
        effort = _Effort(self, attempts, seconds)
        return Retrying(
            retry=retry_if_exception_type(kinds),
            stop=effort.is_over,
            wait=effort.pause,
            before=lambda _: self.stop.check(),
            before_sleep=effort.tell,
            sleep=self._pause,
            reraise=True,
        )

    def _pause(self, seconds: float) -> None:
        self.stop.wait(seconds)

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Have no more patience than this for all that the body asks."""
        before = self._limit
        self._limit = min(before, time.monotonic() + seconds)
        try:
            yield
        finally:
            self._limit = before

    @property
    def is_over(self) -> bool:
        """Tell whether the time of `limited` is over."""
        return time.monotonic() >= self._limit

    def until(self, since: float) -> float:
        """Return when to give up a request that was asked to wait since then, on the monotonic clock."""
        just_now = time.monotonic() - self._gave_up < _AFTERWARDS_LASTS
        held = time.monotonic() + self._left()
        return min(self._limit, held, since + (min(_AFTERWARDS_SECONDS, self._seconds) if just_now else self._seconds))

    def give_up(self) -> None:
        """Remember that patience has run out."""
        self._gave_up = time.monotonic()

    def say(self, text: str) -> None:
        """Show a sentence to the person."""
        if self._say is not None:
            self._say(text)

    def slowed(self, problem: ApiError, until: float) -> None:
        """Tell that somebody asks to slow down, and until when we try."""
        now = time.monotonic()
        if now - self._told < _TELL_AGAIN:
            return
        self._told = now
        left = max(0.0, until - now)
        clock = time.strftime("%H:%M:%S", time.localtime(time.time() + left))
        self.say(f"{problem.summary}: trying until {clock}, for up to {left:.0f} s")


class _Effort:
    """The state of one loop: when throttling began, and how often nobody answered."""

    def __init__(self, patience: Patience, attempts: int, seconds: float) -> None:
        self._patience, self._attempts, self._seconds = patience, attempts, seconds
        self._started = time.monotonic()
        self._failures, self._since, self._until = 0, 0.0, inf

    def pause(self, state: RetryCallState) -> float:
        """Wait as long as the server asks, within bounds, else a growing random time; asked before `is_over`."""
        problem = _problem(state)
        asked = min(problem.retry_after, _LONGEST_PAUSE) or wait_random_exponential(multiplier=0.1, max=4)(state)
        if not _asks_to_wait(problem):
            return asked
        # A loop in a loop has been patient already: its time is ours.
        problem.since = self._since = self._since or problem.since or time.monotonic()
        self._until = self._patience.until(self._since)
        return max(0.0, min(asked, self._until - time.monotonic()))

    def is_over(self, state: RetryCallState) -> bool:
        """Tell whether to give up."""
        now = time.monotonic()
        if not _asks_to_wait(_problem(state)):
            self._failures += 1
            return self._failures >= self._attempts or now - self._started >= self._seconds or self._patience.is_over
        if now < self._until:
            return False
        self._patience.give_up()
        return True

    def tell(self, state: RetryCallState) -> None:
        """Say why nothing seems to happen."""
        problem = _problem(state)
        if _asks_to_wait(problem):
            self._patience.slowed(problem, self._until)


def _asks_to_wait(problem: ApiError) -> bool:
    """Tell whether an answer says to come back later: 429 does, and any other with ``Retry-After``."""
    return isinstance(problem, Throttled) or problem.retry_after > 0


def _problem(state: RetryCallState) -> Any:
    return state.outcome.exception() if state.outcome else None
