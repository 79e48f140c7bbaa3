"""Locks between real processes: who stalls and is rolled back writes nothing any more, and a waiting person is told for whom."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remediation.journal import Journal
from remediation.sandbox.kubernetes import Fault
from tests.engine.world import World, break_, comparable, end, start

MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")
LEASES = "leases.coordination.k8s.io"


class After:
    """Hold up the first request that ``then`` accepts after ``first`` has accepted one, until it is let go."""

    def __init__(self, world: World, first: Callable[[str, str], bool], then: Callable[[str, str], bool]) -> None:
        self.seen, self.came, self.let_go = threading.Event(), threading.Event(), threading.Event()
        self._first, self._then = first, then
        world.cluster.faults = self._fault

    def _fault(self, method: str, path: str, query: Any, headers: Any, body: Any) -> Fault | None:
        del headers, body
        if "dryRun" in query or self.came.is_set():
            return None
        if self.seen.is_set() and self._then(method, path):
            self.came.set()
            self.let_go.wait(100)
        elif self._first(method, path):
            self.seen.set()
        return None


def entries(store: Path) -> list[tuple[str, int]]:
    journal = Journal(store)
    try:
        return [(event.kind, event.payload.get("index", -1)) for event in journal.events()]
    finally:
        journal.close()


def lease(world: World, name: str, holder: str, ago: float, **more: Any) -> None:
    """Put a Lease in place as somebody else would."""
    stamp = (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 30, "acquireTime": stamp, "renewTime": stamp} | more
    metadata = {"name": name, "namespace": "kube-system", "labels": {"app.kubernetes.io/managed-by": "runbook"}}
    world.cluster.create({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})


@pytest.mark.timeout(180)
def test_a_run_that_stalls_and_is_rolled_back_changes_nothing_any_more(world: World, tmp_path: Path) -> None:
    """Stopped between its two writes, undone by another process, woken: target and journal stay, and it says why it ended."""
    before = break_(world, "ip-masq-agent")
    held = After(
        world,
        lambda method, path: method == "PATCH" and path.endswith("/configmaps/ip-masq-agent"),
        lambda method, path: method == "GET" and path.endswith("/daemonsets/ip-masq-agent"),
    )
    first = start(world, tmp_path, "run", *MASQ, "--yes")
    assert held.came.wait(30)
    first.send_signal(signal.SIGSTOP)
    undone = end(start(world, tmp_path, "rollback", "last", "--yes", "--wait", "90"))
    assert (undone["code"], undone["status"]) == (0, "rolled_back")
    assert comparable(world.state()) == before
    recorded = entries(tmp_path / "journal.db")
    held.let_go.set()
    first.send_signal(signal.SIGCONT)
    done = end(first)
    assert (done["code"], done["status"]) == (1, "failed")
    assert "the lock of the target was lost" in done["error"]["summary"]
    time.sleep(1)
    world.cluster.settle()
    assert comparable(world.state()) == before
    assert entries(tmp_path / "journal.db") == recorded
    assert world.leases() == []
