"""Journals that somebody forged, with a chain that is whole: nothing happens that the runbook would not do."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from remediation.journal import opened
from runbook_sandbox.places import HOST, PULLER
from tests.engine.world import World, break_, comparable
from tests.entries import copied

MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")
PULL = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST, "--google-service-account", PULLER)  # fmt: skip
CLEAN = ("ipam-cleanup", "--node", "node-2")
_NUMBERS = itertools.count()
Record = dict[str, Any]
Forge = Callable[[Record], Any]


@dataclass
class Recorded:
    """Real runs whose journals can be forged, and the cluster as each left it."""

    world: World
    folder: Path
    cluster: dict[str, Any]

    def forged(self, name: str, forge: Forge, kind: str = "run.created") -> tuple[str, str]:
        """Bring the cluster to where the run left it; return a forged journal and the run's id."""
        self.world.cluster.load(copy.deepcopy(self.cluster[name]))
        path = self.folder / f"forged-{next(_NUMBERS)}.db"
        run = copied(self.folder / f"{name}.db", path, lambda found, payload: forge(payload) if found == kind else None)
        return str(path), run

    def refused(self, code: int, name: str, forge: Forge, *verb: str, kind: str = "run.created") -> str:
        """Run a verb on a forged journal; it refuses, and nothing at all is changed. Return what it says."""
        store, run = self.forged(name, forge, kind)
        before = json.dumps(self.world.state(), sort_keys=True)
        answer = self.world.runbook(store, verb[0], run, *verb[1:])
        assert json.dumps(self.world.state(), sort_keys=True) == before, answer["text"]
        assert answer["code"] == code, answer["text"]
        error: dict[str, str] = json.loads(answer["text"])["error"]
        return f"{error['summary']} | {error['detail']} | {error['next']}"


@pytest.fixture(scope="module")
def recorded(world: World, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Runs that ended, and some that were killed before their first write."""
    found, fresh = Recorded(world, tmp_path_factory.mktemp("journals"), {}), world.cluster.dump()
    for name, words in (("ip-masq-agent", MASQ), ("container-service-agent", MASQ[:0]), ("pull-secret", PULL)):
        break_(world, name)
        assert world.runbook(str(found.folder / f"{name}.db"), "run", *(words or [name]), "--yes")["code"] == 0
        found.cluster[name] = world.cluster.dump()
    for name, words in (("ip-masq-agent", MASQ), ("pull-secret", PULL)):
        world.cluster.load(copy.deepcopy(fresh))
        break_(world, name)
        _kill_before_the_first_change(world, found.folder / f"{name}-killed.db", words)
        found.cluster[f"{name}-killed"] = world.cluster.dump()
    return found


def _kill_before_the_first_change(world: World, store: Path, words: tuple[str, ...]) -> None:
    for point in range(10, 60):
        attempt = store.with_stem(f"{store.stem}-{point}")
        world.runbook(str(attempt), "run", *words, "--yes", point=point)
        journal = opened(attempt)
        kinds = [event.kind for event in journal.events()]
        journal.close()
        if kinds == ["run.created", "change.intended"]:
            attempt.rename(store)
            return
    raise AssertionError("no such point")


def op(record: Record, kind: str) -> Record:
    """Return the operation on the first object of a kind, or of a kind of resource."""
    every: list[Record] = record["operations"]
    return next(item for item in every if kind in (item["resource"] or {}).values() and item["kind"] == "change")


def renames(which: str, /, **fields: Any) -> Forge:
    """Return a forger who lets a resource be another one, under the address that it had."""
    return lambda record: op(record, which)["resource"].update(fields)


def as_another(which: str, address: str, /, **fields: Any) -> Forge:
    """Return a forger who also tells the other address."""

    def forge(record: Record) -> None:
        found = op(record, which)
        found["resource"].update(fields)
        found["change"]["address"] = address

    return forge


UNDONE: dict[str, tuple[str, Forge, str]] = {
    "a Deployment under the address of a ConfigMap": (
        "ip-masq-agent",
        renames("ConfigMap", api_version="apps/v1", kind="Deployment", name="web", namespace="shop"),
        "deployment/shop/web is nothing that it touches",
    ),
    "a Deployment under its own address": (
        "ip-masq-agent",
        as_another("ConfigMap", "deployment/shop/web", api_version="apps/v1", kind="Deployment", name="web", namespace="shop"),
        "deployment/shop/web is nothing that it touches",
    ),
    "the right object under another address": (
        "ip-masq-agent",
        as_another("ConfigMap", "configmap/shop/harmless"),
        "is called configmap/shop/harmless there",
    ),
    "a path for a name": (
        "ip-masq-agent",
        renames("ConfigMap", name="ip-masq-agent/../../../shop/secrets/other"),
        "is nothing that it touches",
    ),
    "a namespace in the kind": (
        "ip-masq-agent",
        renames("ConfigMap", kind="ConfigMap/kube-system", namespace=""),
        "is nothing that it touches",
    ),
    "a name that is no text": ("ip-masq-agent", renames("ConfigMap", name=["ip-masq-agent"]), "that it touches"),
    "another version of the group": ("ip-masq-agent", renames("ConfigMap", api_version="v2"), "that it touches"),
    "more than a text": (
        "ip-masq-agent",
        lambda record: op(record, "DaemonSet")["change"].update(edits=[{"path": "/spec/template", "old": {"spec": {"hostPID": True}}, "new": {}}]),
        "it never changes /spec/template of daemonset",
    ),
    "the root of an object": (
        "ip-masq-agent",
        lambda record: op(record, "ConfigMap")["change"].update(edits=[{"path": "", "old": {"kind": "Role"}, "new": {}}]),
        "it never changes ",
    ),
    "a removal": (
        "ip-masq-agent",
        lambda record: op(record, "ConfigMap")["change"].update(after=None),
        "it never removes configmap/kube-system/ip-masq-agent",
    ),
    "a restore of nothing": (
        "ip-masq-agent",
        lambda record: record["operations"].append({"kind": "restore", "of": -1, "resource": None, "ensure": None}),
        "it puts something back that it never changed",
    ),
    "an undo of nothing": (
        "ip-masq-agent",
        lambda record: record["undo"].append({"kind": "undo", "of": 7, "resource": None, "ensure": None}),
        "it puts something back that it never changed",
    ),
    "an undo with a change": (
        "ip-masq-agent",
        lambda record: record["undo"].append(record["operations"][0]),
        "its undo makes a change of its own",
    ),
    "an undo that waits for something else": (
        "ip-masq-agent",
        lambda record: record["undo"].append(
            record["operations"][-1]
            | {"ensure": {"check": {"$type": "DaemonSetRolledOut", "namespace": "shop", "name": "web"}, "within": 1, "always": False}}
        ),
        "a DaemonSetRolledOut is nothing that it touches",
    ),
    "a kind of operation that there is not": (
        "ip-masq-agent",
        lambda record: record["operations"][0].update(kind="format"),
        "it holds a format of nothing",
    ),
    "a Secret elsewhere": ("pull-secret", renames("PullSecret", namespace="kube-system"), "secret/kube-system/web-registry is nothing"),
    "another Secret": ("pull-secret", renames("PullSecret", name="other"), "secret/shop/other is nothing"),
    "another service account": ("pull-secret", renames("ServiceAccount", name="admin"), "serviceaccount/shop/admin is nothing"),
    "the keys of another account": (
        "pull-secret",
        renames("ServiceAccountKey", email="admin@example-prod.iam.gserviceaccount.com"),
        "serviceaccountkey/admin@example-prod.iam.gserviceaccount.com is nothing",
    ),
    "another project": (
        "container-service-agent",
        renames("ProjectIamMember", project="example-test"),
        "iam/projects/example-test/",
    ),
    "another member": (
        "container-service-agent",
        renames("ProjectIamMember", member="user:mallory@example.com"),
        "user:mallory@example.com is nothing",
    ),
    "the agent of another project": (
        "container-service-agent",
        renames("ProjectIamMember", member="serviceAccount:service-999@container-engine-robot.iam.gserviceaccount.com"),
        "service-999@container-engine-robot.iam.gserviceaccount.com is nothing",
    ),
    "another role": ("container-service-agent", renames("ProjectIamMember", role="roles/owner"), "roles/owner"),
    "a resource of another runbook": (
        "ip-masq-agent",
        lambda record: op(record, "ConfigMap").update(
            resource={"$type": "ProjectIamMember", "project": "example-prod", "role": "roles/owner", "member": "user:mallory@example.com"}
        ),
        "roles/owner/user:mallory@example.com is nothing",
    ),
    "a runbook that is not known": (
        "ip-masq-agent",
        lambda record: (record.update(runbook="gone"), renames("ConfigMap", name="coredns")(record)),
        "configmap/kube-system/coredns is nothing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", UNDONE)
def test_a_rollback_undoes_only_what_the_runbook_does(recorded: Recorded, what: str) -> None:
    """It names what this runbook never touches, and changes nothing; its dry run says the same."""
    name, forge, said = UNDONE[what]
    told = recorded.refused(6, name, forge, "rollback", "--yes")
    assert said in told
    assert "nothing was changed" in told
    assert "runbook audit verify" in told
    assert said in recorded.refused(6, name, forge, "rollback", "--dry-run")


def binding(record: Record) -> None:
    """Plan a ClusterRoleBinding that makes somebody an administrator."""
    name = "planted"
    content = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory"}],
    }
    resource = {"$type": "KubernetesObject", "api_version": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "name": name, "manifest": content}  # fmt: skip
    after = {"apiVersion": resource["api_version"], "kind": resource["kind"], "metadata": {"name": name}, **content}
    change = {"address": f"clusterrolebinding/{name}", "before": None, "after": after, "edits": [], "reversible": True}
    record["operations"].insert(0, {"kind": "change", "of": -1, "change": change, "resource": resource, "ensure": None})


def other_text(record: Record) -> None:
    """Let the agent's configuration become another one, in every place where it stands."""
    found, text = op(record, "ConfigMap"), "nonMasqueradeCIDRs: []\n"
    found["resource"]["manifest"] = {"data": {"config": text}}
    found["change"]["after"]["data"]["config"] = text
    found["change"]["edits"][0]["new"] = text


FINISHED: dict[str, tuple[str, Forge, str]] = {
    "an administrator": ("ip-masq-agent-killed", binding, "clusterrolebinding/planted is nothing that it touches"),
    "another configuration": ("ip-masq-agent-killed", other_text, "configmap/kube-system/ip-masq-agent has to become something else"),
    "an edit that its resource does not make": (
        "ip-masq-agent-killed",
        lambda record: op(record, "ConfigMap")["change"]["edits"][0].update(new="nonMasqueradeCIDRs: []\n"),
        "is recorded with a change that nobody planned",
    ),
    "something temporary that stays": (
        "ip-masq-agent-killed",
        lambda record: op(record, "ConfigMap")["change"].update(temporary=True),
        "it never takes back configmap/kube-system/ip-masq-agent",
    ),
    "credentials from another file": (
        "pull-secret-killed",
        renames("PullSecret", source="file:/etc/shadow"),
        "secret/shop/web-registry is nothing that it touches",
    ),
    "another registry": ("pull-secret-killed", renames("PullSecret", host="mallory.example.com"), "secret/shop/web-registry"),
    "another check": (
        "ip-masq-agent-killed",
        lambda record: record["operations"].append(
            {"kind": "ensure", "of": -1, "resource": None, "ensure": {"check": {"$type": "GrantVisible", "project": "x", "role": "y", "member": "z"}, "within": 1, "always": True}}
        ),
        "a GrantVisible is nothing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FINISHED)
def test_a_resume_does_only_what_the_runbook_wants(recorded: Recorded, what: str) -> None:
    """Neither another thing nor another content of the right one is made."""
    name, forge, said = FINISHED[what]
    assert said in recorded.refused(3, name, forge, "resume", "--yes")
    assert recorded.world.cluster.get("clusterrolebindings.rbac.authorization.k8s.io", "planted") is None


def test_a_field_that_is_not_ours_is_never_written(recorded: Recorded) -> None:
    """Earlier versions recorded what the API did along with a change; that is not undone, whatever stands there."""
    image = "/spec/template/spec/containers/[name=ip-masq-agent]/image"
    edit = {"path": image, "old": "mallory.example.com/root:1", "new": "x"}
    store, run = recorded.forged(
        "ip-masq-agent", lambda record: op(record, "DaemonSet")["change"]["edits"].append(edit)
    )
    answer = recorded.world.runbook(store, "rollback", run, "--yes")
    assert answer["code"] == 0, answer["text"][-900:]
    assert "mallory" not in json.dumps(recorded.world.state())


def test_a_verify_asks_only_what_the_runbook_asks(recorded: Recorded) -> None:
    """A check that looks elsewhere proves nothing."""

    def elsewhere(record: Record) -> None:
        checks = [item["ensure"]["check"] for item in record["operations"] if item["ensure"]]
        next(item for item in checks if item["$type"] == "DaemonSetRolledOut").update(namespace="shop", name="web")

    assert "a DaemonSetRolledOut is nothing" in recorded.refused(3, "ip-masq-agent", elsewhere, "verify")


def test_what_others_have_made_is_never_removed(recorded: Recorded) -> None:
    """A record may say that the run made what it only changed; it carries no mark of the run."""
    world = recorded.world
    recorded.forged("ip-masq-agent", lambda _: None)
    live = world.cluster.get("configmaps", "ip-masq-agent", "kube-system")
    assert live

    def claims(record: Record) -> None:
        op(record, "ConfigMap")["change"].update(before=None, temporary=True)

    told = recorded.refused(6, "ip-masq-agent", claims, "rollback", "--yes")
    assert "configmap/kube-system/ip-masq-agent" in told


def test_no_key_of_others_is_removed(recorded: Recorded) -> None:
    """The name of the key that was made has to be one of the account, and no key that was there before."""
    world = recorded.world
    other = "projects/example-prod/serviceAccounts/admin@example-prod.iam.gserviceaccount.com/keys/1"

    def claims(entry: Record) -> None:
        if entry["identity"].startswith("projects/"):
            entry["identity"] = other

    store, run = recorded.forged("pull-secret", claims, "change.done")
    keys = sorted(world.cloud.accounts[PULLER].keys)
    answer = world.runbook(store, "rollback", run, "--yes")
    assert answer["code"] == 6, answer["text"]
    assert "is no key that this run has made" in answer["text"]
    assert sorted(world.cloud.accounts[PULLER].keys) == keys


def test_the_undo_of_a_cleaning_runs_no_other_image(world: World, tmp_path: Path, recorded: Recorded) -> None:
    """What is deployed for it comes from the record of what was deployed before."""
    before = break_(world, "ipam-cleanup")
    store = tmp_path / "ipam-cleanup.db"
    assert world.runbook(str(store), "run", *CLEAN, "--yes")["code"] == 0
    here = Recorded(world, tmp_path, {"ipam-cleanup": world.cluster.dump()})

    def swapped(entry: Record) -> None:
        if entry["after"] and entry["after"].get("kind") == "DaemonSet":
            entry["after"]["spec"]["template"]["spec"]["initContainers"][0]["image"] = "mallory.example.com/root:1"

    told = here.refused(6, "ipam-cleanup", swapped, "rollback", "--yes", kind="change.done")
    assert "it never runs mallory.example.com/root:1" in told
    honest, run = here.forged("ipam-cleanup", lambda _: None)
    assert world.runbook(honest, "rollback", run, "--yes")["code"] == 0
    assert comparable(world.state()) == before
