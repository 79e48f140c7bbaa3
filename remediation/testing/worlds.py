"""The embedded world: a cluster and a cloud that can be set back to any state."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from remediation.model.diffing import State
from remediation.testing.played_world import PlayedWorld
from runbook_sandbox.daemon import new_cloud
from runbook_sandbox.kubernetes import Cluster, serve
from runbook_sandbox.nodes.paths import Paths
from runbook_sandbox.nodes.rules import install
from runbook_sandbox.process import COORDINATES

_READS = ("GET", "HEAD", "OPTIONS")
# Who asks for what they may do changes nothing.
_QUESTIONS = ("reviews",)


class EmulatedWorld(PlayedWorld):
    """An emulated cluster and cloud that can be set back, and the program whose verbs run on them.

    Args:
        folder: where the kubeconfig and what verbs print are kept.
        secure: whether the API is served over TLS.
    """

    def __init__(self, folder: Path, *, secure: bool = True) -> None:
        cloud, self.cluster = new_cloud(), Cluster(nodes=3)
        self.agents = install(self.cluster, Paths(cloud, **COORDINATES))
        self.server = serve(self.cluster, secure=secure)
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(json.dumps(self.server.kubeconfig()))
        super().__init__(folder, kubeconfig, "sandbox", cloud, real=False)
        self.beginning = self.dump()

    def dump(self) -> str:
        """Return the state of cluster and cloud, and of the disks and kernels of the nodes."""
        return json.dumps({"cluster": self.cluster.dump(), "cloud": self.cloud.dump(), "nodes": self.agents.dump()})

    def set_back(self, kept: str = "") -> None:
        """Bring cluster and cloud to where they were when `dump` was asked, or to the beginning; nothing fails any more."""
        state, self.cluster.faults, self.cloud.faults = json.loads(kept or self.beginning), None, None
        self.cluster.load(state["cluster"])
        self.cloud.load(state["cloud"])
        self.agents.load(state["nodes"])
        self.cluster.controllers.kubelet.reconsider()

    def settle(self) -> None:
        """Wait until nothing moves any more."""
        self.cluster.settle()

    def objects(self) -> list[State]:
        """Return every object that is stored."""
        return [obj for found in self.cluster.dump()["objects"].values() for obj in found]

    @contextmanager
    def recorded(self) -> Iterator[list[str]]:
        """Collect the requests of both APIs that change something; dry runs and questions do not."""
        found: list[str] = []

        def cluster(method: str, path: str, query: Mapping[str, str], *_: object) -> None:
            if method not in _READS and "dryRun" not in query and not path.endswith(_QUESTIONS):
                found.append(f"{method} {path}")

        self.cluster.faults, self.cloud.faults = cluster, self.writes_to_cloud(found)
        try:
            yield found
        finally:
            self.cluster.faults = self.cloud.faults = None

    def close(self) -> None:
        """End everything."""
        super().close()
        self.server.close()
        self.cluster.close()
