"""The loop that runs controllers: changes of the store become keys, keys become reconciliations."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from runbook_sandbox.kubernetes.store import Change, Store

Key = tuple[str, str, str]
_log = logging.getLogger(__name__)
_IDLE_STEPS = 10_000


class Controller(Protocol):
    """Something that brings one kind of object into the state that its spec asks for."""

    def concerned(self, change: Change) -> Iterable[Key]:
        """Return the keys (storage, namespace, name) to reconcile after a change."""
        ...

    def all(self) -> Iterable[Key]:
        """Return all keys."""
        ...

    def reconcile(self, namespace: str, name: str, storage: str) -> float | None:
        """Bring one object into its wanted state; return seconds after which to look again, or None."""
        ...


class Loop:
    """Runs controllers in one thread, each key once however often it changed."""

    def __init__(self, store: Store, controllers: Sequence[Controller]) -> None:
        self._store, self._controllers = store, controllers
        self._due: dict[tuple[int, Key], None] = {}
        self._later: list[tuple[float, int, Key]] = []
        self._wake = threading.Condition(store.lock)
        self._thread: threading.Thread | None = None
        self._stopped = False
        store.listeners.append(self._notice)

    def _notice(self, change: Change) -> None:
        for index, controller in enumerate(self._controllers):
            for key in controller.concerned(change):
                self._due[index, key] = None
        self._wake.notify_all()

    def look_at_everything(self) -> None:
        """Reconcile every object, as after a restart."""
        with self._wake:
            for index, controller in enumerate(self._controllers):
                self._due.update({(index, key): None for key in controller.all()})
            self._wake.notify_all()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="controllers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()

    def run_until_idle(self) -> None:
        """Reconcile in the caller's thread what is due now; for the start, before the thread runs."""
        for _ in range(_IDLE_STEPS):
            if not self._step():
                return

    def _run(self) -> None:
        while not self._stopped:
            with self._wake:
                if not self._next_is_due():
                    self._wake.wait(self._pause())
                    continue
            self._step()

    def _next_is_due(self) -> bool:
        return bool(self._due) or bool(self._later and self._later[0][0] <= time.monotonic())

    def _pause(self) -> float | None:
        return max(self._later[0][0] - time.monotonic(), 0.0) if self._later else None

    def _step(self) -> bool:
        """Reconcile one key, if there is one."""
        with self._wake:
            while self._later and self._later[0][0] <= time.monotonic():
                _, index, key = heapq.heappop(self._later)
                self._due[index, key] = None
            if not self._due:
                return False
            index, key = next(iter(self._due))
            del self._due[index, key]
            self._reconcile(index, key)
            self._wake.notify_all()
        # Requests wait for the lock; let them in between two reconciliations.
        time.sleep(0)
        return True

    def _reconcile(self, index: int, key: Key) -> None:
        storage, namespace, name = key
        try:
            again = self._controllers[index].reconcile(namespace, name, storage)
        except Exception:  # noqa: BLE001 - whatever it is, the other objects must not suffer
            # A controller of a real cluster logs and goes on; the other objects must not suffer.
            _log.exception("reconciling %s %s/%s", storage, namespace, name)
            return
        if again is not None:
            self._look_again(time.monotonic() + again, index, key)

    def _look_again(self, when: float, index: int, key: Key) -> None:
        """Look at a key later, unless that is to be done sooner anyway: what comes again and again would add up."""
        if not any(due <= when for due, *known in self._later if known == [index, key]):
            heapq.heappush(self._later, (when, index, key))

    def settle(self, seconds: float) -> None:
        """Wait until nothing is due; raises TimeoutError."""
        with self._wake:
            if not self._wake.wait_for(lambda: not self._due, seconds):
                raise TimeoutError(f"controllers still busy after {seconds} seconds: {list(self._due)[:5]}")
