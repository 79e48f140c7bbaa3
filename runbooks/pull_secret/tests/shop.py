"""Pods of a shop that cannot pull, on the emulated cluster and cloud: what the tests of pull-secret share."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runbook_sandbox.google import Fault as CloudFault
from runbook_sandbox.kubernetes import Fault
from runbook_sandbox.places import HOST, PULLER
from tests.engine.world import World
from tests.running import RUNBOOK, google_env

PULL = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST)
NEW_KEY = (*PULL, "--google-service-account", PULLER)
IMAGE = f"{HOST}/example-prod/shop/web:1"


class Shop:
    """Pods of shop/web that cannot pull, and a store for the runs of one test."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder, self.store = world, folder, str(folder / "journal.db")

    def __call__(self, *words: str, code: int = 0) -> Any:
        """Run a verb and return its document; fail when it ends with another exit code."""
        done = self.world.runbook(self.store, *words)
        assert done["code"] == code, done["text"]
        return json.loads(done["text"])

    def killed(self, *words: str, when: Callable[[str], bool]) -> None:
        """Run a verb in a process of its own and kill it when it sends a request; the request has no effect."""
        world = self.world
        env = google_env(world.google, world.folder)
        process = subprocess.Popen(
            [RUNBOOK, *words, *self.options], env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

        def kill(asked: str) -> bool:
            if when(asked):
                os.kill(process.pid, signal.SIGKILL)
            return when(asked)

        self.faults(
            lambda method, path, query, *_: Fault(close="before") if kill(request(method, path, query)) else None,
            lambda _, method, *__: CloudFault(close="before") if kill(method) else None,
        )
        process.communicate(timeout=60)
        self.faults()
        assert process.returncode == -signal.SIGKILL

    @property
    def options(self) -> tuple[str, ...]:
        return ("--store", self.store, "--kubeconfig", str(self.world.kubeconfig), "--context", "sandbox",
                "--project", "example-prod", "-o", "json")  # fmt: skip

    def faults(self, cluster: Any = None, cloud: Any = None) -> None:
        self.world.cluster.faults, self.world.cloud.faults = cluster, cloud

    @property
    def keys(self) -> list[str]:
        return list(self.world.cloud.accounts[PULLER].keys)

    def colleague_makes_a_key(self) -> str:
        name: str = self.world.cloud.accounts[PULLER].create_key(forbidden=False)["name"]
        return name.rsplit("/", 1)[1]

    def secret(self, name: str = "web-registry") -> Any:
        return self.world.cluster.get("secrets", name, "shop")

    def auths(self) -> dict[str, Any]:
        return dict(json.loads(base64.b64decode(self.secret()["data"][".dockerconfigjson"]))["auths"])

    def put_secret(self, host: str = "gcr.io", metadata: dict[str, Any] | None = None, **more: Any) -> None:
        """Create the Secret with somebody's credentials for a registry."""
        auths = {"auths": {host: {"username": "u", "password": "p", "auth": base64.b64encode(b"u:p").decode()}}}
        data = {".dockerconfigjson": base64.b64encode(json.dumps(auths, separators=(",", ":")).encode()).decode()}
        about = {"name": "web-registry", "namespace": "shop", **(metadata or {})}
        self.world.cluster.create({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
                                   "metadata": about, "data": data, **more})  # fmt: skip

    def put_account(self, name: str, secret: str) -> None:
        about = {"name": name, "namespace": "shop"}
        self.world.cluster.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about,
                                   "imagePullSecrets": [{"name": secret}]})  # fmt: skip

    def put_pod(self, name: str, image: str = IMAGE, account: str = "web", **more: Any) -> None:
        spec = {"serviceAccountName": account, "nodeName": "node-1", "containers": [{"name": "c", "image": image}]}
        about = {"name": name, "namespace": "shop", "ownerReferences": more.pop("owners", [])}
        self.world.cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec | more})

    def pods(self) -> set[str]:
        return {item["metadata"]["name"] for item in self.world.cluster.store.list("pods")}


def request(method: str, path: str, query: Any) -> str:
    return f"{method} {path}" + (" dry" if "dryRun" in query else "")
