"""What people write into a ConfigMap beside the fault is no obstacle to the fix, and is there afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.catalogue import CONFIG
from tests.running import Cli

WORDS = ("ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes")
COMMENTS = {
    "umlaut": "# für das Büro — R&D <ops@example.com>\n" + CONFIG,
    "separators": CONFIG + "# a\u2028# b\u2029# c\n",
    "emoji": CONFIG + "# 🚀 é \xa0 \u200b\n",
    "bom": "\ufeff" + CONFIG,
}


@pytest.mark.parametrize("kind", COMMENTS)
def test_a_config_with_odd_text_is_fixed_and_put_back(
    cli: Cli, get: Callable[..., Any], agent: Callable[..., None], kind: str
) -> None:
    """Run and rollback on a real API server; afterwards every byte is as before."""
    agent(COMMENTS[kind])
    before = get("configmap", "ip-masq-agent")["data"]
    assert before["config"] == COMMENTS[kind]
    cli("run", *WORDS).expect(0)
    assert get("configmap", "ip-masq-agent")["data"] != before
    cli("rollback", "last", "--yes").expect(0)
    assert get("configmap", "ip-masq-agent")["data"] == before
