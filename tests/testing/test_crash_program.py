"""The program that forks verbs and kills them: what it runs is what was there when it began."""

from __future__ import annotations

import shutil
from pathlib import Path

from remediation.testing.program import Program
from tests.engine.world import World, break_

ROOT = Path(__file__).parent.parent.parent


def _copied(folder: Path) -> Path:
    for name in ("remediation", "runbooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_a_tree_that_is_edited_meanwhile_is_not_half_of_what_runs(tmp_path: Path) -> None:
    """Runs that are minutes apart are of one version, whoever pulls or edits in between."""
    tree = _copied(tmp_path / "tree")
    world = World(tmp_path)
    world.__dict__["program"] = Program(tmp_path, tree)
    try:
        break_(world, "pull-secret")
        store = str(tmp_path / "journal.db")
        assert world.runbook(store, "runs")["code"] == 0
        for module in tree.rglob("*.py"):
            module.write_text("raise RuntimeError('half edited')\n")
        for words in (
            ("diagnose",),
            ("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes"),
            ("run", "container-service-agent", "--yes"),
            ("rollback", "last", "--yes"),
        ):
            done = world.runbook(store, *words)
            assert "half edited" not in done["text"]
            assert "bug:" not in done["text"], done["text"]
    finally:
        world.close()
