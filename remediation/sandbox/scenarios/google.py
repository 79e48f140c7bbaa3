"""The fault in the cloud, and names that scenarios share."""

from __future__ import annotations

from remediation.sandbox.google import GoogleCloud

PULLER = "shop-puller@example-prod.iam.gserviceaccount.com"
HOST = "europe-west3-docker.pkg.dev"
# The images of the shop are in it.
REPOSITORY = "europe-west3/shop"
# The simulated nodes of a real control plane know one registry.
REAL_HOST = "private.registry.example"


def break_agent(cloud: GoogleCloud) -> None:
    """Take the GKE service agent's role away and let an operation fail for it, which somebody repeats once it can work."""
    cloud.repeats = True
    for project in cloud.projects.values():
        cloud.revoke(project.id, "roles/container.serviceAgent", project.agent)
        cloud.add_operation(project.id, "UPDATE_CLUSTER", "DeployPatch failed")
