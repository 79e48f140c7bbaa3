"""How pods come to need credentials of a registry."""

from __future__ import annotations

from remediation import Scenario, Symptom, World

_PULL = {"namespace": "shop", "service_account": "web", "registry": "{host}"}


def _forbid(world: World) -> None:
    """Start pods whose image is in a registry that does not know them."""
    world.put({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": "shop"}})
    world.run("web", f"{world.places['images']}/web:1.4.2", 2, spec={"serviceAccountName": "web"})


NEW_KEY = Scenario(
    "pull-secret",
    "pods of shop/web are in ImagePullBackOff: the registry does not know them",
    _forbid,
    Symptom("shop/web", kubectl=("get", "pods", "-n", "shop"), shown="ImagePullBackOff"),
    _PULL | {"google_service_account": "{puller}"},
)
