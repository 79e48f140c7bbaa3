"""How private nodes come to have no way to their registries."""

from __future__ import annotations

from collections.abc import Callable

from remediation import Ref, Scenario, Symptom, World

_IMAGE, _HUB = "us-docker.pkg.dev/example-prod/shop/web:1.4.2", "docker.io/library/nginx:1.29"
_WEB = (Ref("apps/v1", "Deployment", "web", "shop"),)
_TIMED_OUT = Symptom(
    "neither Private Google Access nor Cloud NAT", kubectl=("get", "events", "-n", "shop"), shown="i/o timeout"
)
# Simulated nodes have no network.
_SERVERS = ("emulated",)


def _hide(*more: str, image: str = _IMAGE) -> Callable[[World], None]:
    """Return what takes the nodes' external addresses away, in a network with these traits, and starts pods there."""

    def put(world: World) -> None:
        world.tell("hide-nodes", *more)
        world.run("web", image, 2)

    return put


def _open_half(world: World) -> None:
    """Let one of two pools have access, the other none, and pods wait for what no access leads to."""
    _hide("google-access", "two-pools", image=_HUB)(world)


def _forbid(world: World) -> None:
    """Start pods that a registry knows not, on nodes that reach it."""
    world.run("web", f"{world.places['images']}/web:1.4.2", 2)


CLOSED = Scenario(
    "private-google-access",
    "pods of shop/web wait for an image of pkg.dev: private nodes, no Private Google Access, no Cloud NAT",
    _hide(),
    _TIMED_OUT,
    neighbours=_WEB,
    servers=_SERVERS,
)
SLOW = Scenario(
    "private-google-access-slow",
    "pods of shop/web wait for an image of pkg.dev, and Compute Engine takes three seconds for the change",
    _hide("slow"),
    _TIMED_OUT,
    servers=_SERVERS,
    rehearsed=False,
)
BUSY = Scenario(
    "private-google-access-busy",
    "the same, and somebody else's operation runs on the subnet",
    _hide("busy"),
    _TIMED_OUT,
    rehearsed=False,
    servers=_SERVERS,
)
SHARED = Scenario(
    "private-google-access-shared-vpc",
    "the same, and the subnet is another project's",
    _hide("shared"),
    Symptom("default in europe-west3 of project example-net has neither Private Google Access nor Cloud NAT"),
    rehearsed=False,
    servers=_SERVERS,
)
HALF_MIGRATED = Scenario(
    "private-google-access-half-migrated",
    "the same, and a private DNS zone is there for gcr.io only",
    _hide("half-migrated"),
    Symptom("half a migration"),
    rehearsed=False,
    servers=_SERVERS,
)
FAILING = Scenario(
    "private-google-access-failing",
    "the same, and the operation fails",
    _hide("failing"),
    _TIMED_OUT,
    ends="refused",
    says="INTERNAL_ERROR: Internal error.",
    rehearsed=False,
    servers=_SERVERS,
)
DENIED = Scenario(
    "private-google-access-denied",
    "pods wait for an image of pkg.dev, and a firewall policy of the organisation denies the way",
    _hide("denied"),
    Symptom("firewall policy no-egress denies 142.250.102.82:443"),
    ends="refused",
    says="firewall policy no-egress denies",
    rehearsed=False,
    servers=_SERVERS,
)
NO_ROUTE = Scenario(
    "private-google-access-no-route",
    "pods wait for an image of pkg.dev, and the network has no route to the internet gateway",
    _hide("no-route"),
    Symptom("no route leads to 142.250.102.82"),
    ends="refused",
    says="no route leads to",
    rehearsed=False,
    servers=_SERVERS,
)
TRANSLATED = Scenario(
    "private-google-access-nat",
    "pods wait though Cloud NAT covers their nodes: something else drops the packets",
    _hide("nat", "denied"),
    Symptom("Cloud NAT nat of router default-router covers the nodes", "not_applicable"),
    ends="not_applicable",
    says="brings Private Google Access with it",
    rehearsed=False,
    servers=_SERVERS,
)
ELSEWHERE = Scenario(
    "private-google-access-docker-hub",
    "pods of private nodes wait for an image of docker.io, to which Private Google Access does not lead",
    _hide(image=_HUB),
    Symptom("private nodes reach registries that are not Google's only through Cloud NAT"),
    ends="not_applicable",
    says="no pod waits for one of Google's registries",
    rehearsed=False,
    servers=_SERVERS,
)
UNREAD = Scenario(
    "private-google-access-no-dns-api",
    "pods wait for an image of pkg.dev, and the Cloud DNS API is off",
    _hide("dns-off"),
    Symptom("DNS zones could not be read"),
    rehearsed=False,
    servers=_SERVERS,
)
TWO_POOLS = Scenario(
    "private-google-access-two-pools",
    "one of two pools has Private Google Access, and pods wait for an image of docker.io",
    _open_half,
    Symptom("cannot reach docker.io"),
    ends="already_ok",
    rehearsed=False,
    servers=_SERVERS,
)
ANSWERED = Scenario(
    "private-google-access-forbidden",
    "pods cannot pull, for the registry does not know them: that is an answer, and no want of a way",
    _forbid,
    Symptom("registries answer the pods that cannot pull", "not_applicable"),
    ends="not_applicable",
    says="no node pool has private nodes",
    rehearsed=False,
    servers=_SERVERS,
)
