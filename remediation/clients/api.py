"""The clients of a run, each made when it is first used."""

from __future__ import annotations

import hmac
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

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
    """

    def __init__(self, target: Target, configuration: Any, journal: Journal, google: dict[str, str] | None = None) -> None:
        self.target, self.journal, self._configuration, self._endpoints = target, journal, configuration, google
        self.material = Material()
        self._keeper = Keeper()

    @cached_property
    def kubernetes(self) -> KubernetesClient:
        """The cluster's API."""
        return KubernetesClient(self._configuration)

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

    def _lock(self, scope: str, holder: str) -> Lock:
        kind, _, name = scope.partition("/")
        return ClusterLock(self.kubernetes, name, holder) if kind == "namespace" else JournalLock(self.journal, scope, holder)

    def still_locked(self) -> None:
        """Raise Interrupted when the run's locks are lost."""
        self._keeper.check()

    def missing(self, permissions: list[Permission]) -> list[Permission]:
        """Return those of the permissions that the caller does not have."""
        google = [item for item in permissions if item.group == "google"]
        cluster = [item for item in permissions if item.group != "google"]
        denied = self.google.missing(self.target.project, google) if google else []
        with ThreadPoolExecutor(8) as pool:
            allowed = list(pool.map(self._may, cluster))
        return sorted([item for item, may in zip(cluster, allowed, strict=True) if not may] + denied)

    def _may(self, item: Permission) -> bool:
        resource, _, subresource = item.resource.partition("/")
        attributes = {"verb": item.verb, "group": item.group, "resource": resource, "subresource": subresource,
                      "namespace": item.namespace, "name": item.name}  # fmt: skip
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                  "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}}}  # fmt: skip
        answer = self.kubernetes.ask("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        return bool(answer.get("status", {}).get("allowed"))
