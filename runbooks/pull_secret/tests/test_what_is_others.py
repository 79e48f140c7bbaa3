"""What pull-secret must never do to keys, Secrets and pods that are somebody else's."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from remediation.testing.planted import key_file
from runbook_sandbox.kubernetes import Fault, Response
from runbook_sandbox.places import HOST, PULLER
from runbooks.pull_secret.tests.shop import IMAGE, NEW_KEY, PULL, Shop, request
from tests.running import RUNBOOK


def forbidden(at: str) -> Callable[..., Fault | None]:
    """Let one request be refused for good."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": "Forbidden", "code": 403}  # fmt: skip
    return lambda method, path, query, *_: (
        Fault(answer=Response(403, status)) if request(method, path, query) == at else None
    )


# Keys


def age(shop: Shop, key: str, created: str) -> None:
    shop.world.cloud.accounts[PULLER].keys[key]["validAfterTime"] = created


def test_a_key_of_later_is_somebody_elses(shop: Shop) -> None:
    """A run was killed before it made its key; a key that a colleague makes hours later survives the rollback."""
    shop.killed("run", *NEW_KEY, "--yes", when=lambda request: request == "CreateServiceAccountKey")
    theirs = shop.colleague_makes_a_key()
    age(shop, theirs, "2099-01-01T00:00:00Z")
    shop("rollback", "last", "--yes")
    assert shop.keys == [theirs]


def test_of_two_keys_none_is_guessed(shop: Shop) -> None:
    """Two keys were made in the moment of ours: both are named, none is touched."""
    shop.killed("run", *NEW_KEY, "--yes", when=lambda request: request == "CreateServiceAccountKey")
    theirs = [shop.colleague_makes_a_key(), shop.colleague_makes_a_key()]
    refused = shop("rollback", "last", "--yes", code=6)
    assert all(name in json.dumps(refused["error"]) for name in theirs)
    assert sorted(shop.keys) == sorted(theirs)


def test_only_our_own_key_is_undone(shop: Shop) -> None:
    """A colleague makes a key just before ours; a later failure takes ours away and leaves theirs alive."""
    theirs: list[str] = []

    def faster(service: str, method: str, *_: Any) -> None:
        if method == "CreateServiceAccountKey":
            theirs.append(shop.colleague_makes_a_key())

    shop.faults(forbidden("PATCH /api/v1/namespaces/shop/serviceaccounts/web"), faster)
    shop("run", *NEW_KEY, "--yes", code=1)
    assert shop.keys == theirs
    assert not shop.world.cloud.accounts[PULLER].keys[theirs[0]]["disabled"]
    assert shop.secret() is None


def test_only_our_own_key_is_rolled_back(shop: Shop) -> None:
    """On a later day the journal tells which key is ours, whoever has made others since."""
    shop("run", *NEW_KEY, "--yes")
    theirs = shop.colleague_makes_a_key()
    shop("rollback", "last", "--yes")
    assert shop.keys == [theirs]


def test_a_disabled_account_gets_no_key(shop: Shop) -> None:
    """A key of a disabled account would not work, and an account that is not there has none."""
    shop.world.cloud.accounts[PULLER].disabled = True
    assert "is disabled" in shop("run", *NEW_KEY, "--yes", code=3)["error"]["summary"]
    other = (*PULL, "--google-service-account", "nobody@example-prod.iam.gserviceaccount.com")
    assert "does not exist" in shop("run", *other, "--yes", code=2)["error"]["summary"]
    assert shop.keys == []


# Secrets


def test_a_patch_that_never_happened_is_made(shop: Shop) -> None:
    """The connection broke before the Secret was changed: the entry gets there all the same."""
    shop.put_secret()
    broken: list[str] = []

    def once(method: str, path: str, *_: Any) -> Fault | None:
        if method == "PATCH" and path.endswith("/secrets/web-registry") and not broken:
            broken.append(path)
            return Fault(close="before")
        return None

    shop.faults(once)
    assert shop("run", *NEW_KEY, "--yes")["status"] == "verified"
    assert broken
    assert shop.auths()[HOST]["email"] == PULLER
    assert len(shop.keys) == 1


def test_a_merged_key_is_taken_out_again(shop: Shop) -> None:
    """A new key's entry in somebody's Secret goes with the rollback; the other entry and their notes stay."""
    shop.put_secret()
    before = shop.secret()["data"]
    shop("run", *NEW_KEY, "--yes")
    assert set(shop.auths()) == {"gcr.io", HOST}
    shop("rollback", "last", "--yes")
    assert shop.secret()["data"] == before
    assert shop.keys == []


def test_a_busy_secret_is_patched_all_the_same(shop: Shop) -> None:
    """Somebody writes other fields just before each of our requests: the version is tested, and we look again."""
    shop.put_secret()
    seen: list[bytes] = []

    def busy(method: str, path: str, query: Any, headers: Any, body: bytes) -> None:
        if method == "PATCH" and path.endswith("/secrets/web-registry"):
            seen.append(body)
            if len(seen) < 3:
                shop.world.cluster.edit("secrets", "web-registry", lambda found: found["metadata"].update(labels={"n": str(len(seen))}), "shop")  # fmt: skip

    shop.faults(busy)
    shop("run", *PULL, "--from-key-file", str(key_file(shop.folder)), "--yes")
    assert len(seen) == 3
    assert all(json.loads(body)[0]["path"] == "/metadata/resourceVersion" for body in seen)


def test_a_key_file_can_be_a_pipe(shop: Shop) -> None:
    """What can be read only once is enough for the plan and the write."""
    words = shlex.join([str(RUNBOOK), "run", *PULL, "--yes", *shop.options])
    command = f"{words} --from-key-file <(cat {shlex.quote(str(key_file(shop.folder)))})"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_key_in_the_file_is_another_plan(shop: Shop) -> None:
    """A key file that was replaced between a kill and the resume ends the run with everything as it was."""
    shop.put_secret(HOST)
    before = shop.secret()["data"]
    file = key_file(shop.folder, "approved")
    shop.killed("run", *PULL, "--from-key-file", str(file), "--yes",
                when=lambda request: request == "PATCH /api/v1/namespaces/shop/secrets/web-registry")  # fmt: skip
    file.write_text(key_file(shop.folder, "other").read_text())
    assert "does not hold the key that the plan was made for" in json.dumps(shop("resume", "last", "--yes", code=1))
    assert shop.secret()["data"] == before


def test_a_key_that_is_rotated_during_the_run_is_another_plan(shop: Shop) -> None:
    """The file gets another key after the plan was made: neither the old nor the new one is put into the cluster."""
    file = key_file(shop.folder, "planned")
    other = key_file(shop.folder, "other").read_text()

    def rotate(method: str, path: str, *_: Any) -> None:
        if method == "POST" and "/leases" in path:
            file.write_text(other)

    shop.faults(rotate)
    refused = shop("run", *PULL, "--from-key-file", str(file), "--yes", code=3)
    assert "does not hold the key that the plan was made for" in refused["error"]["summary"]
    assert shop.secret() is None


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}, "owned by Helm"),
        ({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "x"}}}, "owned by Argo CD"),
        ({"immutable": True}, "is immutable"),
    ],
)
def test_what_cannot_stay_changed_is_refused_first(shop: Shop, more: dict[str, Any], says: str) -> None:
    """A Secret that a controller would put back, or nobody can change, is refused before a key is made."""
    shop.put_secret(**more)
    shop.world.cloud.requests.clear()
    assert says in shop("run", *NEW_KEY, "--yes", code=3)["error"]["summary"]
    assert set(shop.auths()) == {"gcr.io"}
    assert "CreateServiceAccountKey" not in {item["method"] for item in shop.world.cloud.requests}


def test_a_secret_that_others_use_stays(shop: Shop) -> None:
    """Another service account names it by now: the rollback says which, and the credentials stay."""
    shop("run", *PULL, "--from-key-file", str(key_file(shop.folder)), "--yes")
    shop.put_account("batch", "web-registry")
    refused = shop("rollback", "last", "--yes", code=6)
    assert "serviceaccount/batch" in json.dumps(refused["error"])
    assert HOST in shop.auths()


def test_a_name_that_others_wait_for_is_taken(shop: Shop) -> None:
    """Another service account names a Secret that does not exist yet; making it would give it the credentials."""
    shop.put_account("batch", "shared")
    words = (*PULL, "--from-key-file", str(key_file(shop.folder)), "--secret", "shared")
    assert "serviceaccount/batch" in shop("plan", *words, code=3)["error"]["summary"]


def test_the_secret_says_whose_key_it_holds(shop: Shop) -> None:
    """Account, key id, registry and run stand on the Secret, so that the key can be found and rotated."""
    done = shop("run", *NEW_KEY, "--yes")
    notes = shop.secret()["metadata"]["annotations"]
    assert notes == {
        "runbook/run": done["run_id"],
        "runbook/id": "IMG-02",
        "runbook/service-account": PULLER,
        "runbook/key-id": shop.keys[0],
        "runbook/registry": HOST,
    }


# Pods


def state(shop: Shop, pod: str, phase: str, **found: Any) -> None:
    """Let a pod be in a state that the emulated kubelet does not make."""
    status = {"name": "c", "image": IMAGE, "imageID": "", "ready": False, "restartCount": 0, **found}
    new = {"phase": phase, "containerStatuses": [status]}
    shop.world.cluster.edit("pods", pod, lambda item: item.update(status=new), "shop")


def test_pods_that_ran_are_left_alone(shop: Shop) -> None:
    """A finished Job and a crashing pod have logs that somebody needs; only what never ran is deleted."""
    deleted: list[str] = []

    def watch(method: str, path: str, query: Any, *_: Any) -> None:
        if method == "DELETE" and "/pods/" in path and "dryRun" not in query:
            deleted.append(path.rsplit("/", 1)[1])

    job = shop.world.cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "report", "namespace": "shop"},
                                     "spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": IMAGE}]}}}})  # fmt: skip
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": "report",
        "uid": job["metadata"]["uid"],
        "controller": True,
    }
    for name in ("done", "crashing"):
        shop.put_pod(name, owners=[owner], restartPolicy="Never")
    shop.world.cluster.settle()
    ended = {"exitCode": 1, "reason": "Error"}
    state(shop, "done", "Succeeded", state={"terminated": {"exitCode": 0, "reason": "Completed"}})
    state(
        shop, "crashing", "Running", state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": ended}
    )
    stuck = {name for name in shop.pods() if name.startswith("web-")}
    shop.faults(watch)
    shop("run", *PULL, "--from-key-file", str(key_file(shop.folder)), "--yes")
    assert stuck <= set(deleted)
    assert not {"done", "crashing"} & set(deleted)


def test_one_wrong_image_name_is_no_bug(shop: Shop) -> None:
    """A pod whose image is no image reference pulls from nowhere; diagnosis, run and proof go on."""
    for account in ("web", "default"):
        shop.put_pod(f"typo-{account}", "MyApp:latest", account)
    shop.world.cluster.settle()
    found = shop("diagnose", "pull-secret")["findings"]
    assert [item["status"] for item in found] == ["fault"]
    assert shop("run", *PULL, "--from-key-file", str(key_file(shop.folder)), "--yes")["status"] == "verified"


def waiting(shop: Shop, message: str, **more: Any) -> Any:
    """Return what a diagnosis says when the only pod without an image has this message."""
    for item in shop.world.cluster.store.list("deployments.apps"):
        if item["metadata"]["name"] == "web":
            shop.world.cluster.edit("deployments.apps", "web", lambda found: found["spec"].update(replicas=0), "shop")
    shop.world.cluster.settle()
    shop.put_pod("one", **more)
    shop.world.cluster.settle()
    state(shop, "one", "Pending", state={"waiting": {"reason": "ImagePullBackOff", "message": message}})
    (found,) = shop("diagnose", "pull-secret")["findings"]
    return found


@pytest.mark.parametrize(
    ("message", "status", "says"),
    [
        (f"failed to resolve {IMAGE}: not found", "not_applicable", "the image does not exist: check its name and tag"),
        ("lookup x: no such host", "not_applicable", "cannot resolve the registry's name"),
        ("dial tcp 192.0.2.1:443: i/o timeout", "not_applicable", "no path from the node"),
        ("unexpected status: 403 Forbidden", "fault", "cannot pull from"),
        ("Unable to retrieve some image pull secrets (x)", "fault", "cannot pull from"),
    ],
)
def test_only_what_credentials_repair_is_offered(shop: Shop, message: str, status: str, says: str) -> None:
    """A wrong tag or a broken network is named, and no key is offered for it."""
    found = waiting(shop, message, account="default")
    assert (found["status"], says in found["summary"]) == (status, True), found
    assert (found["fix"] is not None) == (status == "fault")


def test_the_reason_can_be_in_an_event(shop: Shop) -> None:
    """Older kubelets say in the pod only that they back off; what the registry said is in an event."""
    text = f'Back-off pulling image "{IMAGE}"'
    found = waiting(shop, text, account="default", image="gcr.io/x/y:1")
    assert (found["status"], found["fix"]) == ("unknown", None)
    pod = shop.world.cluster.get("pods", "one", "shop")
    assert pod
    shop.world.cluster.record_event(pod, "Failed", "Failed to pull image: 401 Unauthorized", "Warning")
    (found,) = shop("diagnose", "pull-secret")["findings"]
    (told,) = found["evidence"]
    assert (found["status"], told.startswith("event of pod shop/one on node-")) == ("fault", True)
    assert told.endswith(": Failed to pull image: 401 Unauthorized")


def test_a_pod_from_before_proves_nothing(shop: Shop) -> None:
    """It names the secret and runs, but its image was pulled when there was no secret."""
    shop("run", *PULL, "--from-key-file", str(key_file(shop.folder)), "--yes")
    early = "2020-01-01T00:00:00Z"
    for pod in shop.pods():
        shop.world.cluster.store.put("pods", _older(shop.world.cluster.get("pods", pod, "shop"), early))
    document = shop("verify", "last", "--within", "0", code=5)
    assert document["status"] == "unknown"
    verdict = document["verify"]["checks"][0]
    assert (verdict["status"], "made after the secret" in verdict["detail"]) == ("unknown", True)


def _older(pod: Any, created: str) -> Any:
    status = {**pod["status"], "containerStatuses": [
        {**item, "state": {"running": {"startedAt": created}}} for item in pod["status"]["containerStatuses"]
    ]}  # fmt: skip
    return {**pod, "metadata": {**pod["metadata"], "creationTimestamp": created}, "status": status}


def test_what_a_reader_should_know_is_in_the_plan(shop: Shop) -> None:
    """Other rights and other uses of the key are not looked at; the default account gives the secret to everybody."""
    file = ("--from-key-file", str(key_file(shop.folder)))

    def unchecked(*words: str) -> set[str]:
        checks = shop("plan", *words)["plan"]["checks"]
        return {item["check"] for item in checks if item["status"] != "planned"}

    general = {"a grant instead of a key", "what else the account may do", "where else the key is used"}
    general.add("that puller@example-prod.iam.gserviceaccount.com may read the images")
    assert unchecked(*PULL, *file) == general
    assert unchecked(*PULL, *file, "--service-account", "default") == {*general, "who else gets the secret"}
