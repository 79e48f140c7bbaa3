"""Rights that let their holder take more than they say: root on the nodes, the whole cluster, the whole project.

Whoever binds a role should know it as what it is. The least right for a request can still be one of these, because
neither Kubernetes nor Google has a smaller one.

Sources: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#kubernetes-rbac-privilege-escalation-risks and
https://cloud.google.com/iam/docs/service-account-permissions
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from remediation.model.rights import Permission

_WRITES = frozenset({"create", "patch", "update", "*"})
_CHANGES = frozenset({"patch", "update", "*"})
_READS = frozenset({"get", "list", "watch", "*"})
_BINDS = _WRITES | {"bind", "escalate"}
_SYSTEM = ("", "kube-system")

_ROOT, _CLUSTER = "root on the nodes", "administrator of the cluster"
_OWNER, _ACCOUNTS = "owner of the project", "the rights of every service account of the project"
_PODS = "whoever makes or changes pods there may make them privileged, with any service account of kube-system"


@dataclass(frozen=True)
class Power:
    """What some rights are as good as, and why."""

    rights: tuple[Permission, ...]
    as_good_as: str
    why: str

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.rights))}: as good as {self.as_good_as}; {self.why}"

    def as_json(self) -> dict[str, Any]:
        """Return it as ``runbook rbac -o json`` prints it."""
        return {"rights": list(map(str, self.rights)), "as_good_as": self.as_good_as, "why": self.why}


@dataclass(frozen=True)
class _Rule:
    """Which rights have a power: verbs on resources, everywhere or in system namespaces only, with a name or only without."""

    resources: tuple[str, ...]
    verbs: frozenset[str]
    as_good_as: str
    why: str
    system: bool = False
    named: bool = True

    def fits(self, right: Permission) -> bool:
        """Tell whether a right on a cluster has the power."""
        place = not self.system or right.namespace in _SYSTEM
        return (
            right.resource in self.resources and right.verb in self.verbs and place and (self.named or not right.name)
        )


_WORKLOADS = (
    "pods",
    "daemonsets",
    "deployments",
    "statefulsets",
    "replicasets",
    "replicationcontrollers",
    "jobs",
    "cronjobs",
)
_RULES = (
    _Rule(_WORKLOADS, _WRITES, _ROOT, _PODS, system=True),
    _Rule(_WORKLOADS, _WRITES, "the rights of every service account of the namespace", "whoever makes pods chooses whose token they get"
          "; where nothing forbids privileged pods, they are root on their nodes"),
    _Rule(("pods/exec", "pods/attach", "pods/ephemeralcontainers"), _WRITES | {"get"}, "the rights of the pods of the namespace",
          "whoever is in a container has its token and its volumes"),
    _Rule(("nodes/proxy",), _WRITES | {"get"}, _ROOT, "the kubelet runs commands in every pod of the node"),
    _Rule(("persistentvolumes",), _WRITES, _ROOT, "a volume may be any directory of a node"),
    _Rule(("nodes",), _CHANGES, "the say in where pods run", "taints drive other people's pods off a node, labels draw them"),
    _Rule(("secrets",), frozenset({"create", "*"}), "the rights of every service account of the namespace",
          "together with reading it back, a Secret of type kubernetes.io/service-account-token holds the token of any of them"),
    _Rule(("secrets",), _READS, "all that the secrets of the namespace open", "it reads every one of them", named=False),
    _Rule(("serviceaccounts/token",), _WRITES, "the rights of the service account", "it gets tokens of it"),
    _Rule(("configmaps",), _CHANGES, _CLUSTER, "extension-apiserver-authentication says whom the API servers believe",
          system=True, named=False),
    _Rule(("roles", "rolebindings", "clusterroles", "clusterrolebindings"), _BINDS, _CLUSTER, "it gives any right"),
    _Rule(("users", "groups", "serviceaccounts"), frozenset({"impersonate", "*"}), _CLUSTER, "it acts as anybody"),
    _Rule(("mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies"), _WRITES, _CLUSTER,
          "it reads or changes every request"),
    _Rule(("certificatesigningrequests/approval",), _WRITES, _CLUSTER, "it makes certificates of anybody"),
    _Rule(("*",), _WRITES | _READS, _CLUSTER, "it is every resource"),
)  # fmt: skip
_GIVES = "who may set the policy may give themselves any role"
_ACTS = "granted on the project it covers each of its accounts; grant it on the one account where that does"
_GOOGLE = {
    "resourcemanager.projects.setIamPolicy": (_OWNER, _GIVES),
    "resourcemanager.folders.setIamPolicy": ("owner of the folder", _GIVES),
    "resourcemanager.organizations.setIamPolicy": ("owner of the organisation", _GIVES),
    "iam.roles.update": (_OWNER, "it adds any permission to a custom role that somebody holds"),
    "iam.serviceAccounts.setIamPolicy": (_ACCOUNTS, _ACTS),
    "iam.serviceAccountKeys.create": (_ACCOUNTS, _ACTS),
    "iam.serviceAccounts.getAccessToken": (_ACCOUNTS, _ACTS),
    "iam.serviceAccounts.signJwt": (_ACCOUNTS, _ACTS),
    "iam.serviceAccounts.signBlob": (_ACCOUNTS, _ACTS),
    "iam.serviceAccounts.implicitDelegation": (_ACCOUNTS, _ACTS),
}


def powers(rights: Iterable[Permission]) -> list[Power]:
    """Return what these rights are as good as, where that is more than they say; of each the first rule that fits."""
    found: dict[tuple[str, str], list[Permission]] = {}
    for right in rights:
        if (known := _known(right)) is not None:
            found.setdefault(known, []).append(right)
    return [Power(tuple(sorted(set(those))), *known) for known, those in found.items()]


def _known(right: Permission) -> tuple[str, str] | None:
    if right.provider == "google":
        return _GOOGLE.get(right.resource)
    return next(((rule.as_good_as, rule.why) for rule in _RULES if rule.fits(right)), None)
