"""Facts about a Google Cloud project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from remediation.model.diffing import State
from remediation.model.errors import Forbidden, NotFound, Unavailable
from remediation.model.facts import Facts
from remediation.model.limits import message
from remediation.model.rights import Permission


@dataclass(frozen=True)
class ProjectNumber:
    """The number of a project, which names its service agents.

    Source: https://cloud.google.com/resource-manager/reference/rest/v3/projects (``name`` is ``projects/NUMBER``)
    """

    project: str

    permissions = (Permission.google("resourcemanager.projects.get"),)

    def ask(self, facts: Facts) -> str:
        """Look it up."""
        return str(facts.api.google.project(self.project)["number"])


@dataclass(frozen=True)
class ApiEnabled:
    """Whether an API is switched on in a project."""

    project: str
    service: str

    permissions = (Permission.google("serviceusage.services.get"),)

    def ask(self, facts: Facts) -> bool:
        """Look it up."""
        return bool(facts.api.google.service_enabled(self.project, self.service))


@dataclass(frozen=True)
class ProjectClusters:
    """The GKE clusters of a project."""

    project: str

    permissions = (Permission.google("container.clusters.list"),)

    def ask(self, facts: Facts) -> tuple[State, ...]:
        """List them in every location."""
        return tuple(facts.api.google.clusters(self.project))


@dataclass(frozen=True)
class GkeUse:
    """How a project uses GKE: how many clusters it has, the newest minor version in them, and whose networks they are in.

    `clusters` is None when nobody could say; `hosts` are other projects, which share their network (Shared VPC).
    """

    clusters: int | None
    newest: int = 0
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class GkeUsage:
    """How a project uses GKE, as far as its clusters tell."""

    project: str

    permissions = ProjectClusters.permissions

    def ask(self, facts: Facts) -> GkeUse:
        """Read the clusters; this decides only what else is looked at, so a refusal is an answer."""
        try:
            clusters = facts(ProjectClusters(self.project))
        except (Forbidden, Unavailable):
            return GkeUse(None)
        networks = [str((item.get("networkConfig") or {}).get("network", "")).split("/") for item in clusters]
        hosts = {parts[1] for parts in networks if len(parts) > 1 and parts[0] == "projects"} - {self.project}
        return GkeUse(len(clusters), max(map(_newest, clusters), default=0), tuple(sorted(hosts)))


def _newest(cluster: State) -> int:
    """Return the newest minor version of a cluster's control plane and node pools."""
    texts = [cluster.get("currentMasterVersion"), *(pool.get("version") for pool in cluster.get("nodePools") or [])]
    parts = [str(text).split(".") for text in texts]
    return max((int(item[1]) for item in parts if len(item) > 1 and item[1].isdigit()), default=0)


@dataclass(frozen=True)
class GkeOperations:
    """The recent GKE operations of a project, the newest first; None when they may not be read."""

    project: str

    permissions = (Permission.google("container.operations.list"),)

    def ask(self, facts: Facts) -> tuple[State, ...] | None:
        """List them; this is evidence only, so a refusal is an answer."""
        try:
            found = facts.api.google.operations(self.project)
        except Forbidden:
            return None
        return tuple(sorted(found, key=begun, reverse=True))


def begun(operation: State) -> float:
    """Return when an operation was begun, in seconds since 1970; 0 when it does not tell."""
    text = operation.get("startTime")
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def told(operation: State) -> str:
    """Return an operation in one phrase: its type and name, and its error."""
    error = (operation.get("error") or {}).get("message", "")
    return f"{operation.get('operationType')} {operation.get('name')}" + (f": {message(str(error))}" if error else "")


@dataclass(frozen=True)
class FailedOperations:
    """Error texts of recent GKE operations that failed; None when they may not be read."""

    project: str

    permissions = GkeOperations.permissions

    def ask(self, facts: Facts) -> tuple[str, ...] | None:
        """List them."""
        found = facts(GkeOperations(self.project))
        return None if found is None else tuple(told(item) for item in found if item.get("error"))


@dataclass(frozen=True)
class ProjectPolicy:
    """The IAM policy of a project."""

    project: str

    permissions = (Permission.google("resourcemanager.projects.getIamPolicy"),)

    def ask(self, facts: Facts) -> Any:
        """Read it."""
        return facts.api.google.policy(self.project)


@dataclass(frozen=True)
class ProjectGrant:
    """Whether a member has a role on a project without any condition, in the project's own policy."""

    project: str
    role: str
    member: str

    permissions = ProjectPolicy.permissions

    def ask(self, facts: Facts) -> bool:
        """Look for the member in the policy."""
        bindings = unconditional(facts(ProjectPolicy(self.project)), self.role)
        return any(self.member in item.members for item in bindings)


@dataclass(frozen=True)
class MemberRoles:
    """The roles that a member has on a project without any condition, in the project's own policy."""

    project: str
    member: str

    permissions = ProjectPolicy.permissions

    def ask(self, facts: Facts) -> tuple[str, ...]:
        """Look for the member in the policy."""
        bindings = facts(ProjectPolicy(self.project)).bindings
        return tuple(item.role for item in bindings if self.member in item.members and not item.HasField("condition"))


def unconditional(policy: Any, role: str) -> list[Any]:
    """Return the bindings of a role that have no condition; what is granted with one is not the role."""
    return [item for item in policy.bindings if item.role == role and not item.HasField("condition")]


@dataclass(frozen=True)
class GoogleAccount:
    """A Google service account: its e-mail address and whether it is disabled; None when it does not exist."""

    email: str

    permissions = (Permission.google("iam.serviceAccounts.get"),)

    def ask(self, facts: Facts) -> State | None:
        """Look it up."""
        try:
            found: State = facts.api.google.account(self.email)
        except NotFound:
            return None
        return found
