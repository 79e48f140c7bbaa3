"""AUTH-15: give the GKE service agent its role back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from remediation import (
    ApiEnabled,
    Applies,
    Ensure,
    Facts,
    FailedOperations,
    Finding,
    GrantVisible,
    Project,
    ProjectClusters,
    ProjectGrant,
    ProjectIamMember,
    ProjectNumber,
    Risk,
    Steps,
    Unchecked,
    runbook,
)

ROLE, SERVICE = "roles/container.serviceAgent", "container.googleapis.com"


def _member(number: str) -> str:
    return f"serviceAccount:service-{number}@container-engine-robot.iam.gserviceaccount.com"


def _grant(project: str, number: str) -> ProjectIamMember:
    return ProjectIamMember(
        project, ROLE, _member(number), reason="the GKE service agent has its role, unconditionally"
    )


def _needs(target: Project, facts: Facts | None = None, **_: Any) -> list[Any]:
    project = target.project or "PROJECT"
    number = facts(ProjectNumber(project)) if facts else "NUMBER"
    asked = [ProjectNumber(project), ApiEnabled(project, SERVICE), ProjectClusters(project), FailedOperations(project)]
    return [*asked, _grant(project, number), GrantVisible(project, ROLE, _member(number))]


def _diagnose(target: Project, facts: Facts) -> Iterator[Finding]:
    project = str(target.project)
    address = f"iam/projects/{project}"
    if not facts(ApiEnabled(project, SERVICE)):
        yield Finding("not_applicable", f"{SERVICE} is not enabled", address)
        return
    if not facts(ProjectClusters(project)):
        yield Finding("not_applicable", f"{project} has no GKE cluster", address)
        return
    failed = facts(FailedOperations(project)) or ()
    evidence = tuple(text for text in failed if "DeployPatch failed" in text)
    if not facts(ProjectGrant(project, ROLE, _member(facts(ProjectNumber(project))))):
        yield Finding(
            "fault",
            f"the GKE service agent lacks {ROLE}",
            address,
            evidence or ("no such binding in the project's policy",),
            excluded=("the API is enabled", "the project has clusters"),
            parameters={"project": project},
        )
    else:
        yield Finding("healthy", "the GKE service agent has its role", address, evidence)


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
    """Grant the GKE service agent its role on the project.

    Symptoms: `DeployPatch failed` in `Error waiting for updating GKE cluster workload identity config`;
    GKE operations that fail with 403 on compute.

    Cause: somebody, or an authoritative Terraform resource, removed the role of
    service-NUMBER@container-engine-robot.iam.gserviceaccount.com.

    Impact: one member of one role is added to the project's policy; everything else in it stays as it is.

    Rollback: the same member is removed, and only if this run added it. GKE does not work without it.
    """
    project = str(target.project)
    number, enabled = facts.together(ProjectNumber(project), ApiEnabled(project, SERVICE))
    yield Applies(enabled, f"{SERVICE} is not enabled in {project}, so it has no GKE service agent")
    yield Applies(bool(facts(ProjectClusters(project))), f"{project} has no GKE cluster")
    yield _grant(project, number)
    yield Ensure(GrantVisible(project, ROLE, _member(number)), within=900)
    yield Unchecked(
        "the GKE operation that failed", "start it again; it can take minutes until the grant is effective everywhere"
    )
    yield Unchecked("who removed the role", "google_project_iam_binding or _policy in Terraform would remove it again")
