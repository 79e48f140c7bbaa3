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


def _revoke_where_another_role_is_left(world: World) -> None:
    _revoke(world)
    world.tell("grant-agent", "roles/editor")


def _revoke_in_a_shared_network(world: World) -> None:
    _revoke(world)
    world.tell("share-network", "network-host")


def _revoke_before_the_first_cluster(world: World) -> None:
    _revoke(world)
    world.tell("delete-clusters")


def _switch_off(world: World) -> None:
    world.tell("disable-service", "container.googleapis.com")


OTHER_ROLE = Scenario(
    "container-service-agent-other-role",
    "the GKE service agent has lost its role, and has another one that may hold the same permissions",
    _revoke_where_another_role_is_left,
    Symptom("but has roles/editor"),
    rehearsed=False,
)
SHARED_NETWORK = Scenario(
    "container-service-agent-shared-network",
    "the GKE service agent has lost its role, and nobody may see what it has in the project of the network",
    _revoke_in_a_shared_network,
    Symptom("DeployPatch failed"),
    rehearsed=False,
)
NO_CLUSTER = Scenario(
    "container-service-agent-no-cluster",
    "the GKE service agent has lost its role before there was a cluster",
    _revoke_before_the_first_cluster,
    Symptom("DeployPatch failed"),
    rehearsed=False,
)
SWITCHED_OFF = Scenario(
    "container-service-agent-switched-off",
    "the project does not use GKE",
    _switch_off,
    Symptom("is not enabled", "not_applicable"),
    ends="not_applicable",
    says="is not enabled",
    rehearsed=False,
)
