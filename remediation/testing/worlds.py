"""The two worlds that scenarios are played in: the embedded cluster, and a real control plane; each beside the embedded cloud."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from remediation.model.diffing import State
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from remediation.testing import states
from remediation.testing.planted import assert_no_secret, key_file
from remediation.testing.program import Program
from remediation.verbs.breaking import ServedWorld
from runbook_sandbox.daemon import new_cloud
from runbook_sandbox.google import breaking
from runbook_sandbox.google import serve as serve_google
from runbook_sandbox.kubernetes import Cluster, User, serve
from runbook_sandbox.nodes.marks import MARKS
from runbook_sandbox.nodes.paths import Paths
from runbook_sandbox.nodes.rules import install
from runbook_sandbox.places import places
from runbook_sandbox.process import COORDINATES

_READS = ("GET", "HEAD", "OPTIONS")
# Methods of REST and gRPC that read.
_ASKING = ("get", "list", "query", "test", "search")
# Who asks for what they may do changes nothing.
_QUESTIONS = ("reviews",)


class EmulatedWorld(ServedWorld):
    """An emulated cluster and cloud that can be set back, and the program whose verbs run on them.

    Args:
        folder: where the kubeconfig and what verbs print are kept.
        secure: whether the API is served over TLS.
    """

    def __init__(self, folder: Path, *, secure: bool = True) -> None:
        self.folder, self.cloud = folder, new_cloud()
        self.cluster = Cluster(nodes=3)
        self.agents = install(self.cluster, Paths(self.cloud, **COORDINATES))
        self.server, self.google = serve(self.cluster, secure=secure), serve_google(self.cloud)
        self.google.wait_ready()
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(self.server.kubeconfig()))
        client = KubernetesClient(configurations.load(str(self.kubeconfig), None)[0])
        known = places(real=False) | {"key_file": str(key_file(folder))}
        super().__init__(client, partial(breaking.tell, self.cloud), known, MARKS)
        self.beginning = self.dump()

    @cached_property
    def program(self) -> Program:
        """The program that forks a verb for each request."""
        return Program(self.folder)

    def dump(self) -> str:
        """Return the state of cluster and cloud."""
        return json.dumps({"cluster": self.cluster.dump(), "cloud": self.cloud.dump()})

    def set_back(self, kept: str = "") -> None:
        """Bring cluster and cloud to where they were when `dump` was asked, or to the beginning; nothing fails any more."""
        state, self.cluster.faults, self.cloud.faults = json.loads(kept or self.beginning), None, None
        self.cluster.load(state["cluster"])
        self.cloud.load(state["cloud"])
        self.cluster.controllers.kubelet.reconsider()

    def settle(self) -> None:
        """Wait until nothing moves any more."""
        self.cluster.settle()

    def objects(self) -> list[State]:
        """Return every object that is stored."""
        return [obj for found in self.cluster.dump()["objects"].values() for obj in found]

    def whole(self) -> dict[str, Any]:
        """Return all that is stored, comparable from run to run."""
        self.settle()
        return states.of(self.objects(), self.cloud.dump())

    @property
    def where(self) -> tuple[str, ...]:
        """The options with which a verb works here."""
        cloud = (word for name, value in COORDINATES.items() for word in (f"--{name}", value))
        return ("--kubeconfig", str(self.kubeconfig), "--context", "sandbox", *cloud)

    @cached_property
    def env(self) -> dict[str, str]:
        """The variables with which a verb asks the emulated cloud, as its owner."""
        token = self.folder / "google-token"
        token.write_text(self.google.token)
        endpoints = {"RUNBOOK_GOOGLE_ENDPOINT": self.google.url, "RUNBOOK_IAM_ENDPOINT": self.google.grpc_target}
        return endpoints | {"RUNBOOK_GOOGLE_TOKEN_FILE": str(token)}

    def verb(self, store: str, *words: str, **how: Any) -> dict[str, Any]:
        """Run a verb; its answer has ``code`` and ``text``, and as ``document`` what it printed, without any secret."""
        done = self.program.run(*words, *self.where, "--store", store, "-o", "json", **({"env": self.env} | how))
        assert_no_secret(" ".join(words), done["text"], Path(store))
        return _read(done)

    def wake(self, process: int) -> dict[str, Any]:
        """Let a verb that was stopped run to its end, and return its answer."""
        return _read(self.program.wake(process))

    def audit(self, store: str) -> int:
        """Verify the chain of a journal, and return the exit code."""
        return int(self.program.run("audit", "verify", "--store", store)["code"])

    @contextmanager
    def as_user(self, name: str) -> Iterator[Mapping[str, str]]:
        """Yield the variables with which a verb asks as somebody without any rights of the cluster."""
        self.cluster.tokens[name] = User(name)
        document = self.server.kubeconfig()
        document["users"][0]["user"] = {"token": name}
        before = self.kubeconfig.read_text()
        self.kubeconfig.write_text(json.dumps(document))
        try:
            yield self.env
        finally:
            self.kubeconfig.write_text(before)

    @contextmanager
    def recorded(self) -> Iterator[list[str]]:
        """Collect the requests of both APIs that change something; dry runs and questions do not."""
        found: list[str] = []

        def cluster(method: str, path: str, query: Mapping[str, str], *_: object) -> None:
            if method not in _READS and "dryRun" not in query and not path.endswith(_QUESTIONS):
                found.append(f"{method} {path}")

        def cloud(service: str, method: str, path: str, _: object) -> None:
            asked = path.rpartition(":")[2] if method == "POST" else method
            if not asked.lower().startswith(_ASKING):
                found.append(f"{service} {method} {path}")

        self.cluster.faults, self.cloud.faults = cluster, cloud
        try:
            yield found
        finally:
            self.cluster.faults = self.cloud.faults = None

    def locks(self) -> list[str]:
        """Return the addresses of the objects that are locked."""
        leases = self.cluster.store.list("leases.coordination.k8s.io")
        ours = [item["metadata"] for item in leases if item["metadata"]["name"].startswith("runbook")]
        return [(item.get("annotations") or {}).get("runbook/address", item["name"]) for item in ours]

    def close(self) -> None:
        """End everything."""
        if "program" in vars(self):
            self.program.close()
        self.server.close()
        self.google.close()
        self.cluster.close()


def _read(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"document": json.loads(answer["text"]) if "code" in answer else {}}
