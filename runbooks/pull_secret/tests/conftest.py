"""What the tests of pull-secret share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.pull_secret.tests.shop import Shop
from tests.engine.world import SCENARIOS, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An emulated cluster and cloud for the tests of one file."""
    found = World(tmp_path_factory.mktemp("world"), secure=False)
    yield found
    found.close()


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Iterator[Shop]:
    """Pods of shop/web that cannot pull; everything is set back afterwards."""
    SCENARIOS["pull-secret"].breaks(world)
    world.cluster.settle()
    before = world.dump()
    yield Shop(world, tmp_path)
    world.set_back(before)
    for name in ("web-registry", "web-registry-before-runbook"):
        if world.cluster.get("secrets", name, "shop"):
            world.cluster.store.remove("secrets", "shop", name)
