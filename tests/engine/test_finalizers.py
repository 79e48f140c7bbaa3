"""What a run made and somebody's finalizer keeps: a rollback says so, and a later one goes on."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from remediation.engine.outcome import Outcome
from remediation.model.errors import NotFound
from remediation.model.refs import Ref
from remediation.model.status import Status
from remediation.providers.kubernetes import removal
from remediation.providers.kubernetes.objects import KubernetesObject
from runbook_sandbox.places import HOST, PULLER
from tests.engine.inside import Inside
from tests.engine.world import World, break_, comparable

KEEP = "example.com/keep"
MERGE = "application/merge-patch+json"
# Nobody lets go meanwhile.
SOON = {"remediation.providers.kubernetes.removal:_SECONDS": 2.0}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait no longer than the runs that are processes of their own."""
    monkeypatch.setattr(removal, "_SECONDS", 2.0)


def config(name: str) -> KubernetesObject:
    return KubernetesObject("v1", "ConfigMap", f"{name}-{uuid.uuid4().hex[:8]}", "default", {"data": {"a": "1"}})


def keep(inside: Inside, ref: Ref, *finalizers: str) -> None:
    patch = {"metadata": {"finalizers": list(finalizers)}}
    inside.client.request("PATCH", ref.path, {"fieldManager": "backup-operator"}, patch, MERGE)


def there(inside: Inside, ref: Ref) -> bool:
    try:
        inside.client.read(ref)
    except NotFound:
        return False
    return True


def test_a_rollback_is_not_done_while_a_finalizer_keeps_what_was_made(inside: Inside) -> None:
    """It says which object is still there, whose finalizer keeps it, and what to type; so does the next one."""
    kept = config("kept")
    run, _ = inside.run(kept)
    keep(inside, kept.ref, KEEP)
    for _ in range(2):
        refused = inside.rollback(run)
        assert isinstance(refused, Outcome), refused
        assert (refused.status, refused.exit_code) == (Status.ROLLBACK_REFUSED, 6), refused.error
        assert refused.error
        told = f"{refused.error.summary} | {refused.error.detail}"
        for part in (kept.address, KEEP, "backup-operator", f"kubectl -n default get configmap {kept.name}"):
            assert part in told
        assert str(refused.error.next[0]) == f"runbook rollback {run.id}"
        assert there(inside, kept.ref)
        assert inside.load(run).in_place == [kept.address]


def test_a_second_rollback_goes_on(inside: Inside) -> None:
    """What is undone after the kept object is undone when that one is gone."""
    first, kept = config("first"), config("kept")
    run, _ = inside.run(first, kept)
    keep(inside, kept.ref, KEEP)
    refused = inside.rollback(run)
    assert isinstance(refused, Outcome)
    assert (refused.exit_code, there(inside, first.ref)) == (6, True)
    keep(inside, kept.ref)
    done = inside.rollback(run)
    assert isinstance(done, Outcome), done
    assert (done.status, done.exit_code) == (Status.ROLLED_BACK, 0)
    assert not there(inside, first.ref)
    assert not there(inside, kept.ref)


def test_a_finalizer_that_lets_go_in_time_is_waited_for(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of them do what they have to do, and go."""
    kept = config("kept")
    run, _ = inside.run(kept)
    keep(inside, kept.ref, KEEP)
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        keep(inside, kept.ref)

    monkeypatch.setattr(inside.api.patience, "_say", say)
    done = inside.rollback(run)
    assert isinstance(done, Outcome), done
    assert (done.status, there(inside, kept.ref)) == (Status.ROLLED_BACK, False)
    assert kept.address in said[0]


def _keeps(world: World, path: str) -> None:
    """Let somebody set a finalizer on an object when its deletion is on its way."""
    storage, name = path.split("/")

    def fault(method: str, where: str, query: Any, headers: Any, body: Any) -> None:
        del headers, body
        if method == "DELETE" and where.endswith(f"/{path}") and "dryRun" not in query:
            _set(world, storage, name, [KEEP])

    world.cluster.faults = fault


def _set(world: World, storage: str, name: str, finalizers: list[str]) -> None:
    namespace = "shop" if storage == "secrets" else "kube-system"
    found = world.cluster.get(storage, name, namespace)
    assert found
    patch = {"metadata": {"finalizers": finalizers}}
    ref = Ref("v1", {"secrets": "Secret", "configmaps": "ConfigMap"}[storage], name, namespace)
    world.client.request("PATCH", ref.path, {"fieldManager": "backup-operator"}, patch, MERGE)


def test_a_cleaning_whose_configuration_is_kept_is_finished_later(world: World, tmp_path: Path) -> None:
    """The node is not left cordoned, the run says what is left of it, and resume ends it."""
    break_(world, "ipam-cleanup")
    _keeps(world, "configmaps/runbook-ipam-cleanup")
    store = str(tmp_path / "journal.db")
    done = world.runbook(store, "run", "ipam-cleanup", "--node", "node-2", "--yes", set=SOON)
    document = json.loads(done["text"])
    assert done["code"] == 6, done["text"]
    assert "configmap/kube-system/runbook-ipam-cleanup is marked for deletion" in document["error"]["summary"]
    assert f"runbook resume {document['run_id']}" in document["error"]["next"]
    node = world.cluster.get("nodes", "node-2")
    assert node
    assert not node["spec"].get("unschedulable")
    world.cluster.faults = None
    _set(world, "configmaps", "runbook-ipam-cleanup", [])
    done = world.runbook(store, "resume", document["run_id"], "--yes")
    assert done["code"] == 0, done["text"]
    assert world.cluster.get("configmaps", "runbook-ipam-cleanup", "kube-system") is None


def test_a_pull_secret_that_is_kept_holds_no_key_that_works(world: World, tmp_path: Path) -> None:
    """The key is gone though the Secret is not, and the next rollback has only the Secret to remove."""
    before = break_(world, "pull-secret")
    store = str(tmp_path / "journal.db")
    words = ("--namespace", "shop", "--service-account", "web", "--registry", HOST, "--google-service-account", PULLER)
    assert world.runbook(store, "run", "pull-secret", *words, "--yes")["code"] == 0
    _keeps(world, "secrets/web-registry")
    done = world.runbook(store, "rollback", "last", "--yes", set=SOON)
    assert done["code"] == 6, done["text"]
    assert "secret/shop/web-registry is marked for deletion" in done["text"]
    assert comparable(world.state())["keys"] == before["keys"]
    world.cluster.faults = None
    _set(world, "secrets", "web-registry", [])
    done = world.runbook(store, "rollback", "last", "--yes")
    assert done["code"] == 0, done["text"]
    assert comparable(world.state()) == before
