"""What one step makes is used by a later one: shown as known after apply, filled in when it is, also by a later process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.engine.apply import apply_run
from remediation.engine.operations import Operation, with_known
from remediation.engine.outcome import Outcome
from remediation.engine.resuming import resume_run
from remediation.engine.run import Run
from remediation.engine.still_wanted import refuse_outdated
from remediation.model.changes import Change
from remediation.model.errors import Interrupted, RunbookError, StalePlan
from remediation.model.references import Later, references, resolved
from remediation.model.refs import Ref
from remediation.providers.kubernetes.objects import KubernetesObject
from runbook_sandbox.kubernetes import Cluster
from tests.engine.inside import Inside, Silent, emulated

SERVICE = KubernetesObject(
    "v1", "Service", "web", "default", {"spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}}
)
ADDRESS = Later(SERVICE, "/spec/clusterIP")
USER = KubernetesObject(
    "v1", "ConfigMap", "user", "default", {"data": {"url": f"http://{ADDRESS}:80", "address": ADDRESS}}
)
MAKER = KubernetesObject("v1", "ConfigMap", "maker", "default", {"data": {"a": "made"}})
THING = Ref("v1", "ConfigMap", "user", "default")
SHOWN = "(known after apply of service/default/web /spec/clusterIP)"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Inside, Cluster]]:
    yield from emulated(tmp_path)


def address_of(inside: Inside) -> str:
    return str(inside.client.read(SERVICE.ref)["spec"]["clusterIP"])


def new(done: Outcome, path: str) -> Any:
    edits = [edit for change in (done.plan or {})["changes"] for edit in change["edits"] if edit["path"] == path]
    return edits[0]["new"] if edits else None


def test_a_value_that_is_made_is_used_by_the_next_step(here: tuple[Inside, Cluster]) -> None:
    """The plan says where it comes from; the run fills it in; the rollback takes both away."""
    inside, _ = here
    run, done = inside.run(SERVICE, USER)
    assert done.exit_code == 0
    assert new(done, "/data") == {"url": f"http://{SHOWN}:80", "address": SHOWN} or new(done, "/data/address") == SHOWN
    assert inside.client.read(THING)["data"] == {
        "url": f"http://{address_of(inside)}:80",
        "address": address_of(inside),
    }
    [told] = [event.payload for event in inside.journal.events(run.id, "change.done") if event.payload.get("outputs")]
    assert told["outputs"] == {"spec": {"clusterIP": address_of(inside)}}
    undone = inside.rollback(run)
    assert isinstance(undone, Outcome)
    assert undone.exit_code == 0
    assert not [
        item for item in inside.client.list(Ref("v1", "ConfigMap", "", "default")) if item["metadata"]["name"] == "user"
    ]


def test_a_second_run_changes_nothing(here: tuple[Inside, Cluster]) -> None:
    """What is there already is known while the plan is made."""
    inside, _ = here
    inside.run(SERVICE, USER)
    _, again = inside.run(SERVICE, USER)
    assert (again.plan or {})["changes"] == []
    inside.client.patch(THING, [{"op": "replace", "path": "/data/address", "value": "192.0.2.1"}])
    _, mended = inside.run(SERVICE, USER)
    assert new(mended, "/data/address") == address_of(inside)


def test_a_later_process_knows_what_was_made(here: tuple[Inside, Cluster]) -> None:
    """Killed between the two, the run is finished from its record."""
    inside, _ = here
    run = inside.begin(SERVICE, USER)

    class Killed(Silent):
        def changing(self, change: Any) -> None:
            if change.address.startswith("configmap"):
                raise Interrupted("stopped")

    assert isinstance(apply_run(run, inside.api, Killed(), lambda _: True).error, Interrupted)
    loaded = inside.load(run)
    assert not any(references([item.resource for item in loaded.operations]))
    resumed = resume_run(loaded, inside.api, Silent(), lambda _: True)
    assert resumed.exit_code == 0
    assert inside.client.read(THING)["data"]["address"] == address_of(inside)
    assert isinstance(inside.rollback(run), Outcome)


@pytest.mark.parametrize("moved", [False, True])
def test_what_was_known_in_the_plan_is_looked_at_again(here: tuple[Inside, Cluster], moved: bool) -> None:
    """A record alone is no proof: neither somebody else's edit nor a forged entry leads to a write."""
    inside, _ = here
    user = KubernetesObject("v1", "ConfigMap", "user", "default", {"data": {"copy": Later(MAKER, "/data/a")}})

    class Killed(Silent):
        def changing(self, change: Any) -> None:
            if change.address.endswith("user"):
                raise Interrupted("stopped")

    run = inside.begin(MAKER, user)
    assert isinstance(apply_run(run, inside.api, Killed(), lambda _: True).error, Interrupted)
    if not moved:
        assert resume_run(inside.load(run), inside.api, Silent(), lambda _: True).exit_code == 0
        assert inside.client.read(THING)["data"] == {"copy": "made"}
        return
    inside.client.patch(MAKER.ref, [{"op": "replace", "path": "/data/a", "value": "theirs"}])
    with pytest.raises(StalePlan, match="has to become something else by now"):
        resume_run(inside.load(run), inside.api, Silent(), lambda _: True)


def test_a_value_that_is_forged_in_the_record_is_not_used(here: tuple[Inside, Cluster]) -> None:
    """What a later step would write is compared with what is there."""
    inside, _ = here
    run = inside.begin(SERVICE, USER)

    class Killed(Silent):
        def changing(self, change: Any) -> None:
            if change.address.startswith("configmap"):
                raise Interrupted("stopped")

    apply_run(run, inside.api, Killed(), lambda _: True)
    loaded = inside.load(run)
    forged = {"service/default/web": {"spec": {"clusterIP": "203.0.113.66"}}}
    loaded.operations[1] = with_known(
        Operation("change", USER, Change.between(USER.address, None, USER.desired(None))), forged
    )
    with pytest.raises(StalePlan, match="has to become something else by now"):
        refuse_outdated(loaded, inside.api, lambda index: index == 0)


def test_what_is_not_said_ends_the_run(here: tuple[Inside, Cluster]) -> None:
    """No text that stands for a value is ever written."""
    inside, _ = here
    wrong = KubernetesObject("v1", "ConfigMap", "user", "default", {"data": {"a": Later(SERVICE, "/spec/nothing")}})
    _, done = inside.run(SERVICE, wrong)
    assert isinstance(done.error, StalePlan)
    assert "service/default/web does not say /spec/nothing" in done.error.summary
    assert done.status == "rolled_back"


def test_only_what_a_step_before_makes_can_be_used(here: tuple[Inside, Cluster]) -> None:
    """A mistake of whoever wrote the steps, found by the first plan."""
    inside, _ = here
    with pytest.raises(AssertionError, match="no step before it makes"):
        inside.begin(USER, SERVICE)
    named = KubernetesObject("v1", "ConfigMap", ADDRESS, "default", {"data": {"a": "b"}})
    with pytest.raises(AssertionError, match="which thing it is"):
        inside.begin(SERVICE, named)


def test_a_run_without_references_records_none(here: tuple[Inside, Cluster]) -> None:
    """Nothing more of an object is kept than an undo needs."""
    inside, _ = here
    run, _ = inside.run(SERVICE)
    assert not [event for event in inside.journal.events(run.id, "change.done") if "outputs" in event.payload]
    assert not isinstance(Run.load(inside.journal, run.id), RunbookError)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(str(ADDRESS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES, st.text(st.characters(exclude_characters="()"), min_size=1))
def test_filling_in_leaves_nothing_open_and_touches_nothing_else(value: Any, address: str) -> None:
    """Each place that refers to what is known gets it; without knowledge nothing changes."""
    assert resolved(value, {}) == value
    filled = resolved(value, {"service/default/web": {"spec": {"clusterIP": address}}})
    assert not list(references(filled))
    if not list(references(value)):
        assert filled == value
