"""Runs that another version recorded: what can be read is worked with, what cannot be is told in one line and left alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remediation.catalogue.runbook import Runbook
from remediation.engine.run import Run
from remediation.journal import opened
from remediation.model import records, versions
from remediation.model.errors import StalePlan, Unreadable
from remediation.providers.kubernetes.objects import KubernetesObject
from tests.engine.world import World, break_, comparable
from tests.entries import copied

WORDS = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")
CLEAN = ("ipam-cleanup", "--node", "node-2", "--max-reservations", "300")
Change = Callable[[dict[str, Any]], Any]


def first(payload: dict[str, Any]) -> dict[str, Any]:
    resource: dict[str, Any] = payload["operations"][0]["resource"]
    return resource


def more(payload: dict[str, Any]) -> None:
    """A later version says more than this one asks, everywhere."""
    payload["colour"] = first(payload)["colour"] = payload["operations"][0]["colour"] = "red"
    payload["operations"][0]["change"]["colour"] = payload["target"]["colour"] = "red"


def less(payload: dict[str, Any]) -> None:
    """An earlier version did not know what has a default."""
    for name in ("row", "may", "reason"):
        del first(payload)[name]
    for name in ("own_undo", "version", "already_ok", "id"):
        del payload[name]


# Each with what is said of it.
UNREADABLE: dict[str, tuple[Change, str]] = {
    "a field less": (
        lambda payload: first(payload).pop("api_version"),
        "its KubernetesObject does not say api_version",
    ),
    "another kind": (lambda payload: first(payload).update({"$type": "Future"}), "names a kind 'Future'"),
    "newer": (
        lambda payload: payload.update(version=99),
        "its run.created is of version 99, and this one reads up to 2",
    ),
    "a newer record": (lambda payload: first(payload).update({"$version": 7}), "its KubernetesObject is of version 7"),
    "no operations": (lambda payload: payload.pop("operations"), "does not say operations"),
    "no object": (lambda payload: payload.update(operations=[1]), "is not complete"),
    "no resource": (lambda payload: payload["operations"][0].update(resource=[7]), "names no resource"),
    "another target": (lambda payload: payload.update(target_kind="fleet"), "its target is a 'fleet'"),
    "no target": (lambda payload: payload.update(target=None), "its target is no object"),
}


def rewritten(source: Path, path: Path, change: Change, run_id: str = "") -> str:
    """Copy the newest run into another journal, with what it began with changed; the chain is whole."""
    return copied(source, path, lambda kind, payload: change(payload) if kind == "run.created" else None, run_id)


@pytest.fixture(scope="module")
def once(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """A run on the emulated cluster: its journal, the cluster before, and after."""
    store, before = tmp_path_factory.mktemp("real") / "real.db", break_(world, "ip-masq-agent")
    assert world.runbook(str(store), "run", *WORDS, "--yes")["code"] == 0
    return store, before, world.cluster.dump()


@pytest.fixture
def made(world: World, once: tuple[Path, Any, Any]) -> tuple[World, Path, Any]:
    """The same for each test."""
    store, before, after = once
    world.cluster.load(copy.deepcopy(after))
    return world, store, before


@pytest.mark.parametrize("change", [more, less])
def test_a_field_more_or_less_is_no_bug(made: tuple[World, Path, Any], tmp_path: Path, change: Change) -> None:
    """Such a run is listed, proven and undone exactly."""
    world, source, before = made
    store = str(tmp_path / "other.db")
    run = rewritten(source, Path(store), change)
    assert json.loads(world.runbook(store, "runs")["text"])["runs"][0]["status"] == "verified"
    assert world.runbook(store, "verify", run)["code"] == 0
    done = world.runbook(store, "rollback", run, "--yes")
    assert json.loads(done["text"])["status"] == "rolled_back", done["text"]
    assert comparable(world.state()) == before


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_run_that_cannot_be_read_is_one_line(made: tuple[World, Path, Any], tmp_path: Path, name: str) -> None:
    """The list goes on and says why; every verb on it refuses with one sentence and changes nothing; the others work."""
    world, source, before = made
    store, (change, reason) = str(tmp_path / "other.db"), UNREADABLE[name]
    rewritten(source, Path(store), lambda _: None, "20260101-000000-aaaa")
    bad = rewritten(source, Path(store), change, "20260101-000001-bbbb")
    lines = json.loads(world.runbook(store, "runs")["text"])["runs"]
    assert [line["run_id"] for line in lines] == [bad, "20260101-000000-aaaa"]
    assert f"run {bad} cannot be read by this version: " in lines[0]["error"]["summary"]
    assert reason in lines[0]["error"]["summary"]
    assert lines[1]["status"] == "verified"
    for verb in ("verify", "rollback", "resume"):
        refused = world.runbook(store, verb, bad, *(["--yes"] if verb != "verify" else []))
        error = json.loads(refused["text"])["error"]
        assert (refused["code"], error["next"].split()[:3]) == (3, ["runbook", "runs", bad]), refused["text"]
        assert reason in error["summary"]
    assert json.loads(world.runbook(store, "runs", bad)["text"])["events"][0]["kind"] == "run.created"
    assert world.runbook(store, "audit", "verify")["code"] == 0
    assert world.runbook(store, "rollback", "20260101-000000-aaaa", "--yes")["code"] == 0
    assert comparable(world.state()) == before


def test_the_undo_does_not_ask_the_runbook_of_today(made: tuple[World, Path, Any], tmp_path: Path) -> None:
    """Neither another name of the runbook nor another one of a parameter blocks the undo or changes it."""
    world, source, before = made
    store = str(tmp_path / "other.db")

    def renamed(payload: dict[str, Any]) -> None:
        payload |= {"runbook": "masquerade-agent-of-old", "parameters": {"cidr": ["10.1.0.0/16"]}}

    run = rewritten(source, Path(store), renamed)
    assert json.loads(world.runbook(store, "runs")["text"])["runs"][0]["runbook"] == "masquerade-agent-of-old"
    assert world.runbook(store, "verify", run)["code"] == 0
    done = json.loads(world.runbook(store, "rollback", run, "--yes")["text"])
    assert (done["status"], done["runbook"]) == ("rolled_back", "masquerade-agent-of-old")
    assert comparable(world.state()) == before


def test_an_undo_of_the_runbooks_own_knows_no_parameters(world: World, tmp_path: Path) -> None:
    """Limit and image of the cleaning are those of the run, whatever the parameters were called."""
    break_(world, "ipam-cleanup")
    assert world.runbook(str(tmp_path / "real.db"), "run", *CLEAN, "--yes")["code"] == 0

    def renamed(payload: dict[str, Any]) -> None:
        payload["parameters"] = {"nodes": ["node-2"], "limit": 300}

    run = rewritten(tmp_path / "real.db", tmp_path / "other.db", renamed)
    done = world.runbook(str(tmp_path / "other.db"), "rollback", run, "--yes")
    assert json.loads(done["text"])["status"] == "rolled_back", done["text"]
    journal = opened(tmp_path / "other.db")
    undo = next(item for item in journal.events(run, "undo.planned"))
    made = next(
        item for item in undo.payload["operations"] if item["resource"] and item["resource"]["kind"] == "DaemonSet"
    )
    env = made["change"]["after"]["spec"]["template"]["spec"]["initContainers"][0]["env"]
    assert {"name": "MAX_RESERVATIONS", "value": "300"} in env


def test_a_run_with_other_parameters_is_not_finished(world: World, tmp_path: Path) -> None:
    """What the runbook would do today with parameters that it does not have is not guessed: rollback is the way."""
    before = break_(world, "ip-masq-agent")
    store = str(tmp_path / "other.db")
    assert world.runbook(str(tmp_path / "real.db"), "run", *WORDS, "--yes", point=30).get("signal") == 9

    def renamed(payload: dict[str, Any]) -> None:
        payload["parameters"] = {"cidr": ["10.1.0.0/16"]}

    run = rewritten(tmp_path / "real.db", Path(store), renamed)
    refused = json.loads(world.runbook(store, "resume", run, "--yes")["text"])["error"]
    assert "the parameters of ip-masq-agent have changed since: cidr" in refused["summary"]
    assert refused["next"].startswith(f"runbook rollback {run}")
    assert world.runbook(store, "rollback", run, "--yes")["code"] == 0
    assert comparable(world.state()) == before


def test_an_undo_that_needs_a_runbook_which_is_gone_says_so(world: World, tmp_path: Path) -> None:
    """Its own steps are known to nobody then, and are not left out in silence."""
    break_(world, "ipam-cleanup")
    assert world.runbook(str(tmp_path / "real.db"), "run", *CLEAN, "--yes")["code"] == 0
    run = rewritten(tmp_path / "real.db", tmp_path / "other.db", lambda payload: payload.update(runbook="gone"))
    refused = world.runbook(str(tmp_path / "other.db"), "rollback", run, "--yes")
    assert refused["code"] == 3
    assert (
        "needs the runbook 'gone', which this version does not have" in json.loads(refused["text"])["error"]["summary"]
    )
    with pytest.raises(StalePlan):
        _ = Run.load(opened(tmp_path / "other.db"), run).undo_steps


def test_a_runbook_is_found_under_its_former_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """So scripts and links go on working."""
    from dataclasses import replace  # noqa: PLC0415

    from remediation.catalogue import loading  # noqa: PLC0415
    from runbooks.ipam_cleanup import runbook as ipam_cleanup  # noqa: PLC0415

    book: Runbook = replace(ipam_cleanup.ipam_cleanup, formerly=("free-addresses",))
    monkeypatch.setattr(ipam_cleanup, "ipam_cleanup", book)
    assert loading.find("free-addresses") is book


def test_readers_lead_to_the_newest_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes what one version wrote and returns what the next would have; a record may get another kind by it."""
    readers = (
        lambda old: {"called": old["label"], **old},
        lambda old: {"$type": "KubernetesObject", "api_version": "v1", "kind": "ConfigMap", "name": old["called"]},
    )
    monkeypatch.setitem(versions.RECORDS, "Label", readers)
    wanted = KubernetesObject("v1", "ConfigMap", "x")
    assert records.from_record({"$type": "Label", "label": "x"}) == wanted
    assert records.from_record({"$type": "Label", "$version": 2, "called": "x"}) == wanted
    assert versions.stamped("Label", {})["$version"] == 3
    with pytest.raises(Unreadable, match="of version 4, and this one reads up to 3"):
        records.from_record({"$type": "Label", "$version": 4})
