"""How pods come to need credentials of a registry."""

from __future__ import annotations

import json

from remediation import Ref, Scenario, Symptom, World

_PULL = {"namespace": "shop", "service_account": "web", "registry": "{host}"}
_TYPE, _KEY = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
_WAITING = Symptom("shop/web", kubectl=("get", "pods", "-n", "shop"), shown="ImagePullBackOff")


def _account(world: World) -> None:
    world.put({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": "shop"}})


def _forbid(world: World) -> None:
    """Start pods whose image is in a registry that does not know them."""
    _account(world)
    world.run("web", f"{world.places['images']}/web:1.4.2", 2, spec={"serviceAccountName": "web"})


def _forbid_with_a_stale_secret(world: World) -> None:
    """Let the service account name a pull secret whose credentials are of yesterday."""
    _forbid(world)
    entry = {"username": "_json_key", "password": "of yesterday"}
    text = json.dumps({"auths": {world.places["host"]: entry}})
    about = {"name": "shop-pull", "namespace": "shop"}
    world.put({"apiVersion": "v1", "kind": "Secret", "type": _TYPE, "metadata": about, "stringData": {_KEY: text}})
    world.change(Ref("v1", "ServiceAccount", "web", "shop"), {"imagePullSecrets": [{"name": "shop-pull"}]})


def _forbid_the_default_account(world: World) -> None:
    world.run("web", f"{world.places['images']}/web:1.4.2", 2)
    world.wait_until(lambda: world.read(Ref("v1", "ServiceAccount", "default", "shop")), "the namespace is complete")


def _forbid_where_a_group_reads(world: World) -> None:
    """Leave open who may read: nobody here knows who is in a group."""
    _forbid(world)
    world.tell("let-read", "group:pullers@example.com")


def _forbid_elsewhere(world: World) -> None:
    """Start pods whose image is in a registry of another kind."""
    _account(world)
    world.run("web", "registry.example.com/web:1.4.2", 2, spec={"serviceAccountName": "web"})


NEW_KEY = Scenario(
    "pull-secret",
    "pods of shop/web are in ImagePullBackOff: the registry does not know them",
    _forbid,
    _WAITING,
    _PULL | {"google_service_account": "{puller}"},
)
KEY_FILE = Scenario(
    "pull-secret-key-file",
    "pods of shop/web are in ImagePullBackOff, and somebody has a key",
    _forbid,
    _WAITING,
    _PULL | {"from_key_file": "{key_file}"},
    rehearsed=False,
)
STALE = Scenario(
    "pull-secret-stale",
    "pods of shop/web are in ImagePullBackOff: their pull secret has credentials of yesterday",
    _forbid_with_a_stale_secret,
    _WAITING,
    _PULL | {"from_key_file": "{key_file}", "secret": "shop-pull"},
    rehearsed=False,
)
DEFAULT_ACCOUNT = Scenario(
    "pull-secret-default-account",
    "pods of shop that name no service account are in ImagePullBackOff",
    _forbid_the_default_account,
    Symptom("shop/default", kubectl=("get", "pods", "-n", "shop"), shown="ImagePullBackOff"),
    _PULL | {"service_account": "default", "google_service_account": "{puller}"},
    rehearsed=False,
)
GROUP = Scenario(
    "pull-secret-group",
    "pods of shop/web are in ImagePullBackOff, and only a group may read the images",
    _forbid_where_a_group_reads,
    _WAITING,
    _PULL | {"google_service_account": "{puller}"},
    rehearsed=False,
    servers=("emulated",),
)
ELSEWHERE = Scenario(
    "pull-secret-elsewhere",
    "pods of shop/web have images that are in no repository of Google",
    _forbid_elsewhere,
    Symptom("no pod waits for an image", "healthy"),
    _PULL | {"registry": "registry.example.com", "google_service_account": "{puller}"},
    ends="applied",
    rehearsed=False,
)
