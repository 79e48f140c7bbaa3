"""pull-secret on a real API server, with keys from a file and from the emulated IAM API over gRPC."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediation.testing.planted import KEY, key_file
from runbook_sandbox.control_plane import ControlPlane
from runbook_sandbox.google import Fault, GoogleCloud, Server
from tests.running import Cli, content, google_env

HOST, PULLER = "private.registry.example", "puller@example-prod.iam.gserviceaccount.com"
Get = Callable[..., dict[str, Any]]


@pytest.fixture
def shop(control_plane: ControlPlane) -> str:
    """A namespace with a service account whose pods cannot pull."""
    namespace = control_plane.namespace()
    control_plane.kubectl("-n", namespace, "create", "serviceaccount", "web")
    pod = {
        "serviceAccountName": "web",
        "containers": [{"name": "web", "image": f"{HOST}/shop/web:1"}],
        "terminationGracePeriodSeconds": 0,
    }
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
           "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod}}}  # fmt: skip
    control_plane.kubectl("-n", namespace, "create", "-f", "-", stdin=yaml.safe_dump(web))
    waiting = (
        "-n",
        namespace,
        "get",
        "pods",
        "-o",
        "jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}",
    )
    control_plane.wait_for(
        lambda: control_plane.kubectl(*waiting).stdout.count("ImagePullBackOff") == 2, "ImagePullBackOff"
    )
    return namespace


def words(namespace: str, *more: str, host: str = HOST) -> tuple[str, ...]:
    return ("pull-secret", "--namespace", namespace, "--registry", host, "--service-account", "web", *more)


def auths(get: Get, namespace: str, name: str = "web-registry") -> dict[str, Any]:
    return dict(json.loads(base64.b64decode(get("secret", name, namespace)["data"][".dockerconfigjson"]))["auths"])


def test_the_whole_loop(cli: Cli, shop: str, get: Get, control_plane: ControlPlane, tmp_path: Path) -> None:
    """The fault is found, fixed and undone exactly; the key appears in the Secret and nowhere else."""
    account = content(get("serviceaccount", "web", shop))
    key = key_file(tmp_path)
    found = [
        item
        for item in cli("diagnose", "pull-secret").expect(0).json["findings"]
        if item["parameters"].get("namespace") == shop
    ]
    assert found[0]["status"] == "fault"
    assert f"--namespace {shop}" in found[0]["fix"]
    mark = control_plane.mark()
    cli("plan", *words(shop, "--from-key-file", str(key)), "--out", str(tmp_path / "plan.json")).expect(0)
    assert control_plane.writes(mark) == []
    done = cli("run", *words(shop, "--from-key-file", str(key)), "--yes", "--log", "json").expect(0)
    assert done.status == "verified"
    assert KEY in auths(get, shop)[HOST]["password"]
    mark = control_plane.mark()
    assert cli("run", *words(shop, "--from-key-file", str(key)), "--yes").expect(0).status == "already_ok"
    key.unlink()
    assert cli("verify", done.json["run_id"]).expect(0).status == "verified"
    assert control_plane.writes(mark) == []
    cli("rollback", done.json["run_id"], "--yes").expect(0)
    assert get("secret", "web-registry", shop) == {}
    assert content(get("serviceaccount", "web", shop)) == account


def test_a_second_registry_joins_the_first(cli: Cli, shop: str, get: Get, tmp_path: Path) -> None:
    """Credentials of another registry are merged into the Secret; undoing them leaves the first alone."""
    key = key_file(tmp_path)
    cli("run", *words(shop, "--from-key-file", str(key)), "--yes").expect(0)
    first = auths(get, shop)
    second = cli("run", *words(shop, "--from-key-file", "-", host="gcr.io"), "--yes", stdin=key.read_text()).expect(0)
    assert set(auths(get, shop)) == {HOST, "gcr.io"}
    assert auths(get, shop)[HOST] == first[HOST]
    cli("rollback", second.json["run_id"], "--yes").expect(0)
    assert auths(get, shop) == first


def test_replaced_credentials_come_back(cli: Cli, shop: str, get: Get, tmp_path: Path) -> None:
    """Credentials that a run replaces stay in the cluster as a copy, and rollback restores them from there."""
    cli("run", *words(shop, "--from-key-file", str(key_file(tmp_path, "old", KEY + "-old"))), "--yes").expect(0)
    before = auths(get, shop)
    done = cli("run", *words(shop, "--from-key-file", str(key_file(tmp_path, "new"))), "--yes").expect(0)
    assert "new@" in auths(get, shop)[HOST]["email"]
    assert get("secret", "web-registry-before-runbook", shop)["immutable"] is True
    cli("rollback", done.json["run_id"], "--yes").expect(0)
    assert auths(get, shop) == before
    assert get("secret", "web-registry-before-runbook", shop) == {}


def test_refuses_what_is_not_its_own(cli: Cli, shop: str, control_plane: ControlPlane, tmp_path: Path) -> None:
    """A Secret of another type, or one that others use, is refused and left as it is."""
    key = str(key_file(tmp_path))
    control_plane.kubectl("-n", shop, "create", "secret", "generic", "web-registry", "--from-literal=a=b")
    mark = control_plane.mark()
    assert (
        "type 'Opaque'" in cli("run", *words(shop, "--from-key-file", key), "--yes").expect(3).json["error"]["summary"]
    )
    taken = (
        "-n",
        shop,
        "create",
        "secret",
        "docker-registry",
        "shared",
        "--docker-server=gcr.io",
        "--docker-username=u",
        "--docker-password=p",
    )
    control_plane.kubectl(*taken)
    control_plane.kubectl(
        "-n", shop, "patch", "serviceaccount", "default", "-p", '{"imagePullSecrets":[{"name":"shared"}]}'
    )
    refused = cli("run", *words(shop, "--from-key-file", key, "--secret", "shared"), "--yes").expect(3)
    assert "serviceaccount/default" in refused.json["error"]["summary"]
    assert [item["verb"] for item in control_plane.writes(mark)] == ["create", "patch"]


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ((), 2, "exactly one of"),
        (("--from-key-file", "/nowhere/key.json"), 2, "'/nowhere/key.json' cannot be read"),
        (("--from-key-file", "-"), 2, "'-' is not a service-account key"),
        (("--from-key-file", "x", "--registry", "https://gcr.io/x"), 2, "https://gcr.io/x"),
        (("--from-key-file", "x", "--namespace", "No_Name"), 2, "'No_Name' is not a namespace name"),
        (("--google-service-account", PULLER, "--namespace", "missing"), 2, "--namespace 'missing' does not exist"),
        (("--google-service-account", "nobody"), 2, "'nobody' is not a service account"),
    ],
)
def test_bad_input(cli: Cli, control_plane: ControlPlane, more: tuple[str, ...], code: int, says: str) -> None:
    """Each wrong value ends in one sentence that names it, and nothing is written."""
    mark = control_plane.mark()
    refused = cli("run", *words("default", *more), "--yes").expect(code)
    assert says in refused.json["error"]["summary"]
    assert control_plane.writes(mark) == []


def test_others_edits_survive(cli: Cli, shop: str, get: Get, control_plane: ControlPlane, tmp_path: Path) -> None:
    """Somebody's other pull secret stays after a rollback; somebody's edit of our entry refuses it."""
    done = cli("run", *words(shop, "--from-key-file", str(key_file(tmp_path))), "--yes").expect(0).json["run_id"]
    control_plane.kubectl(
        "-n", shop, "patch", "serviceaccount", "web", "-p", '{"imagePullSecrets":[{"name":"theirs"}]}'
    )
    secret = get("secret", "web-registry", shop)["data"][".dockerconfigjson"]
    other = base64.b64encode(json.dumps({"auths": {HOST: {"username": "u", "password": "p"}}}).encode()).decode()
    control_plane.kubectl(
        "-n", shop, "patch", "secret", "web-registry", "-p", json.dumps({"data": {".dockerconfigjson": other}})
    )
    mark = control_plane.mark()
    cli("rollback", done, "--yes").expect(6)
    assert control_plane.writes(mark) == []
    control_plane.kubectl(
        "-n", shop, "patch", "secret", "web-registry", "-p", json.dumps({"data": {".dockerconfigjson": secret}})
    )
    cli("rollback", done, "--yes").expect(0)
    assert get("serviceaccount", "web", shop)["imagePullSecrets"] == [{"name": "theirs"}]


@pytest.fixture
def google(cli: Cli, cloud: tuple[GoogleCloud, Server]) -> GoogleCloud:
    """The cloud in which the command line makes keys."""
    found, server = cloud
    server.wait_ready()
    cli.env |= google_env(server, cli.folder)
    return found


def test_a_key_is_made_and_taken_away(cli: Cli, shop: str, get: Get, google: GoogleCloud) -> None:
    """A new key goes straight into the Secret; a second run makes none, and rollback deletes the key."""
    done = cli("run", *words(shop, "--google-service-account", PULLER), "--yes").expect(0)
    assert done.status == "verified"
    assert len(google.accounts[PULLER].keys) == 1
    assert PULLER in auths(get, shop)[HOST]["password"]
    assert cli("run", *words(shop, "--google-service-account", PULLER), "--yes").expect(0).status == "already_ok"
    assert len(google.accounts[PULLER].keys) == 1
    cli("rollback", done.json["run_id"], "--yes").expect(0)
    assert google.accounts[PULLER].keys == {}


def test_no_key_is_left_when_the_secret_cannot_be_written(
    cli: Cli, shop: str, google: GoogleCloud, control_plane: ControlPlane
) -> None:
    """A failure after the key was made deletes the key again."""
    calls: list[str] = []

    def forbid_after_the_key(service: str, method: str, path: str, body: dict[str, Any]) -> Fault | None:
        calls.append(method)
        if method == "CreateServiceAccountKey":
            control_plane.kubectl(
                "-n", shop, "create", "secret", "generic", "web-registry", "--from-literal=somebody=was-faster"
            )
        return None

    google.faults = forbid_after_the_key
    done = cli("run", *words(shop, "--google-service-account", PULLER), "--yes").expect(1)
    assert done.status == "rolled_back"
    assert "CreateServiceAccountKey" in calls
    assert google.accounts[PULLER].keys == {}


def test_a_policy_against_keys_is_respected(cli: Cli, shop: str, get: Get, google: GoogleCloud) -> None:
    """Where an organisation forbids keys the run is refused and points to the grant instead."""
    google.keys_forbidden = True
    refused = cli("run", *words(shop, "--google-service-account", PULLER), "--yes").expect(3)
    assert "not allowed" in refused.json["error"]["summary"]
    assert "access to the registry" in refused.json["error"]["next"]
    assert get("secret", "web-registry", shop) == {}


def scale(control_plane: ControlPlane, namespace: str, replicas: int) -> None:
    """Let so many pods be stuck."""
    control_plane.kubectl("-n", namespace, "scale", "deployment/web", f"--replicas={replicas}")
    reason = "jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}"
    waiting = ("-n", namespace, "get", "pods", "-o", reason)
    control_plane.wait_for(
        lambda: control_plane.kubectl(*waiting).stdout.count("ImagePullBackOff") == replicas,
        f"{replicas} stuck pods",
        100,
    )


def test_every_replica_has_to_be_there(cli: Cli, shop: str, control_plane: ControlPlane, tmp_path: Path) -> None:
    """Where a quota lets only some of the replicas come back, those that run do not make it green."""
    scale(control_plane, shop, 8)
    control_plane.kubectl("-n", shop, "create", "quota", "few", "--hard=pods=3")
    used = ("-n", shop, "get", "quota", "few", "-o", "jsonpath={.status.used.pods}")
    control_plane.wait_for(lambda: control_plane.kubectl(*used).stdout == "8", "the quota to count")
    stopped = threading.Event()
    lifter = threading.Thread(target=_lift_quota, args=(control_plane, shop, stopped))
    lifter.start()
    try:
        done = cli("run", *words(shop, "--from-key-file", str(key_file(tmp_path))), "--yes", json_output=False).expect(
            0
        )
    finally:
        stopped.set()
        lifter.join()
    assert "8 pods with the secret" in done.out
    said = " ".join(done.err.split())
    assert re.search("has [0-7] of 8 pods", said), said


def _lift_quota(control_plane: ControlPlane, namespace: str, stopped: threading.Event) -> None:
    """Lift the quota some time after all stuck pods were deleted, and the pods that it allows have started."""
    phases = ("-n", namespace, "get", "pods", "-o", "jsonpath={.items[*].status.phase}")
    while not stopped.wait(1):
        if set(control_plane.kubectl(*phases).stdout.split()) == {"Running"}:
            stopped.wait(20)
            control_plane.kubectl("-n", namespace, "delete", "quota", "few", "--ignore-not-found")
            # The controller waits ever longer after each refusal; an edit makes it look again.
            control_plane.kubectl("-n", namespace, "annotate", "replicaset", "--all", "look=again")
            return
