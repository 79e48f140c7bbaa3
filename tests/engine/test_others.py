"""What others have made of the objects of a run: their fields stay, ours come back, and a doubt is refused."""

from __future__ import annotations

import copy
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediation.engine.outcome import Outcome
from remediation.engine.resuming import resume_run
from remediation.model.changes import Change, Seen
from remediation.model.diffing import KNOWN_AFTER_APPLY, State
from remediation.model.errors import Drifted, NotFound, Refused
from remediation.model.refs import Ref
from remediation.model.status import Status
from remediation.providers.kubernetes.client import JSON_PATCH
from remediation.providers.kubernetes.objects import KubernetesObject
from tests.engine.inside import Inside, Silent
from tests.running import content

LABELS = {"app": "web"}
CONTAINER = {"name": "web", "image": "registry.example.com/web:1", "ports": [{"name": "http", "containerPort": 80}]}
DEPLOYMENT = {
    "spec": {
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [CONTAINER]}},
    }
}
MERGE = "application/merge-patch+json"


def edit(inside: Inside, ref: Ref, patch: Any, manager: str, kind: str = MERGE) -> State:
    """Change an object as somebody else."""
    return inside.client.request("PATCH", ref.path, {"fieldManager": manager}, patch, kind)


def now(inside: Inside, ref: Ref) -> State | None:
    try:
        return inside.client.read(ref)
    except NotFound:
        return None


def deployed(inside: Inside) -> tuple[Any, KubernetesObject]:
    """Create a Deployment in a run, and wait until its controller has written into it."""
    thing = KubernetesObject("apps/v1", "Deployment", f"d-{uuid.uuid4().hex[:8]}", "default", DEPLOYMENT)
    run, done = inside.run(thing)
    assert done.exit_code == 0
    for _ in inside.client.changes(thing.ref, 30, f"metadata.name={thing.name}", quiet=1):
        found = now(inside, thing.ref)
        if found and "deployment.kubernetes.io/revision" in found["metadata"].get("annotations", {}):
            return run, thing
    raise AssertionError("the controller did not come")


def test_a_deployment_that_a_run_made_can_be_undone(inside: Inside) -> None:
    """Its controller keeps its books in an annotation and in the status."""
    run, thing = deployed(inside)
    undone = inside.rollback(run)
    assert isinstance(undone, Outcome), undone
    assert (undone.status, now(inside, thing.ref)) == (Status.ROLLED_BACK, None)


BOOKS = {
    "a label": {"metadata": {"labels": {"policy": "seen"}}},
    "an annotation": {"metadata": {"annotations": {"example.com/seen": "yes"}}},
}
WORK = {
    "a field that we set": {"spec": {"selector": None, "template": {"metadata": {"labels": {"app": "web", "tier": "x"}}}}},
    "our stamp": {"metadata": {"annotations": {"runbook/run": "another"}}},
    "a scaled one": {"spec": {"replicas": 3}},
    "a field of their own": {"spec": {"template": {"spec": {"priorityClassName": "system-node-critical"}}}},
}  # fmt: skip
WORK["a field that we set"]["spec"].pop("selector")


@pytest.mark.parametrize("what", BOOKS)
def test_labels_and_notes_of_others_go_with_what_they_are_on(inside: Inside, what: str) -> None:
    """They tell something about an object that was ours."""
    run, thing = deployed(inside)
    edit(inside, thing.ref, BOOKS[what], "kubectl-label")
    assert isinstance(inside.rollback(run), Outcome)
    assert now(inside, thing.ref) is None


@pytest.mark.parametrize("what", WORK)
def test_what_people_have_made_of_it_is_not_thrown_away(inside: Inside, what: str) -> None:
    """A Deployment that somebody has edited is at work for somebody else by now."""
    run, thing = deployed(inside)
    edit(inside, thing.ref, WORK[what], "kubectl-edit")
    before = now(inside, thing.ref)
    refused = inside.rollback(run)
    assert isinstance(refused, Drifted), refused
    assert before
    assert (now(inside, thing.ref) or {})["spec"] == before["spec"]


def test_a_replica_count_of_an_autoscaler_is_no_work_of_a_person(inside: Inside) -> None:
    """It writes as part of the control plane."""
    run, thing = deployed(inside)
    edit(inside, thing.ref, {"spec": {"replicas": 2}}, "kube-controller-manager")
    assert isinstance(inside.rollback(run), Outcome)
    assert now(inside, thing.ref) is None


def test_a_new_object_of_the_same_name_is_not_ours(inside: Inside) -> None:
    """Somebody deleted what the run made and made it again, alike in every field."""
    thing = KubernetesObject("v1", "ConfigMap", f"c-{uuid.uuid4().hex[:8]}", "default", {"data": {"a": "1"}})
    run, _ = inside.run(thing)
    made = inside.client.read(thing.ref)
    inside.client.delete(thing.ref, made["metadata"]["uid"])
    body = {key: value for key, value in content(made).items() if key != "status"}
    inside.client.request("POST", thing.ref.collection, {"fieldManager": "helm"}, body)
    refused = inside.rollback(run)
    assert isinstance(refused, Drifted)
    assert "/metadata/uid" in refused.summary
    assert now(inside, thing.ref)


def test_where_nobody_tells_who_wrote_it_what_came_later_is_work_of_others() -> None:
    """A server that keeps no managed fields, or an object whose fields somebody has made nobody's."""
    thing = KubernetesObject("v1", "ConfigMap", "c", "default", {"data": {"a": "1"}})
    asked = thing.desired(None)
    raw = {**asked, "data": {"a": "1", "z": "2"}, "immutable": False}
    made = Change.between(thing.address, {**asked, "immutable": KNOWN_AFTER_APPLY}, None)
    assert thing.drifted(made, Seen(raw, 0.0, raw=raw)) == ["/data/z"]


@pytest.mark.parametrize("theirs", [{"a": "9"}, {"z": "theirs"}])
def test_work_of_others_in_what_a_killed_run_made_is_seen(inside: Inside, theirs: State) -> None:
    """The run died after the object was made and before that was noted: only the cluster knows how it was made."""
    thing = KubernetesObject("v1", "ConfigMap", f"k-{uuid.uuid4().hex[:8]}", "default", {"data": {"a": "1"}})
    run = inside.begin(thing)
    run.intend(0, thing.look(inside.api))
    change = run.operations[0].change
    assert change
    with inside.api.locked(run.scopes, run.holder):
        thing.write(inside.api, change, run.id)
    edit(inside, thing.ref, {"data": theirs}, "kubectl-edit")
    refused = inside.rollback(run)
    assert isinstance(refused, Drifted), refused
    with pytest.raises(Refused, match=f"cannot be finished: {thing.address} was changed at /data"):
        resume_run(inside.load(run), inside.api, Silent(), lambda problem: True)
    assert (now(inside, thing.ref) or {})["data"] == {"a": "1"} | theirs


def mine(inside: Inside) -> KubernetesObject:
    """Return a change of a ConfigMap that is there: ``a`` from 0 to 1."""
    thing = KubernetesObject("v1", "ConfigMap", f"m-{uuid.uuid4().hex[:8]}", "default", {"data": {"a": "1"}})
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": thing.name}, "data": {"a": "0"}}
    inside.client.create(thing.ref, body)
    return thing


def value(inside: Inside, thing: KubernetesObject) -> str:
    return str(inside.client.read(thing.ref)["data"]["a"])


def test_the_fix_of_a_later_run_is_not_undone_with_a_run_that_died_before_its_write(inside: Inside) -> None:
    """Both write as one field manager, so only the journal tells whose value it is; the later one goes first."""
    thing = mine(inside)
    died = inside.begin(thing)
    died.intend(0, thing.look(inside.api))
    again, done = inside.run(thing)
    assert done.exit_code == 0
    refused = inside.rollback(died)
    assert isinstance(refused, Drifted), refused
    assert again.id in refused.summary
    assert str(refused.next[0]) == f"runbook rollback {again.id}"
    assert value(inside, thing) == "1"
    assert isinstance(inside.rollback(again), Outcome)
    assert isinstance(inside.rollback(died), Outcome)
    assert value(inside, thing) == "0"


def test_a_change_that_a_later_run_has_made_again_is_its_own(inside: Inside) -> None:
    """Somebody set it back between the two."""
    thing = mine(inside)
    first, _ = inside.run(thing)
    edit(inside, thing.ref, {"data": {"a": "0"}}, "kubectl-edit")
    second, _ = inside.run(thing)
    assert second.begun
    assert isinstance(inside.rollback(first), Drifted)
    assert value(inside, thing) == "1"


def test_a_later_run_on_other_fields_is_in_nobodys_way(inside: Inside) -> None:
    """Each is undone by itself, in any order."""
    thing = mine(inside)
    first, _ = inside.run(thing)
    other = KubernetesObject("v1", "ConfigMap", thing.name, "default", {"data": {"b": "1"}})
    inside.run(other)
    assert isinstance(inside.rollback(first), Outcome)
    assert inside.client.read(thing.ref)["data"] == {"a": "0", "b": "1"}


KEYS, VALUES = st.sampled_from("abcd"), st.sampled_from(["1", "2", "3"])
DATA = st.dictionaries(KEYS, VALUES, max_size=4)
THEIRS = st.lists(st.tuples(KEYS, st.sampled_from(["1", "2", "3", None])), max_size=3)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    before=st.none() | DATA, wanted=st.lists(DATA.filter(bool), min_size=1, max_size=2), first=THEIRS, second=THEIRS,
    note=st.booleans(),
)  # fmt: skip
def test_a_rollback_restores_ours_and_leaves_theirs_or_changes_nothing(
    inside: Inside, before: Any, wanted: list[Any], first: list[Any], second: list[Any], note: bool
) -> None:
    """Whatever we and others have done to an object, in whatever order."""
    ref = Ref("v1", "ConfigMap", f"p-{uuid.uuid4().hex[:12]}", "default")
    if before is not None:
        inside.client.create(
            ref, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ref.name}, "data": before}
        )
    runs, model = [], _Model(before)
    for data, theirs in zip(wanted, [first, second], strict=False):
        run, done = inside.run(KubernetesObject("v1", "ConfigMap", ref.name, "default", {"data": data}))
        assert done.exit_code == 0
        if run.begun:
            runs.append(run)
            model.ours(data)
        for key, value in theirs:
            edit(inside, ref, {"data": {key: value}}, "kubectl-edit")
            model.theirs(key, value)
    if note:
        edit(inside, ref, {"metadata": {"labels": {"theirs": "1"}}}, "kubectl-label")
    for run in reversed(runs):
        seen = now(inside, ref)
        assert seen
        undone = inside.rollback(run)
        if not model.undo():
            assert isinstance(undone, Drifted), undone
            assert content(now(inside, ref) or {}) == content(seen)
            return
        assert isinstance(undone, Outcome), undone
        left = now(inside, ref)
        assert (left.get("data", {}) if left else None) == model.data
        assert not left or ("theirs" in left["metadata"].get("labels", {})) == note


class _Model:
    """What has to come of it, told in dictionaries."""

    def __init__(self, before: dict[str, str] | None) -> None:
        self.data, self._runs = copy.deepcopy(before), []  # type: ignore[var-annotated] # of (what we set, what was there)
        self._set_by_us: dict[str, str] = {}

    def ours(self, data: dict[str, str]) -> None:
        made = self.data is None
        old = self.data or {}
        changed = {key: value for key, value in data.items() if old.get(key) != value}
        self._runs.append((changed if not made else dict(data), {key: old.get(key) for key in changed}, made))
        self.data = old | data

    def theirs(self, key: str, value: str | None) -> None:
        assert self.data is not None
        self.data = {name: item for name, item in (self.data | {key: value}).items() if item is not None}  # type: ignore[dict-item] # None is taken out

    def undo(self) -> bool:
        """Undo the last run; False where it has to be refused."""
        ours, old, made = self._runs.pop()
        assert self.data is not None
        if not made and all(self.data.get(key) == value for key, value in old.items()):
            return True  # others have put it back already
        if any(self.data.get(key) != value for key, value in ours.items()) or (made and set(self.data) - set(ours)):
            return False
        if made:
            self.data = None
            return True
        for key, value in old.items():
            self.theirs(key, value)
        return True


APPLY = "application/apply-patch+yaml"
TOOLS = {
    "argocd-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm": "Helm",
    "configsync.gke.io": "Config Sync",
    "Terraform": "Terraform",
    "pulumi-kubernetes-1a2b3c4d": "Pulumi",
}
NOBODY = ("kubectl", "kubectl-client-side-apply", "kubectl-edit", "kube-controller-manager", "my-operator")


def managed(inside: Inside, manager: str, **fields: Any) -> KubernetesObject:
    """Return what a run would change in a ConfigMap that a manager has applied."""
    ref = Ref("v1", "ConfigMap", f"o-{uuid.uuid4().hex[:8]}", "default")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ref.name}}
    if "data" not in fields:
        inside.client.create(ref, body | {"data": {"a": "1"}})
    metadata = body["metadata"] | fields.pop("metadata", {})  # type: ignore[operator] # it is a dict
    query = {"fieldManager": manager, "force": "true"}
    inside.client.request("PATCH", ref.path, query, body | {"metadata": metadata} | fields, APPLY)
    return KubernetesObject("v1", "ConfigMap", ref.name, "default", {"data": {"a": "2"}})


@pytest.mark.parametrize("manager", TOOLS)
def test_what_a_tool_applies_is_its_own(inside: Inside, manager: str) -> None:
    """Server-side apply leaves no label: the field manager alone tells who would put the object back."""
    with pytest.raises(Refused, match=f"is owned by {TOOLS[manager]}, which may revert"):
        inside.begin(managed(inside, manager, data={"a": "1"}))


@pytest.mark.parametrize("manager", NOBODY)
def test_people_and_the_control_plane_own_nothing(inside: Inside, manager: str) -> None:
    """They do not put back what we change."""
    _, done = inside.run(managed(inside, manager, data={"a": "1"}))
    assert done.exit_code == 0


def test_a_label_by_terraform_is_no_ownership(inside: Inside) -> None:
    """It sets single labels on objects that it does not keep."""
    _, done = inside.run(managed(inside, "Terraform", metadata={"labels": {"team": "a"}}))
    assert done.exit_code == 0


@pytest.mark.parametrize("controller", [True, False])
def test_an_object_of_a_controller_is_its_own(inside: Inside, controller: bool) -> None:
    """An operator keeps what it has made as its resource says; a reference for garbage collection alone says nothing."""
    addon = Ref("v1", "ConfigMap", f"addon-{uuid.uuid4().hex[:8]}", "default")
    made = inside.client.create(addon, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": addon.name}})
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": addon.name, "uid": made["metadata"]["uid"]}
    thing = managed(inside, "kubectl", data={"a": "1"})
    owners = [owner | {"controller": controller}]
    edit(inside, thing.ref, {"metadata": {"ownerReferences": owners}}, "my-operator")
    if controller:
        with pytest.raises(Refused, match="is owned by ConfigMap/addon-"):
            inside.begin(thing)
    else:
        assert inside.begin(thing).operations


def test_the_patches_that_stand_for_others_are_as_kubectl_sends_them(inside: Inside) -> None:
    """The server notes who sent them."""
    ref = Ref("v1", "ConfigMap", f"m-{uuid.uuid4().hex[:8]}", "default")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ref.name}}
    inside.client.create(ref, body | {"data": {"b": "1"}})
    made = edit(inside, ref, [{"op": "add", "path": "/data/a", "value": "1"}], "kubectl-edit", JSON_PATCH)
    fields = {item["manager"]: item["fieldsV1"] for item in made["metadata"]["managedFields"]}
    assert fields["kubectl-edit"] == {"f:data": {"f:a": {}}}


def test_an_object_that_nobody_owned_a_field_of_stays_without_owners(inside: Inside) -> None:
    """The server does not begin to take notes at a later write, so there a change that landed is taken for ours."""
    ref = Ref("v1", "ConfigMap", f"m-{uuid.uuid4().hex[:8]}", "default")
    inside.client.create(ref, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ref.name}})
    assert "managedFields" not in edit(inside, ref, {"data": {"a": "1"}}, "kubectl-edit")["metadata"]
