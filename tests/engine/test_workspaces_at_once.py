"""Workspaces in threads of one process: a real runbook on several clusters and one journal, one of them stopped in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from remediation.verbs import Outcome, Settings, Stop, Workspace
from tests.engine.world import Held, World, break_, comparable

COUNT = 3


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[list[World]]:
    found = []
    for number in range(COUNT):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(World(folder, secure=False))
    yield found
    for world in found:
        world.close()


def workspace(world: World, journal: Path, stop: Stop | None = None) -> Workspace:
    google = {"google": world.google.url, "iam": world.google.grpc_target}
    where = {"kubeconfig": str(world.kubeconfig), "context": "sandbox", "project": "example-prod"}
    return Workspace(Settings(journal, google=google, actor="service@example.com", **where), None, stop)  # type: ignore[arg-type] # texts


def run(world: World, journal: Path, number: int, stop: Stop) -> Outcome:
    with workspace(world, journal, stop) as work:
        plan = work.plan("ip-masq-agent", masquerade=[f"10.{number + 1}.0.0/16"])
        return work.run(plan, approved=plan.fingerprint)


def test_one_is_stopped_and_the_others_are_verified(worlds: list[World], tmp_path: Path) -> None:
    """The stopped one says how to go on; another thread finishes it, and every run is put back exactly."""
    journal, befores = tmp_path / "journal.db", [break_(world, "ip-masq-agent") for world in worlds]
    held, stops = Held(worlds[0], "PATCH", "/daemonsets/ip-masq-agent", 60), [Stop() for _ in worlds]
    with ThreadPoolExecutor(COUNT) as pool:
        ends = [
            pool.submit(run, world, journal, *more) for world, *more in zip(worlds, range(COUNT), stops, strict=True)
        ]  # type: ignore[arg-type] # a number and a token
        assert held.came.wait(30)
        stops[0].set("the service shuts down")
        stopped, *others = [end.result(60) for end in ends]
    held.let_go.set()
    worlds[0].cluster.faults = None
    assert [str(end.status) for end in others] == ["verified"] * (COUNT - 1)
    assert stopped.error is not None
    assert (str(stopped.status), stopped.error.summary) == ("failed", f"run {stopped.run_id} was interrupted")
    assert stopped.error.detail.startswith("the service shuts down; changed by this run")
    with workspace(worlds[0], journal) as work:
        assert str(work.resume(str(stopped.run_id)).status) == "verified"
    for world, end, before in zip(worlds, [stopped, *others], befores, strict=True):
        with workspace(world, journal) as work:
            assert str(work.rollback(str(end.run_id)).status) == "rolled_back"
        assert (comparable(world.state()), world.locks()) == (before, [])
    with workspace(worlds[0], journal) as work:
        assert {item["status"] for item in work.runs()} == {"rolled_back"}
        work.audit()
