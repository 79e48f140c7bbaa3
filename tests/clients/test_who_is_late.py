"""A waiting line names the nodes that are waited for, as they are now."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from remediation.access.patience import Patience
from remediation.access.stopping import Stop
from remediation.engine import asking
from remediation.engine.asking import wait_for
from remediation.model.steps import CheckDefaults, Ensure, Verdict
from remediation.providers.kubernetes.rollouts import DaemonSetRolledOut
from tests.clients.answering import answering, client, http

DAEMONSET = {
    "metadata": {"name": "agent", "namespace": "default", "generation": 2, "annotations": {"deprecated.daemonset.template.generation": "2"}},
    "spec": {"selector": {"matchLabels": {"app": "a"}}, "updateStrategy": {"type": "RollingUpdate"}},
    "status": {"observedGeneration": 2, "desiredNumberScheduled": 9, "updatedNumberScheduled": 7, "numberAvailable": 3},
}  # fmt: skip
PENDING = {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
    {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-4"]}]}]}}}}  # fmt: skip


def _pod(
    node: str, *, ready: bool = False, generation: str = "2", waiting: str = "", **metadata: Any
) -> dict[str, Any]:
    statuses = [{"name": "app", "state": {"waiting": {"reason": waiting}} if waiting else {"running": {}}}]
    return {
        "metadata": {"name": f"agent-{node}", "labels": {"app": "a", "pod-template-generation": generation}} | metadata,
        "spec": {"nodeName": node} if node != "node-4" else PENDING,
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}], "containerStatuses": statuses},
    }


PODS = [_pod("node-1"), _pod("node-2", deletionTimestamp="2026-01-01T00:00:00Z"), _pod("node-3", waiting="CrashLoopBackOff"),
        _pod("node-4"), _pod("node-5", generation="1", ready=True), _pod("node-6", ready=True)]  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "detail"),
    [("answered", "node-1, node-2 NotReady; node-3 CrashLoopBackOff; node-4 not ready; node-5 not updated yet; "),
     ("forbidden", "node-1, node-4 not ready; node-2 still stops the old pod; node-3 CrashLoopBackOff; node-5 not updated yet; "),
     ("pods forbidden", "")],
)  # fmt: skip
def test_nodes_that_are_waited_for_are_named(tmp_path: Path, nodes: str, detail: str) -> None:
    """Not a count: whoever waits wants to know where to look. Who may not look is told the numbers."""

    def answer(method: str, path: str) -> bytes:
        if "daemonsets" in path:
            return http(DAEMONSET)
        if "pods" in path:
            return http({}, 403) if nodes == "pods forbidden" else http({"items": PODS})
        ready = "False" if path.endswith(("node-1", "node-2")) else "True"
        return (
            http({}, 403)
            if nodes == "forbidden"
            else http({"status": {"conditions": [{"type": "Ready", "status": ready}]}})
        )

    with answering(answer) as url:
        check, api = DaemonSetRolledOut("default", "agent"), SimpleNamespace(kubernetes=client(tmp_path, url))
        verdict = check.explained(api, check.ask(api))
    assert verdict == Verdict("failing", f"{detail}7 of 9 nodes updated, 3 available")


class Counting(CheckDefaults):
    """A check that gets one further each time it is asked."""

    description = "it counts"
    permissions = ()

    def __init__(self) -> None:
        self.count = 0

    def ask(self, api: Any) -> Verdict:
        self.count += 1
        return Verdict("ok" if self.count == 4 else "failing", f"{self.count} of 4")

    def moments(self, api: Any, within: float) -> Any:
        return iter([None] * 10)


@pytest.mark.parametrize(("often", "lines"), [(0.0, [("2 of 4", 2), ("3 of 4", 3)]), (1.0, [])])
def test_a_waiting_line_is_not_stale(
    monkeypatch: pytest.MonkeyPatch, often: float, lines: list[tuple[str, int]]
) -> None:
    """It says what was just answered, not what was answered before; a wait of a moment is not told of."""
    monkeypatch.setattr(asking, "_TELL_SECONDS", often)
    check, told = Counting(), list[tuple[str, int]]()
    observer = SimpleNamespace(
        waiting=lambda ensure, verdict, seconds: told.append((verdict.detail, check.count)), answered=lambda *_: None
    )
    assert (
        wait_for(
            Ensure(check, 10), SimpleNamespace(patience=Patience(), stop=Stop(), still_locked=lambda: None), observer
        ).status
        == "ok"
    )  # type: ignore[arg-type] # as much of an observer as is asked
    assert told == lines
