"""AUTH-15: give the GKE service agents their roles back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from remediation import (
    ApiEnabled,
    Caution,
    Ensure,
    Facts,
    Finding,
    Forbidden,
    MemberRoles,
    Note,
    Project,
    ProjectGrant,
    ProjectIamMember,
    ProjectNumber,
    Risk,
    Steps,
    Unchecked,
    applies,
    command,
    runbook,
)

from .gke import FailedOperations, GkeOperations, GkeUsage, begun
from .proof import GkeOperates, GrantVisible

ROLE, SERVICE = "roles/container.serviceAgent", "container.googleapis.com"
# Clusters of this minor version and later have a second agent, for what runs on nodes.
# Source: https://cloud.google.com/iam/docs/service-agents
NODE_ROLE, _NODE_MINOR = "roles/container.defaultNodeServiceAgent", 33
# In the project that shares its network.
# Source: https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-shared-vpc
HOST_ROLE = "roles/container.hostServiceAgentUser"


def _member(number: str) -> str:
    return f"serviceAccount:service-{number}@container-engine-robot.iam.gserviceaccount.com"


def _grant(project: str, number: str) -> ProjectIamMember:
    return ProjectIamMember(
        project, ROLE, _member(number), reason="the GKE service agent has its role, unconditionally"
    )


def _node_grant(project: str, number: str) -> ProjectIamMember:
    member = f"serviceAccount:service-{number}@gcp-sa-gkenode.iam.gserviceaccount.com"
    return ProjectIamMember(project, NODE_ROLE, member, reason="the agent for nodes has its role, unconditionally")


def _needs(target: Project, facts: Facts | None = None, **_: Any) -> list[Any]:
    project = target.project or "PROJECT"
    number = facts(ProjectNumber(project)) if facts else "NUMBER"
    asked = [ProjectNumber(project), ApiEnabled(project, SERVICE), GkeUsage(project), GkeOperations(project)]
    checks = [GkeOperates(project), GrantVisible(project, ROLE, _member(number))]
    return [*asked, _grant(project, number), _node_grant(project, number), *checks]


def _diagnose(target: Project, facts: Facts) -> Iterator[Finding]:
    project = str(target.project)
    address = f"iam/projects/{project}"
    if not facts(ApiEnabled(project, SERVICE)):
        yield Finding("not_applicable", f"{SERVICE} is not enabled", address)
        return
    failed = facts(FailedOperations(project)) or ()
    evidence = tuple(text for text in failed if "DeployPatch failed" in text)
    wanted = _wanted(facts, project)
    lacking = [item for item in wanted if not facts(ProjectGrant(project, item.role, item.member))]
    yield from (_finding(facts, item, evidence) for item in lacking)
    if not lacking:
        yield Finding("healthy", "the GKE service agent has its role", address, evidence)
    for host in facts(GkeUsage(project)).hosts:
        if text := _host_lacks(facts, project, host):
            yield Finding("unknown", text, f"iam/projects/{host}")


def _wanted(facts: Facts, project: str) -> list[ProjectIamMember]:
    """Return the grants that the project needs; the agent for nodes may not even exist before there is a cluster for it."""
    number = facts(ProjectNumber(project))
    node = [_node_grant(project, number)] if facts(GkeUsage(project)).newest >= _NODE_MINOR else []
    return [_grant(project, number), *node]


def _finding(facts: Facts, grant: ProjectIamMember, evidence: tuple[str, ...]) -> Finding:
    """Report a missing grant; other roles of the same agent may hold what it needs."""
    others = facts(MemberRoles(grant.project, grant.member))
    return Finding(
        "fault",
        f"{grant.member.partition(':')[2]} lacks {grant.role}"
        + (f", but has {', '.join(others)}, which may hold the same permissions" if others else ""),
        f"iam/projects/{grant.project}",
        evidence or ("no such binding in the project's policy",),
        "probable" if others else "certain",
        excluded=("the API is enabled",),
        parameters={"project": grant.project},
    )


def _host_lacks(facts: Facts, project: str, host: str) -> str:
    """Return what is missing in the project whose network the clusters are in, empty when nothing is."""
    member = _member(facts(ProjectNumber(project)))
    try:
        if facts(ProjectGrant(host, HOST_ROLE, member)):
            return ""
    except Forbidden as problem:
        return f"whether the agent has {HOST_ROLE} in {host}, whose network it uses, cannot be read: {problem.summary}"
    by_hand = command("gcloud", "projects", "add-iam-policy-binding", host, f"--member={member}", f"--role={HOST_ROLE}")
    return (
        f"the agent lacks {HOST_ROLE} in {host}, whose network it uses; this runbook changes {project} only: {by_hand}"
    )


@runbook(
    id="AUTH-15",
    risk=Risk.HIGH,
    alerts=("GkeOperationFailed",),
    needs=_needs,
    diagnose=_diagnose,
    source="https://cloud.google.com/kubernetes-engine/docs/troubleshooting/authentication",
    example="--project example-prod",
)
def container_service_agent(target: Project, facts: Facts) -> Steps:
    """Grant the GKE service agents their roles on the project.

    Symptoms: `DeployPatch failed` in `Error waiting for updating GKE cluster workload identity config`;
    GKE operations that fail with 403 on compute; the first cluster of a project cannot be made.

    Cause: somebody, or an authoritative Terraform resource, removed the role of
    service-NUMBER@container-engine-robot.iam.gserviceaccount.com or, where clusters are of 1.33 or later, of
    service-NUMBER@gcp-sa-gkenode.iam.gserviceaccount.com. Google grants them when the API is enabled.

    Impact: one member of each missing role is added to the project's policy; everything else in it stays as it is.

    Rollback: the same members are removed, and only if this run added them. GKE does not work without them.
    """
    project = str(target.project)
    _, enabled = facts.together(ProjectNumber(project), ApiEnabled(project, SERVICE))
    applies(enabled, f"{SERVICE} is not enabled in {project}, so it has no GKE service agent")
    wanted = _wanted(facts, project)
    lacking = [item for item in wanted if not facts(ProjectGrant(project, item.role, item.member))]
    yield from wanted
    known = facts(GkeOperations(project)) if lacking else None
    yield Ensure(GkeOperates(project, begun(known[0]) if known else 0.0), within=0)
    yield from _open_questions(facts, project, lacking)


def _open_questions(facts: Facts, project: str, lacking: list[ProjectIamMember]) -> Steps:
    """Say what nobody looked at, and what only a person can do."""
    for item in lacking:
        if others := facts(MemberRoles(project, item.member)):
            yield Unchecked(
                f"that {item.role} is what is missing", f"{', '.join(others)} may hold the same permissions"
            )
    use = facts(GkeUsage(project))
    if not use.clusters:
        reason = "its clusters cannot be listed" if use.clusters is None else "there is no cluster that could tell"
        yield Unchecked("the agent for nodes of 1.33 and later, and Shared VPC", reason)
    for host in use.hosts:
        if text := _host_lacks(facts, project, host):
            yield Caution("Shared VPC", text)
    yield Note(
        "the GKE operation that failed", "start it again; it can take minutes until the grant is effective everywhere"
    )
    yield Unchecked("who removed the role", "google_project_iam_binding or _policy in Terraform would remove it again")
