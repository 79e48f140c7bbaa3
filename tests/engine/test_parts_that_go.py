"""A field, a taint or a finalizer is taken out alone, and put back alone; who waits for something to go watches it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.engine.apply import apply_run
from remediation.engine.operations import Operation
from remediation.engine.outcome import Outcome
from remediation.engine.resuming import resume_run
from remediation.engine.run import Run
from remediation.model.changes import Change
from remediation.model.errors import Drifted, Refused
from remediation.model.records import from_record, to_record
from remediation.model.refs import Ref
from remediation.model.status import Status
from remediation.model.steps import Ensure
from remediation.providers.kubernetes.gone import Gone
from remediation.providers.kubernetes.without import Without
from runbook_sandbox.kubernetes import Cluster, Fault
from tests.engine.dying import dies
from tests.engine.inside import Inside, Silent, emulated

THINGS = Ref("v1", "ConfigMap", "things", "default")
DEDICATED = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
OTHER = {"key": "maintenance", "effect": "NoExecute"}
KEPT = "example.com/kept"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Inside, Cluster]]:
    for inside, cluster in emulated(tmp_path):
        metadata = {"name": "things", "namespace": "default", "finalizers": [KEPT, "example.com/other"]}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1", "b": "2"}}
        inside.client.create(THINGS, body)
        yield inside, cluster


def node(inside: Inside) -> Ref:
    return Ref("v1", "Node", inside.client.list(Ref("v1", "Node"))[0]["metadata"]["name"])


def taint(inside: Inside, *taints: dict[str, str]) -> Ref:
    where = node(inside)
    inside.client.patch(where, [{"op": "add", "path": "/spec/taints", "value": list(taints)}])
    return where


def test_a_taint_goes_and_comes_back_alone(here: tuple[Inside, Cluster]) -> None:
    """Another taint that somebody sets meanwhile stays."""
    inside, _ = here
    where = taint(inside, DEDICATED, OTHER)
    run, done = inside.run(Without("v1", "Node", where.name, "", "/spec/taints", {"key": "dedicated"}))
    assert done.exit_code == 0
    assert inside.client.read(where)["spec"]["taints"] == [OTHER]
    assert [edit["path"] for edit in (done.plan or {})["changes"][0]["edits"]] == [
        "/spec/taints/NoSchedule:dedicated:gpu"
    ]
    later = {"key": "later", "effect": "NoSchedule"}
    inside.client.patch(where, [{"op": "add", "path": "/spec/taints/-", "value": later}])
    undone = inside.rollback(run)
    assert isinstance(undone, Outcome)
    assert inside.client.read(where)["spec"]["taints"] == [OTHER, later, DEDICATED]


def test_the_last_taint_goes_with_its_list(here: tuple[Inside, Cluster]) -> None:
    """And the undo makes the list anew."""
    inside, _ = here
    where = taint(inside, DEDICATED)
    run, done = inside.run(Without("v1", "Node", where.name, "", "/spec/taints", {"key": "dedicated"}))
    assert done.exit_code == 0
    assert "taints" not in inside.client.read(where)["spec"]
    assert isinstance(inside.rollback(run), Outcome)
    assert inside.client.read(where)["spec"]["taints"] == [DEDICATED]


def test_a_taint_that_somebody_has_set_again_is_theirs(here: tuple[Inside, Cluster]) -> None:
    """The undo has drifted: what it would put back is there."""
    inside, _ = here
    where = taint(inside, DEDICATED)
    run, _ = inside.run(Without("v1", "Node", where.name, "", "/spec/taints", {"key": "dedicated"}))
    taint(inside, {**DEDICATED})
    undone = inside.rollback(run)
    assert isinstance(undone, Outcome), "nothing is left to be put back"
    assert inside.client.read(where)["spec"]["taints"] == [DEDICATED]


def test_a_field_goes_and_comes_back_alone(here: tuple[Inside, Cluster]) -> None:
    """Its neighbour keeps what others have written into it."""
    inside, _ = here
    run, done = inside.run(Without("v1", "ConfigMap", "things", "default", "/data/a"))
    assert (done.exit_code, inside.client.read(THINGS)["data"]) == (0, {"b": "2"})
    inside.client.patch(THINGS, [{"op": "replace", "path": "/data/b", "value": "3"}])
    assert isinstance(inside.rollback(run), Outcome)
    assert inside.client.read(THINGS)["data"] == {"a": "1", "b": "3"}


def test_a_field_that_somebody_has_set_to_something_else_is_left(here: tuple[Inside, Cluster]) -> None:
    """Drifted, as any other field."""
    inside, _ = here
    run, _ = inside.run(Without("v1", "ConfigMap", "things", "default", "/data/a"))
    inside.client.patch(THINGS, [{"op": "add", "path": "/data/a", "value": "theirs"}])
    assert isinstance(inside.rollback(run), Drifted)
    assert inside.client.read(THINGS)["data"]["a"] == "theirs"


def test_what_is_not_there_need_not_go(here: tuple[Inside, Cluster]) -> None:
    """Neither a field nor a whole object that is absent is a change."""
    inside, _ = here
    _, done = inside.run(
        Without("v1", "ConfigMap", "things", "default", "/data/none"),
        Without("v1", "ConfigMap", "nothing", "default", "/data/a"),
        Without("v1", "ConfigMap", "things", "default", "/metadata/finalizers", "example.com/none"),
    )
    assert (done.plan or {})["changes"] == []
    assert len((done.plan or {})["already_ok"]) == 3


def test_a_finalizer_of_a_living_object_comes_back(here: tuple[Inside, Cluster]) -> None:
    """The order of finalizers means nothing."""
    inside, _ = here
    run, _ = inside.run(Without("v1", "ConfigMap", "things", "default", "/metadata/finalizers", KEPT))
    assert inside.client.read(THINGS)["metadata"]["finalizers"] == ["example.com/other"]
    assert isinstance(inside.rollback(run), Outcome)
    assert sorted(inside.client.read(THINGS)["metadata"]["finalizers"]) == sorted([KEPT, "example.com/other"])


def test_a_finalizer_of_a_dying_object_cannot_come_back(here: tuple[Inside, Cluster]) -> None:
    """The plan says so, and the proof is that the object is gone."""
    inside, _ = here
    found = inside.client.read(THINGS)
    inside.client.patch(THINGS, [{"op": "replace", "path": "/metadata/finalizers", "value": [KEPT]}])
    inside.client.delete(THINGS, found["metadata"]["uid"])
    run, done = inside.run(
        Without("v1", "ConfigMap", "things", "default", "/metadata/finalizers", KEPT),
        Ensure(Gone("v1", "ConfigMap", "things", "default", found["metadata"]["uid"]), 10),
    )
    assert (done.status, done.exit_code) == (Status.VERIFIED, 0)
    assert (done.plan or {})["changes"][0]["reversible"] is False
    assert "goes without its finalizers" in (done.plan or {})["changes"][0]["note"]
    assert run.status == "verified"


@pytest.mark.parametrize("close", ["before", "after"])
def test_an_answer_that_is_lost_is_looked_at(here: tuple[Inside, Cluster], close: Any) -> None:
    """It is taken out once, whether the request came through or not."""
    inside, cluster = here
    lost: list[str] = []

    def lose(method: str, path: str, query: Any, headers: Any, body: bytes) -> Fault | None:
        if method == "PATCH" and "dryRun" not in query and path.endswith("/things") and not lost:
            lost.append(path)
            return Fault(close=close)
        return None

    run = inside.begin(Without("v1", "ConfigMap", "things", "default", "/data/a"))
    cluster.faults = lose
    assert apply_run(run, inside.api, Silent(), lambda _: True).exit_code == 0
    assert lost
    assert inside.client.read(THINGS)["data"] == {"b": "2"}


POINTS = [
    f"{when} {what}"
    for what in ("change.intended", "submit", "change.done", "run.status")
    for when in ("before", "after")
]


@pytest.mark.parametrize("verb", ["resume", "rollback"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_it_ends_as_all_or_nothing(here: tuple[Inside, Cluster], point: str, verb: str) -> None:
    """A taint and a field, or neither; a patch that is tried out first is no write."""
    inside, _ = here
    where = taint(inside, DEDICATED, OTHER)
    steps = (
        Without("v1", "Node", where.name, "", "/spec/taints", {"key": "dedicated"}),
        Without("v1", "ConfigMap", "things", "default", "/data/a"),
    )
    run = inside.begin(*steps)
    assert dies(
        inside, run, lambda run: apply_run(run, inside.api, Silent(), lambda _: True), lambda name: name == point
    )
    if verb == "resume":
        ended = resume_or_not(inside, run)
        assert (ended, inside.client.read(where)["spec"]["taints"], inside.client.read(THINGS)["data"]) == (
            True,
            [OTHER],
            {"b": "2"},
        )
    else:
        assert isinstance(inside.rollback(run), Outcome)
        taints = inside.client.read(where)["spec"]["taints"]
        assert sorted(taints, key=str_of) == sorted([DEDICATED, OTHER], key=str_of)
        assert inside.client.read(THINGS)["data"] == {"a": "1", "b": "2"}


def resume_or_not(inside: Inside, run: Run) -> bool:
    """Finish a run; tell whether it ended well. One that had ended before it died has nothing to be finished."""
    try:
        return resume_run(inside.load(run), inside.api, Silent(), lambda _: True).exit_code == 0
    except Refused as problem:
        return "there is nothing to resume" in problem.summary


def test_waiting_for_something_to_go_watches_it(here: tuple[Inside, Cluster]) -> None:
    """The barrier opens when the last finalizer goes, not at the next look by the clock."""
    inside, _ = here
    uid = inside.client.read(THINGS)["metadata"]["uid"]
    waiting = Gone("v1", "ConfigMap", "things", "default", uid)
    assert waiting.ask(inside.api).detail == "nobody has deleted it"
    inside.client.delete(THINGS, uid)
    assert waiting.ask(inside.api).detail == f"it is marked for deletion; finalizer {KEPT}, example.com/other keeps it"
    timer = threading.Timer(
        0.5, lambda: inside.client.patch(THINGS, [{"op": "remove", "path": "/metadata/finalizers"}])
    )
    timer.start()
    _, done = inside.run(Ensure(waiting, 20))
    timer.join()
    assert done.status is Status.VERIFIED


def test_another_object_of_the_same_name_is_no_reason_to_wait(here: tuple[Inside, Cluster]) -> None:
    """A controller may have made it again already."""
    inside, _ = here
    assert Gone("v1", "ConfigMap", "things", "default", "another-uid").ask(inside.api).status == "ok"
    assert Gone("v1", "ConfigMap", "none", "default").ask(inside.api).status == "ok"


def str_of(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


TAINTS = st.fixed_dictionaries({"key": st.sampled_from("abc"), "effect": st.sampled_from(["NoSchedule", "NoExecute"])})


@given(st.lists(TAINTS, unique_by=lambda item: (item["key"], item["effect"])), st.sampled_from("abc"))
def test_taking_out_and_putting_back_is_exact(taints: list[dict[str, str]], key: str) -> None:
    """Whatever else is in the list, in whatever order; also through a record of the change."""
    wish = Without("v1", "Node", "n", "", "/spec/taints", {"key": key})
    raw = {"spec": {"taints": taints}} if taints else {"spec": {}}
    change = Change.between(wish.address, wish._state(raw), wish.desired(wish._state(raw)))
    without = wish._made(change, raw)
    assert [item for item in taints if item["key"] != key] == without["spec"].get("taints", [])
    read_back = Operation.from_json(Operation("change", wish, change).as_json())
    assert from_record(to_record(wish)) == wish
    assert read_back.change
    back = wish._made(read_back.change.reverse(), without)
    assert sorted(back["spec"].get("taints", []), key=str_of) == sorted(taints, key=str_of)
    assert not wish.foreign(change)
