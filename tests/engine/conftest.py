"""What the tests of the engine share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remediation.journal import opened
from tests.engine.inside import Inside, emulated
from tests.engine.world import World, end, start


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An emulated cluster and cloud for the tests of one file."""
    found = World(tmp_path_factory.mktemp("world"), secure=False)  # thousands of connections, and none is about TLS
    yield found
    found.close()


@pytest.fixture
def run(world: World, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run a verb to its end."""
    return lambda *words, **more: end(start(world, tmp_path, *words, **more))


@pytest.fixture(params=["emulated", "real"], scope="module")
def inside(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """Each test runs twice."""
    folder = tmp_path_factory.mktemp("inside")
    if request.param == "real":
        plane = request.getfixturevalue("control_plane")
        yield Inside(plane.kubeconfig_path, opened(folder / "journal.db"))
    else:
        for here, _ in emulated(folder):
            yield here
