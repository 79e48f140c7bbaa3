"""What the tests of the engine share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An emulated cluster and cloud for the tests of one file."""
    found = World(tmp_path_factory.mktemp("world"))
    yield found
    found.close()
