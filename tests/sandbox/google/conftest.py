"""One emulated cloud for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runbook_sandbox.google import GoogleCloud, Server, serve

PULLER = "puller@example-prod.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[GoogleCloud, Server]]:
    """A project with a cluster, an account and a repository."""
    cloud = GoogleCloud()
    cloud.add_cluster("example-prod", "europe-west3", "example")
    cloud.add_account(PULLER)
    cloud.projects["example-prod"].add_repository("europe-west3/shop")
    server = serve(cloud)
    yield cloud, server
    server.close()
