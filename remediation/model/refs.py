"""Addresses of Kubernetes objects; pure, so that naming an object loads no client."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from remediation.model.built_in_kinds import PLURALS, WITHOUT_NAMESPACE

# Who writes, in the managed fields of every object that this product has changed.
FIELD_MANAGER = "runbook"
# On every object that this product has made.
MANAGED_BY = {"app.kubernetes.io/managed-by": "runbook"}


@dataclass(frozen=True)
class Resource:
    """How a server names the objects of a kind, and whether they are in namespaces."""

    plural: str
    namespaced: bool


@dataclass(frozen=True)
class Ref:
    """The address of one object, or of all objects of a kind when ``name`` is empty.

    Attributes:
        resource: what a server's discovery says of a kind that not every cluster has.
    """

    api_version: str
    kind: str
    name: str = ""
    namespace: str = ""
    resource: Resource | None = field(default=None, compare=False, repr=False, kw_only=True)

    @property
    def is_known(self) -> bool:
        """Whether the resource is known and need not be asked for."""
        return self.resource is not None or (self.api_version, self.kind) in PLURALS

    @property
    def plural(self) -> str:
        """The resource name in URLs and roles; of a kind that nobody has asked a server about, what it is by custom."""
        if self.resource is not None:
            return self.resource.plural
        return PLURALS.get((self.api_version, self.kind)) or _customary(self.kind.lower())

    @property
    def namespaced(self) -> bool:
        """Whether objects of the kind are in namespaces."""
        if self.resource is not None:
            return self.resource.namespaced
        return (self.api_version, self.kind) not in WITHOUT_NAMESPACE

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
        namespace = f"/namespaces/{self.namespace}" if self.namespace and self.namespaced else ""
        return f"{prefix}{namespace}/{self.plural}" + (f"/{self.name}" if self.name else "")

    @property
    def collection(self) -> str:
        """The URL path to create such an object at."""
        return replace(self, name="").path


def _customary(kind: str) -> str:
    """Source: https://github.com/kubernetes/apimachinery, pkg/api/meta/restmapper.go, UnsafeGuessKindToResource."""
    if kind.endswith("y"):
        return f"{kind[:-1]}ies"
    return kind + ("es" if kind.endswith("s") else "s")
