"""The faults in the cloud, by the words that ask for them."""

from __future__ import annotations

from runbook_sandbox.google.cloud import GoogleCloud


def break_agent(cloud: GoogleCloud) -> None:
    """Take the GKE service agent's role away and let an operation fail for it, which somebody repeats once it can work."""
    cloud.repeats = True
    for project in cloud.projects.values():
        cloud.revoke(project.id, "roles/container.serviceAgent", project.agent)
        cloud.add_operation(project.id, "UPDATE_CLUSTER", "DeployPatch failed")


def tell(cloud: GoogleCloud, fault: str, *words: str) -> None:
    """Break the cloud: ``break-agent``; raises ValueError for a fault that it does not know."""
    faults = {"break-agent": break_agent}
    if fault not in faults:
        raise ValueError(f"the embedded cloud knows no fault {fault!r}; it knows: {', '.join(faults)}")
    faults[fault](cloud, *words)
