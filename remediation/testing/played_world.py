"""What every world of the suite has: an API server with every right, the embedded cloud, and verbs that run on both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from remediation.model.diffing import State
from remediation.model.refs import MANAGED_BY, Ref
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from remediation.testing import states
from remediation.testing.planted import assert_no_secret, key_file
from remediation.testing.program import Program
from remediation.verbs.breaking import ServedWorld
from runbook_sandbox.google import GoogleCloud, breaking, serve
from runbook_sandbox.nodes.marks import MARKS
from runbook_sandbox.places import places
from runbook_sandbox.process import COORDINATES

# Methods of REST and gRPC that read.
_ASKING = ("get", "list", "query", "test", "search")
_LEASES = Ref("coordination.k8s.io/v1", "Lease")


class PlayedWorld(ServedWorld):
    """A world that scenarios are played in, and the program whose verbs run on it.

    Args:
        folder: where what verbs print is kept.
        kubeconfig: where the API server is, with every right.
        context: the context there.
        cloud: the embedded cloud; a healthy one unless given.
    """

    def __init__(self, folder: Path, kubeconfig: Path, context: str, cloud: GoogleCloud, *, real: bool) -> None:
        self.folder, self.kubeconfig, self.context, self.cloud = folder, kubeconfig, context, cloud
        self.google = serve(cloud)
        self.google.wait_ready()
        client = KubernetesClient(configurations.load(str(kubeconfig), context)[0])
        known = places(real=real) | {"key_file": str(key_file(folder))}
        super().__init__(client, partial(breaking.tell, cloud), known, MARKS, real=real)

    @cached_property
    def program(self) -> Program:
        """The program that forks a verb for each request."""
        return Program(self.folder)

    def dump(self) -> str:
        """Return the state, for `set_back`; empty where a state cannot be brought back."""
        raise NotImplementedError

    def set_back(self, kept: str = "") -> None:
        """Bring everything to where it was when `dump` was asked, or to the beginning; nothing fails any more."""
        raise NotImplementedError

    def settle(self) -> None:
        """Wait until nothing moves any more, where that can be known."""

    def objects(self) -> list[State]:
        """Return every object that is stored."""
        raise NotImplementedError

    @contextmanager
    def recorded(self) -> Iterator[list[str]]:
        """Collect the requests of both APIs that change something; dry runs and questions do not."""
        raise NotImplementedError

    def whole(self) -> dict[str, Any]:
        """Return all that is stored, comparable from run to run."""
        self.settle()
        return states.of(self.objects(), self.cloud.dump())

    @property
    def where(self) -> tuple[str, ...]:
        """The options with which a verb works here."""
        cloud = (word for name, value in COORDINATES.items() for word in (f"--{name}", value))
        return ("--kubeconfig", str(self.kubeconfig), "--context", self.context, *cloud)

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

    def writes_to_cloud(self, found: list[str]) -> Any:
        """Return what collects the requests that change something in the cloud."""

        def cloud(service: str, method: str, path: str, _: object) -> None:
            asked = path.rpartition(":")[2] if method == "POST" else method
            if not asked.lower().startswith(_ASKING):
                found.append(f"{service} {method} {path}")

        return cloud

    def locks(self) -> list[str]:
        """Return the addresses of the objects that are locked."""
        wanted = ",".join(f"{name}={value}" for name, value in MANAGED_BY.items())
        found = [item["metadata"] for item in self.list(_LEASES, wanted)]
        return [(item.get("annotations") or {}).get("runbook/address", item["name"]) for item in found]

    def close(self) -> None:
        """End everything that was started."""
        if "program" in vars(self):
            self.program.close()
        self.google.close()


def _read(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"document": json.loads(answer["text"]) if "code" in answer else {}}
