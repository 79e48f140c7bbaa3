"""SIGKILL before and after every API request and journal entry: afterwards a run ends in all of its plan, or none."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remediation.clients import configurations
from remediation.clients.kubernetes import KubernetesClient
from remediation.engine.run import Run
from remediation.journal import Journal
from remediation.sandbox.daemon import new_cloud
from remediation.sandbox.google import serve as serve_google
from remediation.sandbox.kubernetes import Cluster, kubeconfig, serve
from remediation.sandbox.scenarios import SCENARIOS
from remediation.sandbox.scenarios.google import HOST, PULLER, break_agent
from remediation.sandbox.scenarios.rules import install
from tests.running import content, key_file

_KINDS = ("configmaps", "daemonsets.apps", "nodes", "secrets", "serviceaccounts")


class World:
    """An emulated cluster and cloud that can be set back, and the program that is killed on them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cloud = folder, new_cloud()
        self.cluster = Cluster(nodes=3)
        install(self.cluster)
        self.server, self.google = serve(self.cluster), serve_google(self.cloud)
        self.google.wait_ready()
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(kubeconfig(self.server.url)))
        self.client = KubernetesClient(configurations.load(str(self.kubeconfig), None)[0])
        self.program = subprocess.Popen(
            [sys.executable, "-m", "remediation.testing.crash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        assert self.program.stdin
        assert self.program.stdout
        self.program.stdin.close()
        self.program.wait(20)
        self.program.stdout.close()
        self.server.close()
        self.google.close()
        self.cluster.close()

    def tell(self, *_: Any) -> None:
        break_agent(self.cloud)

    def runbook(self, store: str, *words: str, point: int | None = None) -> dict[str, Any]:
        """Run a verb in a process of its own and kill it at a point."""
        env = {"RUNBOOK_GOOGLE_ENDPOINT": self.google.url, "RUNBOOK_IAM_ENDPOINT": self.google.grpc_target}
        more = (
            "--store",
            store,
            "--kubeconfig",
            str(self.kubeconfig),
            "--context",
            "sandbox",
            "--project",
            "example-prod",
            "-o",
            "json",
        )
        request = {"args": [*words, *more], "point": point, "env": env, "output": str(self.folder / "output")}
        assert self.program.stdin
        assert self.program.stdout
        self.program.stdin.write(json.dumps(request) + "\n")
        self.program.stdin.flush()
        answer: dict[str, Any] = json.loads(self.program.stdout.readline())
        answer["text"] = (self.folder / "output").read_text()
        return answer

    def state(self) -> dict[str, Any]:
        """Return everything that a run may change; names that differ from run to run are taken out."""
        found: dict[str, Any] = {
            "policy": self.cloud.projects["example-prod"].box.policy["bindings"],
            "keys": sorted(self.cloud.accounts[PULLER].keys),
        }
        for kind in _KINDS:
            for item in self.cluster.store.list(kind):
                shown = content(item)
                # What the node's disk holds is no part of a plan.
                for note in ("runbook/run", "sandbox.runbook/leaked"):
                    shown["metadata"]["annotations"].pop(note, None)
                found[f"{kind}/{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"] = shown
        return json.loads(json.dumps(found))  # type: ignore[no-any-return]

    def leases(self) -> list[str]:
        return [
            item["metadata"]["namespace"]
            for item in self.cluster.store.list("leases.coordination.k8s.io")
            if item["metadata"]["name"] == "runbook"
        ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"))
    yield found
    found.close()


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    """A made key differs each time: compare how many there are, and that the Secret holds the one that exists."""
    secret = state.get("secrets/shop/web-registry")
    if secret:
        text = base64.b64decode(secret["data"][".dockerconfigjson"]).decode()
        secret["data"] = {
            "holds an existing key": any(name in text for name in state["keys"]) or "0123456789abcdef" in text
        }
    return {**state, "keys": len(state["keys"])}


PULL = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST)
CASES = {
    "container-service-agent": ("container-service-agent",),
    "ip-masq-agent": ("ip-masq-agent", "--masquerade", "10.1.0.0/16"),
    "ipam-cleanup": ("ipam-cleanup", "--node", "node-2"),
    "pull-secret-file": PULL,
    "pull-secret-key": (*PULL, "--google-service-account", PULLER),
}


@pytest.mark.timeout(280)
@pytest.mark.parametrize("case", CASES)
def test_killed_anywhere_a_run_ends_in_all_or_none(world: World, tmp_path: Path, case: str) -> None:
    """At every point: resume (even points) reaches all of the plan, rollback (odd points) reaches none of it."""
    scenario = SCENARIOS["pull-secret" if case.startswith("pull-secret") else case]
    words = (*CASES[case], *(["--from-key-file", str(key_file(tmp_path))] if case == "pull-secret-file" else []))
    scenario.put(world.client, world, False)
    world.cluster.settle()
    before, cloud = world.cluster.dump(), world.cloud.dump()
    none = comparable(world.state())
    whole = world.runbook(str(tmp_path / "whole.db"), "run", *words, "--yes")
    assert whole["code"] == 0, whole["text"]
    every = comparable(world.state())
    assert every != none or case == "ipam-cleanup"
    for point in range(whole["points"]):
        world.cluster.load(json.loads(json.dumps(before)))
        world.cloud.load(json.loads(json.dumps(cloud)))
        world.cluster.controllers.kubelet.reconsider()
        _crash_and_recover(world, str(tmp_path / f"{point}.db"), words, point, none, every)


def _crash_and_recover(world: World, store: str, words: tuple[str, ...], point: int, none: Any, every: Any) -> None:
    killed = world.runbook(store, "run", *words, "--yes", point=point)
    if "signal" not in killed:
        return  # this time there were fewer points, for watches tell of a different number of changes
    journal = Journal(Path(store))
    runs = [Run.load(journal, event.run_id).as_json() for event in journal.events(kind="run.created")]
    journal.close()
    if not runs:
        assert comparable(world.state()) == none, f"point {point}: something was changed before the run was recorded"
        return
    verb = "rollback" if point % 2 else "resume"
    done = world.runbook(store, verb, runs[0]["run_id"], "--yes")
    finished = runs[0]["status"] in ("verified", "applied")
    assert done["code"] in ((0, 3) if finished else (0,)), f"point {point}: {verb} ended with {done}"
    world.cluster.settle()
    wanted = none if verb == "rollback" else every
    assert comparable(world.state()) == wanted, f"point {point}: {verb} of a run that was {runs[0]['status']}"
    # A run that was finished needs no more work; its lock lapses by itself.
    assert world.leases() == [] or (finished and done["code"] == 3)
