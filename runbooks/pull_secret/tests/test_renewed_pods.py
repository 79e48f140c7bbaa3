"""Which pods pull-secret makes anew, and how many have to be there before it says that they pull."""

from __future__ import annotations

import copy
import threading
import time
from functools import partial
from typing import Any

from remediation.testing.planted import key_file
from runbooks.pull_secret.tests.shop import IMAGE, PULL, Shop


def run(shop: Shop, *words: str, code: int = 0) -> Any:
    return shop("run", *PULL, "--from-key-file", str(key_file(shop.folder)), "--yes", *words, code=code)


def scale(shop: Shop, replicas: int) -> None:
    shop.world.cluster.edit("deployments.apps", "web", lambda found: found["spec"].update(replicas=replicas), "shop")
    shop.world.cluster.settle()


def on_delete(shop: Shop, act: Any) -> list[str]:
    """Do something at the first deletion of a pod, and return the names of all that are deleted."""
    deleted: list[str] = []

    def watch(method: str, path: str, query: Any, *_: Any) -> None:
        if method == "DELETE" and "/pods/" in path and "dryRun" not in query:
            deleted.append(path.rsplit("/", 1)[1])
            if len(deleted) == 1:
                act()

    shop.faults(watch)
    return deleted


def owner(shop: Shop, name: str) -> dict[str, Any]:
    """Return the reference to a Job that makes no pods by itself."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": IMAGE}]}}
    job = shop.world.cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "shop"},
                                     "spec": {"suspend": True, "template": template}})  # fmt: skip
    return {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"], "controller": True}


def waits(shop: Shop, pod: str, reason: str) -> None:
    """Let a pod wait for a reason."""
    status = {"image": IMAGE, "imageID": "", "ready": False, "restartCount": 0,
              "state": {"waiting": {"reason": reason, "message": "401 Unauthorized"}}}  # fmt: skip

    def change(item: Any) -> None:
        statuses = [status | {"name": each["name"]} for each in item["spec"]["containers"]]
        item["status"] = {"phase": "Pending", "containerStatuses": statuses}

    shop.world.cluster.edit("pods", pod, change, "shop")


def test_a_pod_that_the_plan_did_not_name_is_left(shop: Shop) -> None:
    """A pod of another controller that gets stuck after the plan is not deleted, and the proof names it."""
    named = {name for name in shop.pods() if name.startswith("web-")}
    shop.put_pod("other", owners=[owner(shop, "report")])
    shop.world.cluster.settle()
    waits(shop, "other", "ContainerCreating")
    deleted = on_delete(shop, lambda: waits(shop, "other", "ImagePullBackOff"))
    document = run(shop, code=5)
    assert set(deleted) == named
    assert "without the secret, so to be made anew: other" in document["error"]["detail"]


def test_pods_with_pull_secrets_of_their_own_are_left(shop: Shop) -> None:
    """A pod whose template names pull secrets gets none of its service account's; making it anew would not help."""
    scale(shop, 0)
    shop.put_pod("own", owners=[owner(shop, "report")], imagePullSecrets=[{"name": "theirs"}])
    shop.world.cluster.settle()
    deleted = on_delete(shop, lambda: None)
    started = time.monotonic()
    document = run(shop, code=5)
    assert deleted == []
    assert "own" in document["error"]["detail"]
    assert time.monotonic() - started < 60


def test_with_nothing_to_make_anew_nobody_waits(shop: Shop) -> None:
    """Pods that run without the secret prove nothing; that is said at once."""
    for pod in shop.pods():
        shop.world.cluster.edit("pods", pod, _running, "shop")
    started = time.monotonic()
    document = run(shop)
    assert time.monotonic() - started < 60
    assert document["status"] == "applied"
    assert "restart the workload" in document["verify"]["checks"][0]["detail"]


def _running(pod: Any) -> None:
    status = {"name": "c", "image": IMAGE, "ready": True, "restartCount": 0, "state": {"running": {}}}
    pod["status"] = {"phase": "Running", "containerStatuses": [status | {"name": pod["spec"]["containers"][0]["name"]}]}


def test_a_pod_that_waited_for_its_secret_is_a_proof(shop: Shop) -> None:
    """The template names a Secret that was not there: it is made, nothing is deleted, and the pods that start then prove it."""
    secret = [{"name": "web-registry"}]
    template = {"spec": {"imagePullSecrets": secret}}
    shop.world.cluster.edit("deployments.apps", "web", lambda found: found["spec"]["template"]["spec"].update(template["spec"]), "shop")  # fmt: skip
    shop.world.cluster.settle()
    deleted = on_delete(shop, lambda: None)
    assert run(shop)["status"] == "verified"
    assert deleted == []


def test_a_pod_that_a_busy_controller_makes_late_is_made_anew_too(shop: Shop) -> None:
    """It may have been made from what the API server knew before; nobody deletes it once the run has ended."""
    job = owner(shop, "report")
    shop.put_pod("early", owners=[job])
    shop.world.cluster.settle()
    waits(shop, "early", "ImagePullBackOff")

    def make_late() -> None:
        store = shop.world.cluster.store
        with store.lock:
            shop.put_pod("late", owners=[job])
            late = copy.deepcopy(store.get("pods", "shop", "late"))
            assert late
            del late["spec"]["imagePullSecrets"]
            store.put("pods", late)
            waits(shop, "late", "ImagePullBackOff")

    timers = []
    deleted = on_delete(shop, lambda: (timers.append(threading.Timer(1.5, make_late)), timers[0].start()))
    shop("run", *PULL, "--from-key-file", str(key_file(shop.folder)), "--yes", "--on-unhealthy", "keep")
    assert "late" in deleted


def test_a_sister_that_the_kubelet_had_not_tried_to_pull_for_is_made_anew_too(shop: Shop) -> None:
    """It is older than the attachment and was not stuck when the plan was made; it gets stuck a moment later."""
    store, (late, _) = shop.world.cluster.store, sorted(shop.pods())
    with store.lock:
        pod = copy.deepcopy(store.get("pods", "shop", late))
        assert pod
        pod["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
        store.put("pods", pod)
        waits(shop, late, "ContainerCreating")
    timers = []
    get_stuck = partial(waits, shop, late, "ImagePullBackOff")
    deleted = on_delete(shop, lambda: (timers.append(threading.Timer(1.5, get_stuck)), timers[0].start()))
    assert run(shop)["status"] == "verified"
    assert late in deleted[1:]
