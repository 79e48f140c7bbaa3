"""Facts about a Google Cloud project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from remediation.model.diffing import State
from remediation.model.errors import NotFound
from remediation.model.facts import Facts
from remediation.model.rights import Permission


@dataclass(frozen=True)
class ProjectNumber:
    """The number of a project, which names its service agents.

    Source: https://cloud.google.com/resource-manager/reference/rest/v3/projects (``name`` is ``projects/NUMBER``)
    """

    project: str

    permissions = (Permission.google("resourcemanager.projects.get"),)
    names: ClassVar[str] = "NUMBER"

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
