"""Fixtures of the tests of what runs on the nodes."""

from pathlib import Path

import pytest

from runbooks.ipam_cleanup.tests.reservation_node import Node, leaking_node


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Return a node with one live pod and two leaked reservations."""
    return leaking_node(tmp_path)
