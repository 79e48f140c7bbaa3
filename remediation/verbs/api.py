"""The clients of a run, each made when it is first used."""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

from remediation.access.journal_lock import JournalLock
from remediation.access.locks import Keeper, Lock, Tell, Waiting
from remediation.access.material import Material
from remediation.access.patience import Patience
from remediation.access.sightings import Busy, Sighting
from remediation.journal import Journal
from remediation.journal.holder import acquisition, person
from remediation.model.diffing import State
from remediation.model.errors import ApiError, Forbidden, NotFound, Refused
from remediation.model.refs import Ref
from remediation.model.rights import Permission
from remediation.model.targets import Target
from remediation.providers.kubernetes import permissions as access
from remediation.providers.kubernetes.client import KubernetesClient
from remediation.providers.kubernetes.locks import ClusterLock, FormerLock, lease_of, leases_in, rights

if TYPE_CHECKING:
    from remediation.providers.google.client import Google


def _nobody(who: str, waited: float, limit: float) -> None:
    """Tell nobody who is waited for."""


class RunApi:
    """Everything a run may talk to.

    Args:
        target: what is acted on.
        configuration: of the cluster, or None when the runbook needs none.
        journal: the store whose key fingerprints secrets and which holds leases of cloud targets.
        google: where Google's APIs are; None for the real ones.
        renew: reads the configuration again when its credentials are no longer accepted.
        patience: how long throttled requests are repeated, who hears of it, and the token that ends the run.
        material: the secrets of the run; of a verb that plans twice, what it has read the first time.
    """

    def __init__(
        self,
        target: Target,
        configuration: Any,
        journal: Journal,
        google: dict[str, str] | None = None,
        renew: Callable[[], Any] | None = None,
        patience: Patience | None = None,
        material: Material | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self.stop = self.patience.stop
        self.target, self.journal, self._configuration, self._endpoints = target, journal, configuration, google
        self._renew = renew
        self.material = material or Material()
        self._keeper = Keeper(self.stop)
        self.patience.while_held(self._keeper.left)
        self._sightings: dict[str, Sighting] = defaultdict(Sighting)

    @cached_property
    def kubernetes(self) -> KubernetesClient:
        """The cluster's API."""
        return KubernetesClient(self._configuration, self._renew, self._keeper.require, self.patience)

    @cached_property
    def google(self) -> Google:
        """Google's APIs."""
        from remediation.providers.google.client import Google  # noqa: PLC0415 - Google's SDK costs most of a second

        return Google(self._endpoints, self._keeper.require, self.patience)

    @cached_property
    def _digest_key(self) -> bytes:
        return self.journal.digest_key()

    def digest(self, secret: bytes) -> str:
        """Return how a secret value is shown: recognisable in this store, useless elsewhere."""
        return f"(sensitive, sha256:{hmac.new(self._digest_key, secret, 'sha256').hexdigest()[:12]})"

    def locked(
        self, scopes: list[str], holder: str, wait: float | None = None, tell: Tell = _nobody
    ) -> AbstractContextManager[None]:
        """Hold the locks of these scopes, all or none.

        Args:
            scopes: ``cluster/NAMESPACE/ADDRESS``, ``project/NAME`` or ``serviceaccount/EMAIL``.
            holder: who holds them (`journal.holder.holder`).
            wait: how many seconds to wait for other holders; None waits only for one that seems to be gone.
            tell: told who is waited for, how long already, and for how long at most.

        Raises:
            Locked: another run is at work on one of them.
        """
        return self._keeper.holding(self._locks(scopes, holder), Waiting(wait, tell))

    def lock_too(self, scopes: list[str], holder: str) -> None:
        """Hold these as well until `locked` ends: what undoes a run may touch more than the run did."""
        self._keeper.add(self._locks(scopes, holder), Waiting(None, _nobody))

    def await_others(self, scopes: set[str], wait: float | None, tell: Tell) -> bool:
        """Wait while other runs are at work on these scopes, and tell whether there was any; takes nothing, writes nothing.

        Raises:
            Locked: one is still at work after ``wait`` seconds.
        """
        waiting, waited = Waiting(wait, tell), False
        while found := self._at_work(self._locks(sorted(scopes), "")):
            waiting.wait(*found)
            waited = True
        return waited

    def _at_work(self, locks: list[Lock]) -> tuple[Lock, Busy] | None:
        """Return a lock whose holder is alive, with one request for each namespace; who seems to be gone keeps nobody from looking."""
        listed: dict[str, dict[str, State]] = {}
        for lock in locks:
            try:
                if isinstance(lock, ClusterLock):
                    space = lock.ref.namespace
                    if space not in listed:
                        listed[space] = leases_in(self.kubernetes, space)
                    lock.refuse_if_held(listed[space].get(lock.ref.name, {}))
                else:
                    lock.look()
            except Busy as busy:
                if not busy.in_doubt:
                    return lock, busy
        return None

    def lock_rights(self, scopes: list[str]) -> list[Permission]:
        """Return the rights that holding these locks takes; a lock in the journal takes none."""
        return [right for scope in scopes if scope.startswith("cluster/") for right in rights(scope)]

    def _locks(self, scopes: list[str], holder: str) -> list[Lock]:
        """Return a lock for each scope, and for each namespace the one of earlier versions, which is looked at last."""
        ours = acquisition(holder)
        cluster = [scope for scope in scopes if scope.startswith("cluster/")]
        client = self.kubernetes.for_locks() if cluster else None
        locks: list[Lock] = []
        for scope in scopes:
            seen = self._sightings[scope]
            locks.append(
                ClusterLock(client, scope, ours, seen, self.patience)
                if client and scope in cluster
                else JournalLock(self.journal, scope, ours, seen, self.stop)
            )
        spaces = sorted({scope.split("/", 2)[1] for scope in cluster})
        return locks + [FormerLock(client, space, self._sightings[space]) for space in spaces if client]

    def held_by(self, scope: str) -> str:
        """Return in words who has a lock of the cluster, or has left it behind; empty where nobody is known."""
        try:
            lease = self.kubernetes.read(lease_of(scope))
        except (ApiError, Refused):
            return ""
        return person((lease.get("spec") or {}).get("holderIdentity") or "")

    def has_run(self, run_id: str) -> bool:
        """Tell whether the journal has a run of exactly this id."""
        return bool(self.journal.events(run_id)) if run_id else False

    def still_locked(self) -> None:
        """Raise LockLost when the run's locks are lost."""
        self._keeper.check()

    def target_uid(self) -> str:
        """Return the uid of the namespace kube-system, which no two clusters share; empty when it cannot be read."""
        if self._configuration is None:
            return ""
        try:
            return str(self.kubernetes.read(Ref("v1", "Namespace", "kube-system"))["metadata"].get("uid", ""))
        except (Forbidden, NotFound):
            return ""

    def snapshot(self) -> AbstractContextManager[None]:
        """Read each object of the cluster once while a plan is made; nothing to do for a target without one."""
        return self.kubernetes.snapshot() if self._configuration is not None else nullcontext()

    def now(self) -> float:
        """Return the clock of the target's API in seconds since 1970, as of its last answer."""
        return self.kubernetes.now() if self._configuration is not None else self.google.now()

    def warnings(self) -> list[str]:
        """Return what the API server has warned of so far, each text once."""
        return self.kubernetes.warnings if self._configuration is not None else []

    def missing(self, permissions: list[Permission]) -> list[Permission]:
        """Return those of the permissions that the caller does not have."""
        google = [item for item in permissions if item.group == "google"]
        cluster = [item for item in permissions if item.group != "google"]
        denied = self.google.missing(self.target.project, google) if google else []
        return sorted(denied + (access.missing(self.kubernetes, cluster) if cluster else []))
