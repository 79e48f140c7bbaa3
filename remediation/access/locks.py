"""Locks of a run: taken together, kept alive by a heartbeat, asked before every write, and once lost never taken again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from math import inf
from typing import Protocol

from remediation.access.sightings import LEASE_SECONDS, Busy, awake_clock
from remediation.access.stopping import Stop
from remediation.model.errors import LockLost, RunbookError

_BEAT_SECONDS, _AGAIN_SECONDS = 8.0, 2.0
# Between two renewals a run looks whether its locks are still its own, so often for each few of them.
_LOOK_SECONDS, _FEW = 1.5, 4
# After so long without a renewal we do not write any more; others wait for LEASE_SECONDS, and a request takes a moment.
LOST_SECONDS = LEASE_SECONDS - 5
# Who gives up before that can say what it was waiting for.
_MARGIN_SECONDS = 1.0
_AT_ONCE = 8
Tell = Callable[[str, float, float], None]


class Lock(Protocol):
    """A lease that can be taken, renewed and given back, for one acquisition."""

    name: str
    renewed: float  # `awake_clock` when the last request that took or renewed it was sent

    def take(self) -> None:
        """Take it; raises Busy while another holder has it."""

    def renew(self) -> None:
        """Renew it; raises LockLost when it is not ours any more."""

    def confirm(self) -> None:
        """Raise LockLost when it is not ours any more; writes nothing."""

    def release(self) -> None:
        """Give it back if it is ours."""

    def look(self) -> None:
        """Raise Busy while another holder has it; writes nothing."""

    def moments(self, seconds: float) -> Iterator[None]:
        """Yield whenever it may have become free, for at most so many seconds."""


class Waiting:
    """Wait for locks that others hold.

    Args:
        seconds: for how long; None waits only to find out whether a holder that seems to be gone is.
        tell: told who is waited for, how long already, and for how long at most.
    """

    def __init__(self, seconds: float | None, tell: Tell) -> None:
        self._seconds, self._tell = seconds, tell
        self._began: float | None = None

    def wait(self, lock: Lock, busy: Busy) -> None:
        """Return when a lock may be free; raises Busy when the time is over."""
        self._began = awake_clock() if self._began is None else self._began
        self.refuse_if_over(busy)
        for _ in lock.moments(self._limit(busy) - self._waited() + 1):
            self._tell(busy.summary, self._waited(), self._limit(busy))
            try:
                return lock.look()
            except Busy as still:
                busy = still
            self.refuse_if_over(busy)
        return None

    def _waited(self) -> float:
        return awake_clock() - self._began if self._began is not None else 0.0

    def _limit(self, busy: Busy) -> float:
        if self._seconds is not None:
            return self._seconds
        return LEASE_SECONDS + _AGAIN_SECONDS if busy.in_doubt else 0.0

    def refuse_if_over(self, busy: Busy) -> None:
        """Raise Busy when there is nothing to wait for, or no time left."""
        if self._waited() < self._limit(busy):
            return
        if self._seconds:
            busy.detail = f"waited {self._seconds:.0f} s for it; nothing was changed"
        raise busy


class Keeper:
    """Hold the locks of a run, and say when they are lost. What is lost stays lost.

    Args:
        stop: of the run; whoever waits with it hears of a lost lock.
    """

    def __init__(self, stop: Stop | None = None) -> None:
        self._token = stop or Stop()
        self._locks: list[Lock] = []
        self._lost: LockLost | None = None
        self._stop = threading.Event()

    @contextmanager
    def holding(self, locks: list[Lock], waiting: Waiting) -> Iterator[None]:
        """Take every lock or none, renew them while the body runs, give them back."""
        _take_all(locks, waiting)
        self._locks, self._lost, self._stop = list(locks), None, threading.Event()
        beat = threading.Thread(target=self._beat, args=(self._stop,), daemon=True)
        beat.start()
        try:
            with self._token.looking(self.check):
                yield
        finally:
            self._stop.set()
            beat.join(timeout=5)
            held, self._locks = self._locks, []
            _release(held)

    def add(self, locks: list[Lock], waiting: Waiting) -> None:
        """Hold more locks until the body ends; those that are held already stay."""
        known = {lock.name for lock in self._locks}
        more = [lock for lock in locks if lock.name not in known]
        _take_all(more, waiting)
        self._locks = [*self._locks, *more]

    def _beat(self, stop: threading.Event) -> None:
        due, certain = awake_clock() + _BEAT_SECONDS, True
        while not stop.wait(self._pause(due, certain=certain)):
            renewing = not certain or awake_clock() >= due
            try:
                self.check()
                _each(self._locks, (lambda lock: lock.renew()) if renewing else (lambda lock: lock.confirm()))
                due, certain = (awake_clock() + _BEAT_SECONDS if renewing else due), True
            except LockLost as problem:
                self._lost = self._lost or problem
                return
            except Exception:  # noqa: BLE001 - whatever it is, `check` stops the run before the lock lapses
                # Where nobody says whether they are ours, they are renewed at once: two attempts fit in the time that is left.
                due, certain = awake_clock() + (_AGAIN_SECONDS if renewing else 0), False

    def _pause(self, due: float, *, certain: bool) -> float:
        """Return how long until the next renewal, or until the next look, which many locks have more rarely."""
        look = _LOOK_SECONDS * max(1, len(self._locks) / _FEW)
        return min(max(due - awake_clock(), 0), look if certain else inf)

    def left(self) -> float:
        """Return for how many seconds a request may still be repeated before the locks are lost; no end without locks."""
        return LOST_SECONDS - _MARGIN_SECONDS - self._silent() if self._locks else inf

    def _silent(self) -> float:
        now = awake_clock()
        return now - min((lock.renewed for lock in self._locks), default=now)

    def check(self) -> None:
        """Raise LockLost when a lock was lost, or was not renewed in time: another run may be writing."""
        if self._lost is None and self._locks:
            silent = self._silent()
            if silent > LOST_SECONDS:
                self._lost = LockLost(f"the lock of the target was lost: it was not renewed for {silent:.0f} s")
        if self._lost is not None:
            raise LockLost(self._lost.summary, "another run may be at work, so this process stops writing")

    def require(self) -> None:
        """Raise LockLost unless every lock is held; asked right before each request that writes."""
        self.check()
        if not self._locks:
            raise LockLost("no lock of the target is held", "a run writes only while it holds its locks")


def at_work(locks: Sequence[Lock], look: Callable[[Lock], None] = lambda lock: lock.look()) -> tuple[Lock, Busy] | None:
    """Return a lock whose holder is alive, and who that is; who seems to be gone keeps nobody from looking."""
    for lock in locks:
        try:
            look(lock)
        except Busy as busy:
            if not busy.in_doubt:
                return lock, busy
    return None


def _take_all(locks: list[Lock], waiting: Waiting) -> None:
    while True:
        try:
            return _once(locks)
        except Busy as busy:
            waiting.refuse_if_over(busy)
            _each(locks, _glance)  # what one dead run has left behind lapses at one time
            waiting.wait(next(lock for lock in locks if lock.name == busy.name), busy)


def _glance(lock: Lock) -> None:
    with suppress(RunbookError):
        lock.look()


def _once(locks: list[Lock]) -> None:
    """Take every lock or none, one by one in the order that all runs have: of those that want the same, one gets all."""
    try:
        for lock in locks:
            lock.take()
    except BaseException:
        _release(locks)
        raise


def _release(locks: list[Lock]) -> None:
    def release(lock: Lock) -> None:
        with suppress(RunbookError):  # it lapses by itself
            lock.release()

    _each(locks, release)


def _each(locks: list[Lock], do: Callable[[Lock], None]) -> None:
    """Do something to several locks at once; raises the first problem after all are done."""
    if len(locks) < 2:
        for lock in locks:
            do(lock)
        return
    with ThreadPoolExecutor(min(_AT_ONCE, len(locks))) as pool:
        list(pool.map(do, locks))
