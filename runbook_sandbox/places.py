"""The names that are private or known in the sandbox."""

from __future__ import annotations

PULLER = "shop-puller@example-prod.iam.gserviceaccount.com"
HOST = "europe-west3-docker.pkg.dev"
# The images of the shop are in it.
REPOSITORY = "europe-west3/shop"
# The simulated nodes of a real control plane know one registry.
REAL_HOST = "private.registry.example"


def places(*, real: bool) -> dict[str, str]:
    """Return what scenarios call these names: ``host`` asks for credentials, ``images`` are in it."""
    host = REAL_HOST if real else HOST
    return {"host": host, "images": f"{host}/shop" if real else f"{host}/example-prod/shop", "puller": PULLER}
