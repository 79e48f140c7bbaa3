"""A run that cannot be undone as a whole is not undone in part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from remediation.engine.operations import Operation
from remediation.engine.outcome import Outcome
from remediation.engine.rollback import rollback_plan
from remediation.engine.still_wanted import refuse_outdated
from remediation.model.changes import Change, Written
from remediation.model.errors import Interrupted, Irreversible, Refused, StalePlan
from remediation.model.records import recorded
from remediation.model.rights import Permission
from remediation.model.status import Status
from remediation.model.steps import CheckDefaults, During, Ensure, Verdict
from remediation.providers.kubernetes.objects import KubernetesObject
from runbook_sandbox.kubernetes import Cluster, Fault, Response
from tests.engine.inside import Inside, emulated


@recorded
@dataclass(frozen=True)
class Shredded(KubernetesObject):
    """A change that nothing brings back."""

    reversible: ClassVar[bool] = False


@recorded
@dataclass(frozen=True)
class Stopped(KubernetesObject):
    """A change whose process is stopped before it is sent."""

    reversible: ClassVar[bool] = False

    def write(self, api: Any, change: Change, run_id: str, identity: str = "") -> Written:
        raise Interrupted("stopped")


@recorded
@dataclass(frozen=True)
class NeverWell(CheckDefaults):
    """A proof that fails."""

    description: ClassVar[str] = "all is well"
    permissions: ClassVar[tuple[Permission, ...]] = ()

    def ask(self, api: Any) -> Verdict:
        return Verdict("failing", "it is not", final=True)

    def moments(self, api: Any, within: float) -> Iterator[None]:
        yield from ()


def named(name: str, kind: type[KubernetesObject] = KubernetesObject) -> KubernetesObject:
    return kind("v1", "ConfigMap", name, "default", {"data": {"a": "1"}})


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Inside, Cluster]]:
    yield from emulated(tmp_path)


def there(cluster: Cluster) -> list[str]:
    return sorted(item["metadata"]["name"] for item in cluster.store.list("configmaps") if "kube-" not in item["metadata"]["name"])  # fmt: skip


def test_an_unhealthy_run_with_an_irreversible_change_stays_as_it_is(here: tuple[Inside, Cluster]) -> None:
    """All of the plan or none of it: none can not be had any more."""
    inside, cluster = here
    run, done = inside.run(named("first"), named("shredded", Shredded), Ensure(NeverWell(), 0))
    assert there(cluster) == ["first", "shredded"]
    assert (done.status, done.exit_code) == (Status.ROLLBACK_REFUSED, 6)
    assert done.error
    assert "configmap/default/shredded cannot be undone" in done.error.summary
    assert "all is well" in done.error.detail
    refused = inside.rollback(run)
    assert isinstance(refused, Irreversible)
    assert (refused.exit_code, there(cluster)) == (6, ["first", "shredded"])
    assert "all of it stays: configmap/default/first, configmap/default/shredded" in refused.detail


def test_an_irreversible_change_that_was_refused_is_in_nobodys_way(here: tuple[Inside, Cluster]) -> None:
    """The API said no to it, so what came before is put back; the exit code is not that of a run that changed nothing."""
    inside, cluster = here

    def refuse(method: str, path: str, query: Any, headers: Any, body: bytes) -> Fault | None:
        made = method == "POST" and path.endswith("/configmaps") and "dryRun" not in query
        status = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 422, "message": "no", "reason": "Invalid"}  # fmt: skip
        return Fault(answer=Response(422, status)) if made and b"shredded" in body else None

    cluster.faults = refuse
    _, done = inside.run(named("first"), named("shredded", Shredded))
    assert (there(cluster), done.status, done.exit_code) == ([], Status.ROLLED_BACK, 1)


def test_an_irreversible_change_that_never_landed_can_be_rolled_back(here: tuple[Inside, Cluster]) -> None:
    """The process was stopped after it had said what it would do, and before it did it."""
    inside, cluster = here
    run, done = inside.run(named("first"), named("stopped", Stopped))
    assert (there(cluster), done.exit_code) == (["first"], 1)
    shown = rollback_plan(inside.load(run), inside.api)
    assert [change["address"] for change in shown["changes"]] == ["configmap/default/first"]
    undone = inside.rollback(run)
    assert isinstance(undone, Outcome)
    assert (undone.status, there(cluster)) == (Status.ROLLED_BACK, [])


def test_a_refusal_names_no_other_change(here: tuple[Inside, Cluster]) -> None:
    """A run of reversible changes is undone as ever."""
    inside, cluster = here
    run, done = inside.run(named("first"), named("second"))
    assert (done.exit_code, there(cluster)) == (0, ["first", "second"])
    assert not isinstance(inside.rollback(run), Refused)
    assert there(cluster) == []


def test_a_record_cannot_make_it_reversible(here: tuple[Inside, Cluster]) -> None:
    """It would be finished with nobody there, and undone in part."""
    inside, _ = here
    run = inside.begin(named("shredded", Shredded))
    forged = run.operations[0].as_json()
    forged["change"]["reversible"] = True
    told = Operation.from_json(forged).change
    assert told is not None
    assert not told.reversible


def test_a_record_cannot_let_stay_what_is_there_for_a_while(here: tuple[Inside, Cluster]) -> None:
    """A pod that looks into a node would stay there, in a run that ends well."""
    inside, _ = here
    run = inside.begin(named("lasting"), During((named("probe"),), Ensure(NeverWell(), 0)))
    refuse_outdated(run, inside.api, lambda _: False)
    made = next(item for item in run.operations if item.is_temporary)
    assert made.change
    run.operations[run.operations.index(made)] = replace(made, change=replace(made.change, temporary=False))
    with pytest.raises(StalePlan, match="is there for a while only"):
        refuse_outdated(run, inside.api, lambda _: False)
