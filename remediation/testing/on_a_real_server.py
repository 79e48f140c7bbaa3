"""The contract on a real control plane: where the embedded one differs, the embedded one is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from typing import ClassVar

import pytest

from remediation.model.scenarios import Scenario
from remediation.testing import states
from remediation.testing.contract import Play, Playing
from remediation.testing.playing import Played
from remediation.testing.real_world import RealWorld
from runbook_sandbox.control_plane import ControlPlane


class OnARealServer(Playing):
    """Symptom, fix, second run and undo of each scenario that can be played there; needs a fixture ``control_plane``."""

    server: ClassVar[str] = "real"

    @classmethod
    def concerns(cls, scenario: Scenario) -> bool:
        """Tell whether a scenario is played: one or two of each row, and all with EVERY_POINT=1."""
        return super().concerns(scenario) and (scenario.rehearsed or bool(os.environ.get("EVERY_POINT")))

    @pytest.fixture(scope="class")
    @classmethod
    def play(cls, tmp_path_factory: pytest.TempPathFactory, control_plane: ControlPlane) -> Iterator[Play]:
        """Return what plays a scenario."""
        folder = tmp_path_factory.mktemp("contract")
        world, known = RealWorld(folder, control_plane), cls.scenarios()
        yield cache(lambda name: Played(world, known[name], folder))
        world.close()

    @pytest.mark.timeout(300)
    def test_fault_fix_and_undo(self, played: Played) -> None:
        """The same as on the embedded server, with every object that is stored compared before and after."""
        played.until(played.shows, f"diagnose does not say {played.scenario.seen}")
        store = str(played.folder / f"{played.scenario.name}-real.db")
        broken, before = played.world.whole(), played.neighbours()
        with played.world.recorded() as requests:
            assert played.world.verb(store, "run", *played.words, "--dry-run")["code"] in (0, *played.codes)
        assert requests == [], f"{played.scenario.name}: a dry run wrote"
        done = played.run(store)
        # Nodes that are played have no logs, so not every proof can be had here.
        ends = {"verified", "applied"} if played.scenario.changes else {played.scenario.ends}
        assert done["status"] in ends, played.told(done, f"expected {ends}")
        assert states.differences(before, played.neighbours()) == []
        if not played.scenario.changes:
            assert states.differences(broken, played.world.whole()) == []
            return
        assert played.run(store)["status"] == "already_ok"
        undone = played.world.verb(store, "rollback", done["run_id"], "--yes")
        assert (undone["code"] == 0) == played.scenario.undone, played.told(undone["document"], "rollback")
        left = played.undone(played.world.whole()) if played.scenario.undone else []
        assert left == [], f"{played.scenario.name}: the rollback leaves {left}"
        assert played.world.locks() == []
