"""The predefined roles that the runbooks speak of; of long ones only the permissions that matter here.

Source: https://cloud.google.com/iam/docs/understanding-roles
"""

from __future__ import annotations

from typing import Any

_PULL = ("artifactregistry.dockerimages.get", "artifactregistry.repositories.downloadArtifacts", "artifactregistry.repositories.get")  # fmt: skip
_SEE = ("resourcemanager.projects.get", "resourcemanager.projects.list")
_AGENT = (
    *("compute.instanceGroupManagers.update", "compute.instances.get", "compute.instances.setMetadata"),
    *("compute.networks.updatePolicy", "compute.routes.create", "compute.subnetworks.get"),
    *("container.clusters.get", "container.clusters.update", "iam.serviceAccounts.actAs"),
)
_KEYS = tuple(f"iam.serviceAccountKeys.{verb}" for verb in ("create", "delete", "disable", "enable", "get", "list"))


def _role(title: str, description: str, *permissions: str) -> dict[str, Any]:
    return {"title": title, "description": description, "includedPermissions": sorted(permissions)}


ROLES: dict[str, dict[str, Any]] = {
    "roles/artifactregistry.reader": _role(
        "Artifact Registry Reader", "Access to read repository items.", *_PULL, *_SEE
    ),
    "roles/container.defaultNodeServiceAgent": _role(
        "Kubernetes Engine Default Node Service Agent",
        "Gives the default GKE node service account the minimal set of permissions.",
        *("autoscaling.sites.writeMetrics", "logging.logEntries.create", "monitoring.timeSeries.create"),
    ),
    "roles/container.serviceAgent": _role(
        "Kubernetes Engine Service Agent",
        "Gives Kubernetes Engine account access to manage cluster resources.",
        *(*_AGENT, *_SEE),
    ),
    "roles/editor": _role("Editor", "View, create, update, and delete most Google Cloud resources.", *_AGENT, *_SEE),
    "roles/iam.serviceAccountKeyAdmin": _role(
        "Service Account Key Admin", "Create and manage (and rotate) service account keys.", *_KEYS, *_SEE
    ),
    "roles/owner": _role(
        "Owner",
        "Full access to most Google Cloud resources.",
        *(*_AGENT, *_KEYS, *_SEE, "resourcemanager.projects.setIamPolicy"),
    ),
    "roles/viewer": _role("Viewer", "View most Google Cloud resources.", "container.clusters.get", *_SEE),
}
