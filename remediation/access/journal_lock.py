"""Locks in the journal, for targets without an API of their own to lock."""

from __future__ import annotations

from collections.abc import Iterator

from remediation.access.sightings import LEASE_SECONDS, Busy, Sighting, awake_clock
from remediation.access.stopping import Stop
from remediation.journal import Journal, Lease
from remediation.journal.holder import is_dead
from remediation.model.errors import LockLost

_POLL_SECONDS = 0.5


class JournalLock:
    """A lease in the store, for one acquisition.

    Args:
        journal: the store.
        scope: ``project/NAME`` or ``serviceaccount/EMAIL``.
        holder: of this acquisition, see `journal.holder.acquisition`.
        sighting: what was seen of it so far.
        stop: ends the wait for it.
    """

    def __init__(self, journal: Journal, scope: str, holder: str, sighting: Sighting, stop: Stop | None = None) -> None:
        self._stop = stop or Stop()
        self._leases, self._holder, self._sighting = journal.leases, holder, sighting
        self.name = self.subject = scope
        self.renewed = 0.0

    def take(self) -> None:
        """Take the lease, also from a holder that is gone; raises Busy."""
        sent = awake_clock()
        present = self._leases.take(self.name, self._holder, LEASE_SECONDS)
        while present is not None:
            self._refuse_if_held(present)
            present = self._leases.take(self.name, self._holder, LEASE_SECONDS, over=present)
        self.renewed = sent

    def renew(self) -> None:
        """Renew our lease; raises LockLost when it is not ours any more."""
        sent = awake_clock()
        if not self._leases.renew(self.name, self._holder, LEASE_SECONDS):
            raise self._lost()
        self.renewed = sent

    def confirm(self) -> None:
        """Raise LockLost when the lease is not ours any more; writes nothing."""
        present = self._leases.look(self.name)
        if present is None or present.holder != self._holder:
            raise self._lost()

    def _lost(self) -> LockLost:
        return LockLost(f"the lock of {self.subject} was lost: its lease is gone, or somebody else has it")

    def release(self) -> None:
        """Give the lease back."""
        self._leases.release(self.name, self._holder)

    def look(self) -> None:
        """Raise Busy while somebody else has the lock."""
        present = self._leases.look(self.name)
        if present is not None and present.holder != self._holder:
            self._refuse_if_held(present)

    def _refuse_if_held(self, present: Lease) -> None:
        if is_dead(present.holder):
            return
        self._sighting.note(present.token)
        if not self._sighting.lapsed(LEASE_SECONDS):
            age = LEASE_SECONDS - present.left
            raise Busy(self.name, self.subject, present.holder, age, renewed=self._sighting.renewed)

    def moments(self, seconds: float) -> Iterator[None]:
        """Yield regularly, for at most so many seconds."""
        deadline = awake_clock() + seconds
        while (left := deadline - awake_clock()) > 0:
            self._stop.wait(min(_POLL_SECONDS, left))
            yield None
