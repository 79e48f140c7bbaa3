"""One run per target at a time: a Lease in the cluster, or a lease in the journal for cloud targets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Protocol

from remediation.clients.kubernetes import KubernetesClient
from remediation.diffing import State
from remediation.errors import Ambiguous, Conflict, Forbidden, Interrupted, Locked, NotFound, RunbookError, Throttled
from remediation.journal import Journal
from remediation.journal.holder import is_dead
from remediation.refs import Ref

LEASE_NAME = "runbook"
LEASE_SECONDS = 30
_BEAT_SECONDS = 8.0


class Lock(Protocol):
    """A lease that can be taken, renewed and given back."""

    def take(self) -> None:
        """Take or renew; raises Locked while another holder's lease is valid."""

    def release(self) -> None:
        """Give it back if it is ours."""

    def look(self) -> None:
        """Raise Locked while another holder's lease is valid; writes nothing."""


class ClusterLock:
    """A ``coordination.k8s.io`` Lease in the namespace that the run writes to."""

    def __init__(self, client: KubernetesClient, namespace: str, holder: str) -> None:
        self._client, self._holder = client, holder
        self._ref = Ref("coordination.k8s.io/v1", "Lease", LEASE_NAME, namespace)
        self._lease: State | None = None

    def take(self) -> None:
        """Create the Lease, renew ours, or take over one that has lapsed or whose process is gone."""
        for attempt in range(4):
            try:
                self._lease = self._once()
            except (Conflict, NotFound):
                self._lease = None  # somebody was faster: look again
            except (Throttled, Ambiguous) as problem:
                if attempt == 3:
                    raise
                time.sleep(min(problem.retry_after or 0.2, 5.0))
                self._lease = None  # it may be taken by now: look whether it is ours
            else:
                return
        raise Locked(
            f"the lock {self._ref.address} is being fought over", "nothing was changed", "try again in a minute"
        )

    def _once(self) -> State:
        if self._lease is not None:
            return self._client.replace(self._ref, self._lease | {"spec": self._spec(self._lease)})
        try:
            return self._client.create(self._ref, self._body())
        except (Conflict, Ambiguous):
            present = self._client.read(self._ref)
            self._refuse_if_held(present)
            return self._client.replace(self._ref, present | {"spec": self._spec(present)})

    def _refuse_if_held(self, lease: State) -> None:
        spec = lease.get("spec", {})
        other, until = (
            spec.get("holderIdentity") or "",
            _seconds(spec.get("renewTime")) + (spec.get("leaseDurationSeconds") or 0),
        )
        if other and other != self._holder and until > self._client.now() and not is_dead(other):
            raise Locked(
                f"{self._ref.address} is held by {other} since {spec.get('acquireTime')}",
                f"it lapses within {int(until - self._client.now()) + 1} s when that run is dead; nothing was changed",
                "wait for that run, or see: runbook runs",
            )

    def _body(self) -> State:
        return {
            "apiVersion": self._ref.api_version,
            "kind": "Lease",
            "spec": self._spec(None),
            "metadata": {
                "name": LEASE_NAME,
                "namespace": self._ref.namespace,
                "labels": {"app.kubernetes.io/managed-by": "runbook"},
            },
        }

    def _spec(self, lease: State | None) -> State:
        old = (lease or {}).get("spec", {})
        now = datetime.fromtimestamp(self._client.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ours = old.get("holderIdentity") == self._holder
        return {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": now,
            "acquireTime": old["acquireTime"] if ours else now,
        }

    def look(self) -> None:
        """Read the Lease; an identity that may not is not stopped, for it cannot hold one either."""
        with suppress(NotFound, Forbidden):
            self._refuse_if_held(self._client.read(self._ref))

    def release(self) -> None:
        """Delete the Lease if it is still the one we wrote; a lock that cannot be given back lapses by itself."""
        if self._lease is None:
            return
        try:
            meta = self._lease["metadata"]
            self._client.delete(self._ref, meta["uid"], meta["resourceVersion"])
        except (Conflict, NotFound, Ambiguous, Throttled):
            pass
        self._lease = None


class JournalLock:
    """A lease in the journal, for targets without an API of their own to lock."""

    def __init__(self, journal: Journal, scope: str, holder: str) -> None:
        self._journal, self._scope, self._holder = journal, scope, holder

    def take(self) -> None:
        """Take or renew the lease."""
        self._journal.lease(self._scope, self._holder, LEASE_SECONDS, may_take=is_dead)

    def look(self) -> None:
        """Read the lease."""
        self._journal.refuse_if_leased(self._scope, self._holder, may_take=is_dead)

    def release(self) -> None:
        """Give the lease back."""
        self._journal.release(self._scope, self._holder)


class Keeper:
    """Hold locks with a heartbeat, and say when they are lost."""

    def __init__(self) -> None:
        self._lost: RunbookError | None = None
        self._renewed = 0.0
        self._held = False

    @contextmanager
    def holding(self, locks: list[Lock]) -> Iterator[None]:
        """Take every lock, renew them while the body runs, give them back."""
        stop = threading.Event()
        with ExitStack() as stack:
            for lock in locks:
                stack.callback(lock.release)
                lock.take()
            self._renewed, self._held, self._lost = time.monotonic(), True, None
            beat = threading.Thread(target=self._beat, args=(locks, stop), daemon=True)
            beat.start()
            stack.callback(self._end, stop, beat)
            yield

    def _beat(self, locks: list[Lock], stop: threading.Event) -> None:
        while not stop.wait(_BEAT_SECONDS):
            try:
                for lock in locks:
                    lock.take()
                self._renewed = time.monotonic()
            except Locked as problem:
                self._lost = problem
                return
            except RunbookError:
                continue  # the next beat may succeed; `check` stops the run before the lease lapses

    def _end(self, stop: threading.Event, beat: threading.Thread) -> None:
        stop.set()
        beat.join(timeout=5)
        self._held = False

    def check(self) -> None:
        """Raise Interrupted when a lock was lost or could not be renewed in time: another run may be writing."""
        if self._held and (self._lost or time.monotonic() - self._renewed > LEASE_SECONDS - 5):
            raise Interrupted(
                "the lock of the target was lost",
                self._lost.summary if self._lost else "it could not be renewed in time",
                "runbook runs",
            )


def _seconds(stamp: Any) -> float:
    return datetime.fromisoformat(str(stamp).replace("Z", "+00:00")).timestamp() if stamp else 0.0
