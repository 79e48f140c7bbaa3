"""What is looked at, once, for diagnosis and steps alike."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import (
    ApiEnabled,
    Facts,
    Forbidden,
    MemberRoles,
    Project,
    ProjectGrant,
    ProjectIamMember,
    ProjectNumber,
    command,
)

from .gke import GkeOperations, GkeUsage, GkeUse, begun

ROLE, SERVICE = "roles/container.serviceAgent", "container.googleapis.com"
# Clusters of this minor version and later have a second agent, for what runs on nodes.
# Source: https://cloud.google.com/iam/docs/service-agents
NODE_ROLE, _NODE_MINOR = "roles/container.defaultNodeServiceAgent", 33
# In the project that shares its network.
# Source: https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-shared-vpc
HOST_ROLE = "roles/container.hostServiceAgentUser"


def agent(number: str) -> str:
    """Return the GKE service agent of the project with this number."""
    return f"serviceAccount:service-{number}@container-engine-robot.iam.gserviceaccount.com"


def grant(project: str, number: str) -> ProjectIamMember:
    """Return the role that the GKE service agent needs."""
    return ProjectIamMember(project, ROLE, agent(number), reason="the GKE service agent has its role, unconditionally")


def node_grant(project: str, number: str) -> ProjectIamMember:
    """Return the role that the agent for nodes needs."""
    member = f"serviceAccount:service-{number}@gcp-sa-gkenode.iam.gserviceaccount.com"
    return ProjectIamMember(project, NODE_ROLE, member, reason="the agent for nodes has its role, unconditionally")


@dataclass(frozen=True)
class Situation:
    """The service agents of a project; nothing is asked before it is needed."""

    project: str
    facts: Facts

    @classmethod
    def look(cls, target: Project, facts: Facts) -> Situation:
        """Name the project."""
        return cls(str(target.project), facts)

    @property
    def enabled(self) -> bool:
        """Whether the project uses GKE at all; its number is asked for at the same time."""
        _, enabled = self.facts.together(ProjectNumber(self.project), ApiEnabled(self.project, SERVICE))
        return bool(enabled)

    @property
    def use(self) -> GkeUse:
        """How the project uses GKE."""
        return self.facts(GkeUsage(self.project))

    @property
    def wanted(self) -> list[ProjectIamMember]:
        """The grants that it needs; the agent for nodes may not even exist before there is a cluster for it."""
        number = self.facts(ProjectNumber(self.project))
        node = [node_grant(self.project, number)] if self.use.newest >= _NODE_MINOR else []
        return [grant(self.project, number), *node]

    @property
    def lacking(self) -> list[ProjectIamMember]:
        """Those of them that it does not have."""
        return [item for item in self.wanted if not self.facts(ProjectGrant(self.project, item.role, item.member))]

    def others(self, grant: ProjectIamMember) -> tuple[str, ...]:
        """Return the other roles of a member, which may hold the same permissions."""
        return self.facts(MemberRoles(self.project, grant.member))

    @property
    def newest_operation(self) -> float:
        """When the newest GKE operation was begun, in seconds since 1970; 0 where none is known."""
        known = self.facts(GkeOperations(self.project))
        return begun(known[0]) if known else 0.0

    @property
    def hosts(self) -> dict[str, str]:
        """What is missing in each project whose network the clusters are in."""
        found = {host: self._host_lacks(host) for host in self.use.hosts}
        return {host: text for host, text in found.items() if text}

    def _host_lacks(self, host: str) -> str:
        member = agent(self.facts(ProjectNumber(self.project)))
        try:
            if self.facts(ProjectGrant(host, HOST_ROLE, member)):
                return ""
        except Forbidden as problem:
            return (
                f"whether the agent has {HOST_ROLE} in {host}, whose network it uses, cannot be read: {problem.summary}"
            )
        words = ("projects", "add-iam-policy-binding", host, f"--member={member}", f"--role={HOST_ROLE}")
        lacks = f"the agent lacks {HOST_ROLE} in {host}, whose network it uses"
        return f"{lacks}; this runbook changes {self.project} only: {command('gcloud', *words)}"
