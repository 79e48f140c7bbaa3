"""Generated files are fresh, and the README names commands that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_generated_files_are_fresh() -> None:
    """RUNBOOKS.md and the index say what the catalogue says."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "docs.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_readme_names_real_verbs_and_files() -> None:
    """Every verb and every link of the README exists."""
    text = (ROOT / "README.md").read_text("utf-8")
    from remediation.cli.main import _VERBS  # noqa: PLC0415

    verbs = set(re.findall(r"^(?:\$ )?runbook ([a-z]+)", text, re.M))
    assert verbs <= set(_VERBS)
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("http") or (ROOT / link).exists(), link


def test_every_decision_has_a_number_of_its_own() -> None:
    """Pages are cited by number, in their heading as in the name of the file."""
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert len(set(numbers)) == len(numbers)
    assert numbers == [int(page.read_text().partition(".")[0].removeprefix("# ")) for page in pages]
