"""How a project loses the grants of its GKE service agents."""

from __future__ import annotations

from remediation import Scenario, Symptom, World


def _revoke(world: World) -> None:
    world.tell("break-agent")


REVOKED = Scenario(
    "container-service-agent",
    "the GKE service agent has lost its role; a cluster update failed with DeployPatch failed",
    _revoke,
    Symptom("DeployPatch failed"),
)
