"""What a run asks and touches, for rights and records alike."""

from __future__ import annotations

from typing import Any

from remediation import ApiEnabled, Facts, Project, ProjectNumber

from .gke import GkeOperations, GkeUsage
from .proof import GkeOperates, GrantVisible
from .situation import ROLE, SERVICE, agent, grant, node_grant


def needs(target: Project, facts: Facts | None = None, **_: Any) -> list[Any]:
    """Return every fact, resource and check."""
    project = target.project or "PROJECT"
    number = facts(ProjectNumber(project)) if facts else "NUMBER"
    asked = [ProjectNumber(project), ApiEnabled(project, SERVICE), GkeUsage(project), GkeOperations(project)]
    checks = [GkeOperates(project), GrantVisible(project, ROLE, agent(number))]
    return [*asked, grant(project, number), node_grant(project, number), *checks]
