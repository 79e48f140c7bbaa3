"""The fault in the cloud."""

from __future__ import annotations

from runbook_sandbox.google.cloud import GoogleCloud


def break_agent(cloud: GoogleCloud) -> None:
    """Take the GKE service agent's role away and let an operation fail for it, which somebody repeats once it can work."""
    cloud.repeats = True
    for project in cloud.projects.values():
        cloud.revoke(project.id, "roles/container.serviceAgent", project.agent)
        cloud.add_operation(project.id, "UPDATE_CLUSTER", "DeployPatch failed")
