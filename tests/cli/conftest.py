"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An emulated cluster and cloud of the test's own."""
    made = World(tmp_path)
    yield made
    made.close()
