"""A wrong clock makes no difference on a real API server either."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.running import Cli
from tests.skewed import skewed


@pytest.mark.parametrize("seconds", [60, -3600])
def test_a_write_whose_answer_was_lost_is_put_back(
    cli: Cli, agent: Callable[..., None], get: Callable[..., dict[str, Any]], seconds: float
) -> None:
    """The run was killed after its ConfigMap was changed, before it could write that down."""
    agent()
    before = get("configmap", "ip-masq-agent")["data"]
    words = ("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes", "--store", str(cli.store), *cli.options)
    done = skewed(seconds, *words, dies_before="change.done", env=dict(os.environ) | cli.env)
    assert done.returncode == -9, done.stdout + done.stderr
    assert get("configmap", "ip-masq-agent")["data"] != before
    assert cli("rollback", "last", "--yes", "--wait", "60").expect(0).status == "rolled_back"
    assert get("configmap", "ip-masq-agent")["data"] == before
