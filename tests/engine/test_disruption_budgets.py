"""An eviction that a disruption budget does not allow yet is answered with 429, and is no throttling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from remediation.engine import writing
from remediation.engine.apply import apply_run
from remediation.model.changes import Change, Intent, Seen, Written
from remediation.model.diffing import State
from remediation.model.errors import BudgetSpent
from remediation.model.records import recorded
from remediation.model.refs import Ref
from remediation.model.rights import Permission
from remediation.model.status import Status
from remediation.model.steps import ResourceDefaults
from runbook_sandbox.kubernetes import Cluster, Fault, Response
from tests.engine.inside import Inside, Silent, emulated

MESSAGE = "The disruption budget web needs 3 healthy pods and has 3 currently"
SPENT = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "message": "Cannot evict pod as it would violate the pod's disruption budget.",
    "reason": "TooManyRequests",
    "details": {"causes": [{"reason": "DisruptionBudget", "message": MESSAGE}]},
    "code": 429,
}
POD = Ref("v1", "Pod", "web", "default")


@recorded
@dataclass(frozen=True)
class Evicted(ResourceDefaults):
    """A pod that its budget lets go."""

    name: str
    nothing_to_undo: ClassVar[bool] = True
    permissions: ClassVar[tuple[Permission, ...]] = ()

    @property
    def address(self) -> str:
        return f"eviction/{self.name}"

    @property
    def scope(self) -> str:
        return f"cluster/default/{self.address}"

    def read(self, api: Any) -> State | None:
        return self.look(api).state

    def look(self, api: Any) -> Seen:
        there = any(
            item["metadata"]["name"] == self.name for item in api.kubernetes.list(Ref("v1", "Pod", "", "default"))
        )
        return Seen(None if there else {"evicted": True}, api.now())

    def desired(self, current: State | None) -> State:
        return {"evicted": True}

    def preview(self, api: Any, change: Change) -> Change:
        return change

    def write(self, api: Any, change: Change, run_id: str, identity: str = "") -> Written:
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": self.name}}
        api.kubernetes.ask(f"/api/v1/namespaces/default/pods/{self.name}/eviction", eviction)
        return Written({"evicted": True})

    def settle(self, api: Any, change: Change, run_id: str, intent: Intent) -> Written | None:
        return None


class Told(Silent):
    def __init__(self) -> None:
        self.told: list[str] = []

    def held_up(self, by: str, since: float, left: float) -> None:
        self.told.append(by)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Inside, Cluster]]:
    for inside, cluster in emulated(tmp_path):
        spec = {"containers": [{"name": "web", "image": "registry.example.com/web:1"}]}
        inside.client.create(POD, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec})
        yield inside, cluster


def spend(cluster: Cluster, times: int) -> None:
    """Let the budget refuse so many evictions."""
    left = [times]

    def refuse(method: str, path: str, query: Any, headers: Any, body: bytes) -> Fault | None:
        if not path.endswith("/eviction") or not left[0]:
            return None
        left[0] -= 1
        return Fault(answer=Response(429, SPENT))

    cluster.faults = refuse


def test_a_budget_is_waited_for_and_told(here: tuple[Inside, Cluster]) -> None:
    """The budget is named, not the number 429; as soon as it allows it, the pod goes."""
    inside, cluster = here
    spend(cluster, 2)
    told = Told()
    done = apply_run(inside.begin(Evicted("web")), inside.api, told, lambda problem: True)
    assert done.exit_code == 0
    assert told.told == [f"a disruption budget keeps the pod: {MESSAGE}"] * 2


def test_a_budget_that_stays_spent_ends_the_run(here: tuple[Inside, Cluster], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was changed, and the reason is the budget's."""
    inside, cluster = here
    monkeypatch.setattr(writing, "OCCUPIED_SECONDS", 0.3)
    spend(cluster, 100)
    done = apply_run(inside.begin(Evicted("web")), inside.api, Silent(), lambda problem: True)
    assert isinstance(done.error, BudgetSpent)
    assert (done.status, done.exit_code) == (Status.REFUSED, 3)
    assert "still so after" in done.error.detail
