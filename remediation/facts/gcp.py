"""Facts about a Google Cloud project."""

from __future__ import annotations

from dataclasses import dataclass

from remediation.diffing import State
from remediation.errors import Forbidden
from remediation.facts import Facts
from remediation.model import Permission


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
class FailedOperations:
    """Error texts of recent GKE operations that failed; None when they may not be read."""

    project: str

    permissions = (Permission.google("container.operations.list"),)

    def ask(self, facts: Facts) -> tuple[str, ...] | None:
        """List them; this is evidence only, so a refusal is an answer."""
        try:
            operations = facts.api.google.operations(self.project)
        except Forbidden:
            return None
        return tuple(
            f"{item.get('operationType')} {item.get('name')}: {item['error'].get('message')}"
            for item in operations
            if item.get("error")
        )
