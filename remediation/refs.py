"""Addresses of Kubernetes objects; pure, so that naming an object loads no client."""

from __future__ import annotations

from dataclasses import dataclass, replace

# Who writes, in the managed fields of every object that this product has changed.
FIELD_MANAGER = "runbook"
_PLURALS = {
    "NetworkPolicy": "networkpolicies",
    "Endpoints": "endpoints",
    "ServiceCIDR": "servicecidrs",
    "IPAddress": "ipaddresses",
}
_CLUSTER_SCOPED = {"Node", "Namespace", "ServiceCIDR", "ClusterRole", "ClusterRoleBinding"}


@dataclass(frozen=True)
class Ref:
    """The address of one object, or of all objects of a kind when ``name`` is empty."""

    api_version: str
    kind: str
    name: str = ""
    namespace: str = ""

    @property
    def plural(self) -> str:
        """The resource name in URLs and roles."""
        return _PLURALS.get(self.kind, self.kind.lower() + "s")

    @property
    def group(self) -> str:
        """The API group, empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def address(self) -> str:
        """The readable address: ``configmap/kube-system/ip-masq-agent``."""
        return "/".join(part for part in (self.kind.lower(), self.namespace, self.name) if part)

    @property
    def scope(self) -> str:
        """What to lock while the object is written: ``cluster/NAMESPACE/ADDRESS``, with kube-system for one of the cluster."""
        return f"cluster/{self.namespace or 'kube-system'}/{self.address}"

    @property
    def path(self) -> str:
        """The URL path of the object or of the collection."""
        prefix = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        namespace = f"/namespaces/{self.namespace}" if self.namespace and self.kind not in _CLUSTER_SCOPED else ""
        return f"{prefix}{namespace}/{self.plural}" + (f"/{self.name}" if self.name else "")

    @property
    def collection(self) -> str:
        """The URL path to create such an object at."""
        return replace(self, name="").path
