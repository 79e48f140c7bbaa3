"""The guide is typed word for word in an empty directory."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.running import RUNBOOK

GUIDE = Path(__file__).parents[2] / "docs" / "write-a-runbook.md"


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the guide with the words that its output has, in their order."""
    for block in re.findall(r"```console\n(.*?)```", GUIDE.read_text("utf-8"), re.S):
        for typed in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *shown = typed.strip().splitlines()
            yield command, shown


def test_what_the_guide_says_works_as_it_stands(tmp_path: Path) -> None:
    """Every command ends well and prints what stands below it; the directory was empty before."""
    env = os.environ | {"PATH": f"{RUNBOOK.parent}:{os.environ['PATH']}", "PYTHONPATH": ""}
    every = list(commands())
    assert len(every) > 10
    for command, shown in every:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=110
        )
        text = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 0, f"{command}\n{text}"
        for line in shown:
            assert " ".join(line.split()) in text, f"{command}\n{text}"
