"""Kubernetes among the providers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from remediation.access.locks import Lock, at_work
from remediation.access.patience import Patience
from remediation.access.sightings import Busy, Sighting
from remediation.journal.holder import person
from remediation.model.commands import repeat
from remediation.model.diffing import State
from remediation.model.errors import ApiError, Forbidden, NotFound, Refused
from remediation.model.refs import Ref
from remediation.model.rights import Permission
from remediation.model.targets import Target

if TYPE_CHECKING:
    from remediation.providers import Given, Link
    from remediation.providers.kubernetes.client import KubernetesClient


class Kubernetes:
    """The API of one cluster; ``means`` is a ``kubernetes.client.Configuration`` (see `configurations.load`)."""

    name = "kubernetes"
    scopes = ("cluster",)
    identity_rights = (Permission("get", "namespaces", "", "", "kube-system"),)

    def reach(
        self, kind: type[Target], given: Given, warn: Callable[[str], None] = lambda _: None
    ) -> tuple[Target, Any]:
        """Read the kubeconfig."""
        from remediation.providers.kubernetes import configurations  # noqa: PLC0415 - loaded when it is asked

        configuration, found = configurations.load(
            given.kubeconfig or given.usual_kubeconfig,
            given.context,
            warn,
            in_cluster=given.in_cluster and not given.kubeconfig,
            terminal=given.terminal,
        )
        known = {name: given.known(name) for name in ("project", "location", "cluster")}
        return kind(context=found.context, server=found.server, **known), configuration

    def require_named(self, given: Given, target: Callable[[], Target]) -> None:
        """Refuse the current context of a kubeconfig that has others too."""
        if given.context:
            return
        current = target().context  # a kubeconfig that cannot be used is told first
        if given.kubeconfig:
            from remediation.providers.kubernetes.kubeconfig_files import contexts  # noqa: PLC0415 - as above

            if len(contexts(given.kubeconfig)) == 1:
                return
        raise Refused(
            f"nobody named the cluster: the current context is {current!r}",
            "nothing was changed",
            repeat("--context", str(current)),
        )

    def client(self, link: Link) -> KubernetesClient:
        """Return a client on connections of its own."""
        from remediation.providers.kubernetes.client import KubernetesClient  # noqa: PLC0415 - loaded when it is asked

        return KubernetesClient(link.means, link.renew, link.permit, link.patience)

    def missing(self, client: KubernetesClient, target: Target, permissions: list[Permission]) -> list[Permission]:
        """Ask for reviews."""
        from remediation.providers.kubernetes.permissions import missing  # noqa: PLC0415 - as above

        del target
        return missing(client, permissions)

    def now(self, client: KubernetesClient) -> float:
        """Return the API server's clock."""
        return client.now()

    def identity(self, client: KubernetesClient) -> str:
        """Return the uid of the namespace kube-system, which no two clusters share; empty when it cannot be read."""
        try:
            return str(client.read(Ref("v1", "Namespace", "kube-system"))["metadata"].get("uid", ""))
        except (Forbidden, NotFound):
            return ""

    def snapshot(self, client: KubernetesClient) -> AbstractContextManager[None]:
        """Read each object once."""
        return client.snapshot()

    def warnings(self, client: KubernetesClient) -> list[str]:
        """Return what the API server has warned of."""
        return client.warnings

    def locks(
        self,
        client: KubernetesClient,
        scopes: list[str],
        holder: str,
        seen: Callable[[str], Sighting],
        patience: Patience,
    ) -> list[Lock]:
        """Return a Lease for each object, and for each namespace the one of earlier versions, which is looked at last."""
        from remediation.providers.kubernetes.locks import ClusterLock, FormerLock  # noqa: PLC0415 - as above

        leases = client.for_locks()
        spaces = sorted({scope.split("/", 2)[1] for scope in scopes})
        locks: list[Lock] = [ClusterLock(leases, scope, holder, seen(scope), patience) for scope in scopes]
        return locks + [FormerLock(leases, space, seen(space)) for space in spaces]

    def at_work(self, client: KubernetesClient, locks: Sequence[Lock]) -> tuple[Lock, Busy] | None:
        """Look with one request for each namespace."""
        from remediation.providers.kubernetes.locks import ClusterLock, leases_in  # noqa: PLC0415 - as above

        listed: dict[str, dict[str, State]] = {}

        def look(lock: Lock) -> None:
            if not isinstance(lock, ClusterLock):
                return lock.look()
            if lock.ref.namespace not in listed:
                listed[lock.ref.namespace] = leases_in(client, lock.ref.namespace)
            return lock.refuse_if_held(listed[lock.ref.namespace].get(lock.ref.name, {}))

        return at_work(locks, look)

    def lock_rights(self, scope: str) -> list[Permission]:
        """Return those on the Lease."""
        from remediation.providers.kubernetes.locks import rights  # noqa: PLC0415 - as above

        return rights(scope)

    def lock_wishes(self, scope: str) -> list[Permission]:
        """Return those on the Leases of the namespace."""
        from remediation.providers.kubernetes.locks import wishes  # noqa: PLC0415 - as above

        return wishes(scope)

    def held_by(self, client: KubernetesClient, scope: str) -> str:
        """Read the Lease."""
        from remediation.providers.kubernetes.locks import lease_of  # noqa: PLC0415 - as above

        try:
            lease = client.read(lease_of(scope))
        except (ApiError, Refused):
            return ""
        return person((lease.get("spec") or {}).get("holderIdentity") or "")


PROVIDER = Kubernetes()
