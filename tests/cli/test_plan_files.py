"""A plan file that is none, or that says more than its runbook knows, is one sentence and exit 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.running import Cli

GOOD: dict[str, Any] = {
    "runbook": "ip-masq-agent",
    "plan": {"fingerprint": "sha256:0"},
    "parameters": {"masquerade": []},
}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("{broken", "is not a plan"),
        ([], "is not a plan"),
        ({}, "is not a plan"),
        (GOOD | {"plan": {"fingerprint": 7}}, "is not a plan"),
        (GOOD | {"runbook": "pull-secret"}, "is a plan of 'pull-secret'; allowed here is a plan of 'ip-masq-agent'"),
        (GOOD | {"parameters": {"masqurade": []}}, "has a parameter 'masqurade'; allowed are those of ip-masq-agent"),
    ],
)
def test_bad_plan_files(tmp_path: Path, content: Any, says: str) -> None:
    """Nothing is asked of a cluster; the file and what is wrong with it are named."""
    path = tmp_path / "saved.json"
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    done = Cli(tmp_path)("run", "ip-masq-agent", "--plan", str(path), "--yes").expect(2)
    assert says in done.json["error"]["summary"]
    assert str(path) in done.json["error"]["summary"]
