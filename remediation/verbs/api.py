"""The clients of a run, each made when it is first used."""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from remediation import providers
from remediation.access.journal_lock import JournalLock
from remediation.access.locks import Keeper, Lock, Tell, Waiting, at_work
from remediation.access.material import Material
from remediation.access.patience import Patience
from remediation.access.sightings import Busy, Sighting
from remediation.journal import Journal
from remediation.journal.holder import acquisition
from remediation.model.rights import Permission
from remediation.model.targets import Target
from remediation.providers import Link, Provider

if TYPE_CHECKING:
    from remediation.providers.google.client import Google
    from remediation.providers.kubernetes.client import KubernetesClient


def _nobody(who: str, waited: float, limit: float) -> None:
    """Tell nobody who is waited for."""


class RunApi:
    """Everything a run may talk to.

    Args:
        target: what is acted on.
        journal: the store whose key fingerprints secrets and which holds leases of cloud targets.
        means: how each provider is reached, by its name; see `remediation.providers.Link`.
        renew: reads the means of the target's provider again when its credentials are no longer accepted.
        patience: how long throttled requests are repeated, who hears of it, and the token that ends the run.
        material: the secrets of the run; of a verb that plans twice, what it has read the first time.
    """

    def __init__(
        self,
        target: Target,
        journal: Journal,
        means: Mapping[str, Any] | None = None,
        *,
        renew: Callable[[], Any] | None = None,
        patience: Patience | None = None,
        material: Material | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self.stop = self.patience.stop
        self.target, self.journal, self._means, self._renew = target, journal, means or {}, renew
        self.material = material or Material()
        self._keeper = Keeper(self.stop)
        self.patience.while_held(self._keeper.left)
        self._sightings: dict[str, Sighting] = defaultdict(Sighting)
        self._clients: dict[str, Any] = {}

    def client(self, provider: str) -> Any:
        """Return the client of a provider for this run, made when it is first asked for."""
        if provider not in self._clients:
            renew = self._renew if provider == self.target.provider else None
            link = Link(self._means.get(provider), self._keeper.require, self.patience, renew)
            self._clients[provider] = providers.named(provider).client(link)
        return self._clients[provider]

    @property
    def kubernetes(self) -> KubernetesClient:
        """The cluster's API."""
        client: KubernetesClient = self.client("kubernetes")
        return client

    @property
    def google(self) -> Google:
        """Google's APIs."""
        client: Google = self.client("google")
        return client

    @property
    def _own(self) -> tuple[Provider, Any]:
        """The provider of the target, and its client."""
        return providers.named(self.target.provider), self.client(self.target.provider)

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
        return self._keeper.holding(self._all_locks(scopes, holder), Waiting(wait, tell))

    def lock_too(self, scopes: list[str], holder: str) -> None:
        """Hold these as well until `locked` ends: what undoes a run may touch more than the run did."""
        self._keeper.add(self._all_locks(scopes, holder), Waiting(None, _nobody))

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

    def _at_work(self, locks: dict[str, list[Lock]]) -> tuple[Lock, Busy] | None:
        looks = (self._first_at_work(name, some) for name, some in locks.items())
        return next(filter(None, looks), None)

    def _first_at_work(self, name: str, locks: list[Lock]) -> tuple[Lock, Busy] | None:
        return providers.named(name).at_work(self.client(name), locks) if name else at_work(locks)

    def lock_rights(self, scopes: list[str]) -> list[Permission]:
        """Return the rights that holding these locks takes; a lock in the journal takes none."""
        claimed = ((scope, providers.locking(scope)) for scope in scopes)
        return [right for scope, provider in claimed if provider for right in provider.lock_rights(scope)]

    def _all_locks(self, scopes: list[str], holder: str) -> list[Lock]:
        return [lock for locks in self._locks(scopes, holder).values() for lock in locks]

    def _locks(self, scopes: list[str], holder: str) -> dict[str, list[Lock]]:
        """Return the locks by provider, in the order that all runs have; those of nobody are kept in the journal."""
        ours, found = acquisition(holder), dict[str, list[Lock]]()
        for _, some in groupby(sorted(scopes), key=lambda scope: scope.partition("/")[0]):
            alike = list(some)
            provider = providers.locking(alike[0])
            theirs = self._claimed(provider, alike, ours) if provider else None
            name = provider.name if provider and theirs is not None else ""
            found.setdefault(name, []).extend(self._kept(alike, ours) if theirs is None else theirs)
        return found

    def _claimed(self, provider: Provider, scopes: list[str], holder: str) -> list[Lock] | None:
        client = self.client(provider.name)
        return provider.locks(client, scopes, holder, self._sightings.__getitem__, self.patience)

    def _kept(self, scopes: list[str], holder: str) -> list[Lock]:
        return [JournalLock(self.journal, scope, holder, self._sightings[scope], self.stop) for scope in scopes]

    def held_by(self, scope: str) -> str:
        """Return in words who has a lock, or has left it behind; empty where nobody is known."""
        provider = providers.locking(scope)
        return provider.held_by(self.client(provider.name), scope) if provider else ""

    def has_run(self, run_id: str) -> bool:
        """Tell whether the journal has a run of exactly this id."""
        return bool(self.journal.events(run_id)) if run_id else False

    def still_locked(self) -> None:
        """Raise LockLost when the run's locks are lost."""
        self._keeper.check()

    def target_uid(self) -> str:
        """Return what no two targets share; empty when it cannot be read, or the coordinates say it."""
        provider, client = self._own
        return provider.identity(client)

    def snapshot(self) -> AbstractContextManager[None]:
        """Read each object of the target once while a plan is made, where its provider can."""
        provider, client = self._own
        return provider.snapshot(client)

    def now(self) -> float:
        """Return the clock of the target's API in seconds since 1970, as of its last answer."""
        provider, client = self._own
        return provider.now(client)

    def warnings(self) -> list[str]:
        """Return what the target's API has warned of so far, each text once."""
        provider, client = self._own
        return provider.warnings(client)

    def missing(self, permissions: list[Permission]) -> list[Permission]:
        """Return those of the permissions that the caller does not have."""
        denied: list[Permission] = []
        for name, some in groupby(sorted(permissions, key=_provider), key=_provider):
            denied += providers.named(name).missing(self.client(name), self.target, list(some))
        return sorted(denied)


def _provider(right: Permission) -> str:
    return right.provider
