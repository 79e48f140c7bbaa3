"""The contract that every runbook keeps, as tests: inherit `Contract` in a test module, and every scenario is played.

from remediation.testing.contract import Contract

class TestContract(Contract):
rows = ("my-runbook",)  # every runbook that is found, unless given
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from remediation.catalogue import loading, scenarios, sources
from remediation.model.scenarios import Scenario
from remediation.testing import others, states
from remediation.testing.playing import Played
from remediation.testing.sweeping import Sweep
from remediation.testing.worlds import EmulatedWorld

Play = Callable[[str], Played]


def use_catalogue(folder: Path) -> None:
    """Let this process and every verb that it starts know the runbooks in a folder."""
    known = os.environ.get("RUNBOOK_CATALOGUE", "").split(os.pathsep)
    if str(folder) not in known:
        os.environ["RUNBOOK_CATALOGUE"] = os.pathsep.join([*filter(None, known), str(folder)])
        sources.use_folder(folder)


def standing_for(found: dict[str, Scenario], *, every: bool) -> dict[str, Scenario]:
    """Return the scenarios that long tests play: the first of each row that changes something, or all that are rehearsed.

    With EVERY_SCENARIO=1 they play all of them, which takes hours.
    """
    changing = {name: item for name, item in found.items() if item.changes}
    if os.environ.get("EVERY_SCENARIO"):
        return changing
    if every:
        return {name: item for name, item in changing.items() if item.rehearsed}
    first = {item.runbook: name for name, item in reversed(changing.items())}
    return {name: changing[name] for name in first.values()}


class Playing:
    """What plays scenarios: one embedded world for all tests of a class, and each scenario broken once."""

    rows: ClassVar[tuple[str, ...]] = ()
    server: ClassVar[str] = "emulated"

    @classmethod
    def concerns(cls, scenario: Scenario) -> bool:
        """Tell whether a scenario is for these tests."""
        return (not cls.rows or scenario.runbook in cls.rows) and cls.server in scenario.servers

    @classmethod
    def scenarios(cls) -> dict[str, Scenario]:
        """Return the scenarios of these rows by name."""
        return {item.name: item for item in scenarios.load().values() if cls.concerns(item)}

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """Run each test once for each scenario; those of what a run changes only where it changes something."""
        changing = {name: item for name, item in cls.scenarios().items() if item.changes}
        for fixture, names in (("played", cls.scenarios()), ("changing", changing)):
            if fixture in metafunc.fixturenames:
                ids = [f"real-{name}" if cls.server == "real" else name for name in names]
                metafunc.parametrize(fixture, names, indirect=True, ids=ids)
        if "row" in metafunc.fixturenames:
            metafunc.parametrize("row", sorted({item.runbook for item in cls.scenarios().values()}))

    @pytest.fixture(scope="class")
    @classmethod
    def play(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
        """Return what plays a scenario."""
        folder = tmp_path_factory.mktemp("contract")
        world = EmulatedWorld(folder, secure=False)  # thousands of connections, and none is about TLS
        known = cls.scenarios()
        yield cache(lambda name: Played(world, known[name], folder))
        world.close()

    @pytest.fixture
    def played(self, request: pytest.FixtureRequest, play: Play) -> Played:
        """Return the scenario of this test, broken."""
        found = play(request.param)
        found.again()
        return found

    @pytest.fixture
    def changing(self, request: pytest.FixtureRequest, play: Play) -> Played:
        """Return the scenario of this test, broken; its run changes something."""
        found = play(request.param)
        found.again()
        return found

    @pytest.fixture
    def sweep(self, changing: Played) -> Sweep:
        """Return the whole run of this scenario, measured once."""
        return changing.kept("sweep", lambda: Sweep(changing))


class Contract(Playing):
    """Symptom, fix, proof and undo of each scenario, and who else works on the same objects."""

    def test_the_fault_shows(self, played: Played) -> None:
        """A person sees it as the scenario says, and diagnosis finds it."""
        played.until(played.shows, f"diagnose does not say {played.scenario.seen}")
        if kubectl := _kubectl(played):
            played.until(lambda: played.scenario.seen.shown in kubectl(), "kubectl does not show it")

    def test_every_option_is_tried(self, row: str) -> None:
        """An option that no scenario gives is one that nobody has tried."""
        given = {name for item in self.scenarios().values() if item.runbook == row for name in item.parameters}
        idle = [option.flag_name for option in loading.find(row).parameters if option.name not in given]
        assert not idle, f"no scenario of {row} gives {', '.join(idle)}: add one that needs it"

    def test_it_is_healed_and_stays_healed(self, played: Played) -> None:
        """The run ends as the scenario says; a second one finds nothing to do, and writes nothing."""
        store = played.again()
        before = played.neighbours()
        done = played.run(store)
        assert done["status"] == played.scenario.ends, played.told(done, f"expected {played.scenario.ends}")
        said = json.dumps(done, ensure_ascii=False)
        assert played.scenario.says in said, played.told(done, f"expected that it says {played.scenario.says!r}")
        assert states.differences(before, played.neighbours()) == []
        if not played.scenario.changes:
            assert played.undone(played.world.whole()) == []
            return
        played.until(lambda: played.finding()["status"] not in ("fault", "possible"), "it is still there")
        with played.world.recorded() as requests:
            assert played.run(store)["status"] == "already_ok"
        assert requests == []

    def test_a_dry_run_writes_nothing(self, played: Played) -> None:
        """Neither diagnosis nor plan nor dry run send a request that changes anything."""
        store = played.again()
        with played.world.recorded() as requests:
            for words in (["diagnose"], ["plan", *played.words], ["run", *played.words, "--dry-run"]):
                assert played.world.verb(store, *words)["code"] in (0, *played.codes)
        assert requests == []
        assert played.undone(played.world.whole()) == []

    def test_the_rollback_is_exact(self, changing: Played) -> None:
        """Everything that is stored is as before the run, and nothing is locked."""
        store = changing.again()
        before = changing.neighbours()
        done = changing.run(store)
        assert states.differences(changing.broken, changing.world.whole()) != [], "the run changed nothing"
        undone = changing.world.verb(store, "rollback", done["run_id"], "--yes")
        assert (undone["code"] == 0) == changing.scenario.undone, changing.told(undone["document"], "rollback")
        left = changing.undone(changing.world.whole()) if changing.scenario.undone else []
        assert left == [], f"{changing.scenario.name}: the rollback leaves {left}"
        assert states.differences(before, changing.neighbours()) == []
        assert changing.world.locks() == []
        assert changing.world.audit(store) == 0

    def test_another_field_of_somebody_else_is_kept(self, changing: Played) -> None:
        """What somebody wrote beside our field since stays when ours is put back."""
        store = changing.again()
        noted = others.note(changing, changing.run(store))
        undone = changing.world.verb(store, "rollback", "last", "--yes")
        assert undone["code"] == 0, changing.told(undone["document"], f"exit {undone['code']}")
        assert changing.undone(others.without_notes(changing.world.whole(), noted)) == []

    def test_our_field_in_the_hands_of_somebody_else(self, changing: Played) -> None:
        """The rollback is refused where somebody has changed the same field since, and leaves it."""
        store = changing.again()
        others.contradict(changing, changing.run(store))
        before = changing.world.whole()
        refused = changing.world.verb(store, "rollback", "last", "--yes")
        assert refused["code"] == 6, changing.told(refused["document"], f"exit {refused['code']}, expected 6")
        assert states.differences(before, changing.world.whole()) == []


def _kubectl(changing: Played) -> Callable[[], str] | None:
    """Return what prints the line that shows the fault; None where there is no kubectl, or no such line."""
    folder, words = os.environ.get("KUBEBUILDER_ASSETS"), changing.scenario.seen.kubectl
    if not words or not folder:
        return None
    command: list[Any] = [Path(folder) / "kubectl", "--kubeconfig", changing.world.kubeconfig, *words]
    return lambda: subprocess.run(command, capture_output=True, text=True, check=True).stdout
