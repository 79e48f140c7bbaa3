"""AUTH-15: give the GKE service agents their roles back."""

from __future__ import annotations

from remediation import Ensure, Risk, Steps, applies, runbook

from .findings import findings
from .proof import GkeOperates
from .remarks import open_questions
from .situation import SERVICE, Situation


@runbook(
    id="AUTH-15",
    risk=Risk.HIGH,
    alerts=("GkeOperationFailed",),
    diagnose=findings,
    source="https://cloud.google.com/kubernetes-engine/docs/troubleshooting/authentication",
    example="--project example-prod",
)
def container_service_agent(now: Situation) -> Steps:
    """Grant the GKE service agents their roles on the project.

    Symptoms: `DeployPatch failed` in `Error waiting for updating GKE cluster workload identity config`;
    GKE operations that fail with 403 on compute; the first cluster of a project cannot be made.

    Cause: somebody, or an authoritative Terraform resource, removed the role of
    service-NUMBER@container-engine-robot.iam.gserviceaccount.com or, where clusters are of 1.33 or later, of
    service-NUMBER@gcp-sa-gkenode.iam.gserviceaccount.com. Google grants them when the API is enabled.

    Impact: one member of each missing role is added to the project's policy; everything else in it stays as it is.

    Rollback: the same members are removed, and only if this run added them. GKE does not work without them.
    """
    applies(now.enabled, f"{SERVICE} is not enabled in {now.project}, so it has no GKE service agent")
    lacking = now.lacking
    yield from now.wanted
    yield Ensure(GkeOperates(now.project, now.newest_operation if lacking else 0.0), within=0)
    yield from open_questions(now, lacking)
