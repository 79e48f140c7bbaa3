"""Locks in a cluster: one ``coordination.k8s.io`` Lease for each object that a run writes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from remediation.access.patience import Patience
from remediation.access.sightings import LEASE_SECONDS, Busy, Sighting, awake_clock
from remediation.journal.holder import is_dead
from remediation.model.changes import canonical
from remediation.model.commands import repeat
from remediation.model.diffing import State
from remediation.model.errors import Ambiguous, Conflict, Forbidden, Locked, LockLost, NotFound, Throttled
from remediation.model.refs import MANAGED_BY, Ref
from remediation.model.rights import Permission
from remediation.providers.kubernetes.client import KubernetesClient

# The one Lease of a namespace that earlier versions hold.
FORMER_NAME = "runbook"
_ADDRESS = "runbook/address"
_SELECTOR = ",".join(f"{name}={value}" for name, value in MANAGED_BY.items())
_ATTEMPTS = 4
_POLL_SECONDS = 2.0


def lease_of(scope: str) -> Ref:
    """Return the Lease of a scope ``cluster/NAMESPACE/ADDRESS``; an address may be too long for a name."""
    _, namespace, address = scope.split("/", 2)
    digest = hashlib.sha256(address.encode()).hexdigest()[:16]
    return _lease(f"runbook-{digest}", namespace)


def former_lease(namespace: str) -> Ref:
    """Return the Lease with which an earlier version locks the whole namespace."""
    return _lease(FORMER_NAME, namespace)


def _lease(name: str, namespace: str) -> Ref:
    return Ref("coordination.k8s.io/v1", "Lease", name, namespace)


def rights(scope: str) -> list[Permission]:
    """Return the rights without which the lock of a scope cannot be held."""
    ref = lease_of(scope)
    named = [Permission(verb, ref.plural, ref.group, ref.namespace, ref.name) for verb in ("get", "update", "delete")]
    return [*named, Permission("create", ref.plural, ref.group, ref.namespace)]


def wishes(scope: str) -> list[Permission]:
    """Return the rights to see and watch who else is at work, earlier versions included."""
    ref = lease_of(scope)
    former = [Permission(verb, ref.plural, ref.group, ref.namespace, FORMER_NAME) for verb in ("get", "delete")]
    return [*former, *(Permission(verb, ref.plural, ref.group, ref.namespace) for verb in ("list", "watch"))]


def leases_in(client: KubernetesClient, namespace: str) -> dict[str, State]:
    """Return the Leases of this product in a namespace by name; none for an identity that may not list them."""
    try:
        found = client.list(_lease("", namespace), labels=_SELECTOR)
    except Forbidden:
        return {}
    return {item["metadata"]["name"]: item for item in found}


class ClusterLock:
    """The Lease of one object, for one acquisition.

    Args:
        client: of the cluster; not the one whose writes wait for the lock.
        scope: ``cluster/NAMESPACE/ADDRESS``.
        holder: of this acquisition, see `journal.holder.acquisition`.
        sighting: what was seen of it so far.
        patience: with a server that asks to slow down.
    """

    def __init__(
        self,
        client: KubernetesClient,
        scope: str,
        holder: str,
        sighting: Sighting,
        patience: Patience | None = None,
    ) -> None:
        self._client, self._holder, self._sighting = client, holder, sighting
        self._patience = patience or Patience()
        self.name, self.subject, self.ref = scope, scope.split("/", 2)[2], lease_of(scope)
        self.renewed = 0.0
        self._lease: State | None = None

    def take(self) -> None:
        """Create the Lease, or take over one whose holder is gone; raises Busy, and Locked when others are faster each time."""
        for _ in range(_ATTEMPTS):
            self._patience.retrying(Throttled, Ambiguous, attempts=_ATTEMPTS)(self._attempt)
            if self._lease is not None:
                return
        raise Locked(f"the lock of {self.subject} is being fought over", "nothing was changed", repeat())

    def _attempt(self) -> None:
        self.renewed = awake_clock()
        self._lease = self._made() or self._taken_over()

    def _made(self) -> State | None:
        try:
            return self._client.create(self.ref, self._body())
        except Conflict:
            return None

    def _taken_over(self) -> State | None:
        with suppress(NotFound, Conflict):  # somebody was faster: look again
            present = self._client.read(self.ref)
            self.refuse_if_held(present)
            return self._client.replace(self.ref, present | {"spec": self._spec(present)})
        return None

    def renew(self) -> None:
        """Renew our Lease; raises LockLost when it is not ours any more, for it is never made again."""
        if self._lease is None:
            raise self._lost("it was given back")
        sent = awake_clock()
        try:
            self._lease = self._client.replace(self.ref, self._lease | {"spec": self._spec(self._lease)})
        except NotFound:
            raise self._lost("its Lease is gone") from None
        except Conflict:
            present = self._ours(self._client.read)
            self._lease = self._client.replace(self.ref, present | {"spec": self._spec(present)})
        self.renewed = sent

    def confirm(self) -> None:
        """Raise LockLost when our Lease is gone or somebody else has it; asks once, for the next renewal must not wait for it."""
        if self._lease is not None:
            self._ours(lambda ref: self._client.request("GET", ref.path))

    def _ours(self, read: Callable[[Ref], State]) -> State:
        """Return our Lease as it is now; raises LockLost when there is none or somebody else has it."""
        try:
            present = read(self.ref)
        except NotFound:
            raise self._lost("its Lease is gone") from None
        known = (self._lease or {}).get("metadata", {}).get("uid")
        if present["metadata"]["uid"] != known or present.get("spec", {}).get("holderIdentity") != self._holder:
            raise self._lost("somebody else has it")
        return present

    def _lost(self, why: str) -> LockLost:
        return LockLost(f"the lock of {self.subject} was lost: {why}")

    def release(self) -> None:
        """Delete our Lease; one that cannot be given back lapses by itself."""
        if self._lease is None:
            return
        with suppress(Conflict, NotFound, Ambiguous, Throttled, LockLost):
            try:
                self._delete(self._lease)
            except Conflict:
                self._delete(self._ours(self._client.read))
        self._lease = None

    def _delete(self, lease: State) -> None:
        self._client.delete(self.ref, lease["metadata"]["uid"], lease["metadata"]["resourceVersion"])

    def look(self) -> None:
        """Raise Busy while somebody else has the lock; an identity that may not look is not kept: it cannot hold one either."""
        with suppress(NotFound, Forbidden):
            self.refuse_if_held(self._client.read(self.ref))

    def refuse_if_held(self, lease: State) -> None:
        """Raise Busy unless the Lease is free, ours, or its holder is gone."""
        spec = lease.get("spec") or {}
        other = spec.get("holderIdentity") or ""
        if not other or other == self._holder or is_dead(other):
            return
        self._sighting.note((lease["metadata"].get("uid"), canonical(spec)))
        if not self._sighting.lapsed(_duration(spec)):
            age = self._client.now() - _seconds(spec.get("renewTime"))
            raise Busy(self.name, self.subject, other, age, renewed=self._sighting.renewed)

    def moments(self, seconds: float) -> Iterator[None]:
        """Yield when the Lease may have changed, for at most so many seconds; who may not watch looks regularly."""
        only = f"metadata.name={self.ref.name}"
        return self._client.changes(self.ref, seconds, fields=only, quiet=_POLL_SECONDS)

    def _body(self) -> State:
        metadata = {"name": self.ref.name, "namespace": self.ref.namespace, "labels": MANAGED_BY}
        metadata["annotations"] = {_ADDRESS: self.subject}
        return {"apiVersion": self.ref.api_version, "kind": "Lease", "metadata": metadata, "spec": self._spec({})}

    def _spec(self, lease: State) -> State:
        old = lease.get("spec") or {}
        now = datetime.fromtimestamp(self._client.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ours = old.get("holderIdentity") == self._holder
        return {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": int(LEASE_SECONDS),
            "renewTime": now,
            "acquireTime": old["acquireTime"] if ours else now,
            "leaseTransitions": (old.get("leaseTransitions") or 0) + (0 if ours or not old else 1),
        }


class FormerLock(ClusterLock):
    """The Lease with which an earlier version locks a namespace: respected while it is held, never taken.

    A Lease of that name without our label belongs to somebody else's program.
    """

    def __init__(self, client: KubernetesClient, namespace: str, sighting: Sighting) -> None:
        super().__init__(client, f"cluster/{namespace}/namespace {namespace}", "", sighting)
        self.name, self.ref = f"former/{namespace}", former_lease(namespace)

    def take(self) -> None:
        """Raise Busy while an earlier version is at work in the namespace, and clear away what a dead one has left."""
        self.renew()
        with suppress(NotFound, Forbidden, Conflict):
            present = self._client.read(self.ref)
            self.refuse_if_held(present)
            if _is_labelled(present):
                self._delete(present)

    def refuse_if_held(self, lease: State) -> None:
        """Raise Busy while an earlier version holds it."""
        if _is_labelled(lease):
            super().refuse_if_held(lease)

    def renew(self) -> None:
        """Nothing to renew."""
        self.renewed = awake_clock()


def _is_labelled(lease: State) -> bool:
    return MANAGED_BY.items() <= ((lease.get("metadata") or {}).get("labels") or {}).items()


def _duration(spec: State) -> float:
    """Return how long a lock lasts without a renewal; whoever made it cannot keep us out for longer than we would."""
    told = spec.get("leaseDurationSeconds") or 0
    return min(float(told), LEASE_SECONDS) if told > 0 else LEASE_SECONDS


def _seconds(stamp: Any) -> float:
    """Return a time of the API in seconds since 1970, 0 where there is none that can be read."""
    try:
        return datetime.fromisoformat(str(stamp).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
