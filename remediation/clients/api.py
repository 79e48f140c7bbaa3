"""The clients of a run, each made when it is first used."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

from remediation.clients import access
from remediation.clients.kubernetes import KubernetesClient
from remediation.clients.locks import ClusterLock, JournalLock, Keeper, Lock
from remediation.clients.material import Material
from remediation.journal import Journal
from remediation.model import Permission, Target


class Api:
    """Everything a run may talk to.

    Args:
        target: what is acted on.
        configuration: of the cluster, or None when the runbook needs none.
        journal: the store whose key fingerprints secrets and which holds leases of cloud targets.
        google: where Google's APIs are; None for the real ones.
        renew: reads the configuration again when its credentials are no longer accepted.
    """

    def __init__(
        self,
        target: Target,
        configuration: Any,
        journal: Journal,
        google: dict[str, str] | None = None,
        renew: Callable[[], Any] | None = None,
    ) -> None:
        self.target, self.journal, self._configuration, self._endpoints = target, journal, configuration, google
        self._renew = renew
        self.material = Material()
        self._keeper = Keeper()

    @cached_property
    def kubernetes(self) -> KubernetesClient:
        """The cluster's API."""
        return KubernetesClient(self._configuration, self._renew)

    @cached_property
    def google(self) -> Any:
        """Google's APIs (`remediation.clients.google.Google`)."""
        from remediation.clients.google import Google  # noqa: PLC0415 - Google's SDK costs most of a second

        return Google(self._endpoints)

    @cached_property
    def _digest_key(self) -> bytes:
        return self.journal.digest_key()

    def digest(self, secret: bytes) -> str:
        """Return how a secret value is shown: recognisable in this store, useless elsewhere."""
        return f"(sensitive, sha256:{hmac.new(self._digest_key, secret, 'sha256').hexdigest()[:12]})"

    def locked(self, scopes: list[str], holder: str) -> AbstractContextManager[None]:
        """Hold the locks of these scopes: ``namespace/NAME`` or ``project/NAME``."""
        return self._keeper.holding([self._lock(scope, holder) for scope in scopes])

    def refuse_if_locked(self, scopes: set[str]) -> None:
        """Raise Locked while another run is at work in one of these scopes; takes nothing, writes nothing."""
        for scope in sorted(scopes):
            self._lock(scope, "").look()

    def _lock(self, scope: str, holder: str) -> Lock:
        kind, _, name = scope.partition("/")
        return (
            ClusterLock(self.kubernetes, name, holder)
            if kind == "namespace"
            else JournalLock(self.journal, scope, holder)
        )

    def still_locked(self) -> None:
        """Raise Interrupted when the run's locks are lost."""
        self._keeper.check()

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
