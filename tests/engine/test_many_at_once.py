"""Twenty runs in one process: each ends as it would alone, and nothing of one is seen by another."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from remediation.engine.apply import apply_run
from remediation.engine.outcome import Outcome
from remediation.engine.resuming import resume_run
from remediation.model.api import Api
from remediation.model.errors import LockLost, NotFound
from remediation.model.records import recorded
from remediation.model.refs import Ref
from remediation.model.secrets import Secret
from remediation.model.steps import CheckDefaults, Ensure, Verdict
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.locks import lease_of
from remediation.providers.kubernetes.objects import KubernetesObject
from remediation.verbs.api import RunApi
from runbook_sandbox.kubernetes import Cluster, Fault
from runbook_sandbox.kubernetes.responses import Response
from tests.engine.inside import Inside, Silent, emulated

PLACES, RUNS = 4, 20
WITHIN = 60.0


def config_map(name: str) -> Ref:
    return Ref("v1", "ConfigMap", name, "default")


@recorded
@dataclass(frozen=True)
class Opened(CheckDefaults):
    """Somebody has opened a gate."""

    gate: str

    @property
    def description(self) -> str:
        return f"{self.gate} is open"

    @property
    def permissions(self) -> tuple[Any, ...]:
        return ()

    def ask(self, api: Api) -> Verdict:
        try:
            api.kubernetes.read(config_map(self.gate))
        except NotFound:
            return Verdict("failing", "it is shut")
        return Verdict("ok")

    def moments(self, api: Api, within: float) -> Iterator[None]:
        return api.kubernetes.changes(config_map(self.gate), within)


class Watching(Silent):
    """Tells when a run waits."""

    def __init__(self) -> None:
        self.waits = threading.Event()

    def waiting(self, ensure: Ensure, verdict: Verdict, seconds: float) -> None:
        self.waits.set()


class One:
    """One run of many, with clients and a token of its own."""

    def __init__(self, number: int, inside: Inside, cluster: Cluster) -> None:
        self.name, self.inside, self.cluster = f"run-{number}", inside, cluster
        first, last = (KubernetesObject("v1", "ConfigMap", f"{self.name}-{part}", "default", {"data": {"of": self.name}})
                       for part in ("first", "last"))  # fmt: skip
        self.first, self.last = first, last
        self.run = inside.begin(first, Ensure(Opened(f"{self.name}-gate"), WITHIN), last)
        self.api = self.new_api()
        self.observer = Watching()
        self.outcome: Outcome
        self.seconds = 0.0
        self.thread = threading.Thread(target=self._go)

    def new_api(self) -> RunApi:
        configuration = configurations.load(str(self.inside.kubeconfig), None)[0]
        return RunApi(self.inside.target, self.inside.journal, {"kubernetes": configuration})

    def _go(self) -> None:
        self.api.material.keep("key", Secret(self.name.encode()))
        self.api.kubernetes.text(f"/warn/{self.name}", {})
        started = time.monotonic()
        self.outcome = apply_run(self.run, self.api, self.observer, lambda _: False)
        self.seconds = time.monotonic() - started

    def open(self) -> None:
        self.cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{self.name}-gate", "namespace": "default"}})  # fmt: skip

    def lose(self) -> None:
        """Let somebody else take the lock, as an administrator does who deletes a Lease."""
        ref = lease_of(self.first.scope)
        lease = self.inside.client.read(ref)
        self.inside.client.delete(ref, lease["metadata"]["uid"])
        metadata = {"name": ref.name, "namespace": "default", "labels": lease["metadata"]["labels"]}
        spec = lease["spec"] | {"holderIdentity": "run 7 (other) of somebody on elsewhere/1/2 process 5.5 as n1"}
        self.cluster.create(
            {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        )

    def there(self) -> set[str]:
        """Return which of its two objects are there, as it wanted them."""
        found = set()
        for part in (self.first, self.last):
            try:
                assert self.inside.client.read(part.ref)["data"] == {"of": self.name}
                found.add(part.name.rpartition("-")[2])
            except NotFound:
                pass
        return found


def _warned(method: str, path: str, *_: Any) -> Fault | None:
    if "/warn/" not in path:
        return None
    return Fault(answer=Response(200, "ok", "text/plain", {"Warning": f'299 - "for {path.rpartition("/")[2]}"'}))


@pytest.fixture
def many(tmp_path: Path) -> Iterator[list[One]]:
    """Runs on several clusters, which share one journal."""
    with ExitStack() as stack:
        places = []
        for number in range(PLACES):
            folder = tmp_path / str(number)
            folder.mkdir()
            steps = emulated(folder)
            inside, cluster = next(steps)
            stack.callback(next, steps, None)
            inside.journal, cluster.faults = places[0][0].journal if places else inside.journal, _warned
            places.append((inside, cluster))
        yield [One(number, *places[number % PLACES]) for number in range(RUNS)]


def test_twenty_runs_in_one_process(many: list[One]) -> None:
    """Half of them are stopped in the middle and one loses its lock; the others go on, and the stopped ones are finished later."""
    for one in many:
        one.thread.start()
    for one in many:
        assert one.observer.waits.wait(60), one.name
    stopped, lost, going = many[:10], many[10], many[11:]
    asked = time.monotonic()
    for one in stopped:
        one.api.stop.set(f"{one.name} is not wanted")
    lost.lose()
    for one in [*stopped, lost]:
        one.thread.join(WITHIN / 2)
    assert time.monotonic() - asked < WITHIN / 4
    for one in going:
        assert one.thread.is_alive(), one.name
        one.open()
    for one in going:
        one.thread.join(WITHIN)
        assert (str(one.outcome.status), one.outcome.error, one.there()) == ("verified", None, {"first", "last"})
    for one in stopped:
        assert (str(one.outcome.status), one.outcome.exit_code, one.there()) == ("failed", 1, {"first"})
        assert one.outcome.error is not None
        assert one.outcome.error.summary == f"run {one.run.id} was interrupted"
        assert one.outcome.error.detail == (
            f"{one.name} is not wanted; changed by this run, and not put back: {one.first.address}"
        )
    assert isinstance(lost.outcome.error, LockLost)
    assert (str(lost.outcome.status), lost.there()) == ("failed", {"first"})
    for one in many:
        assert one.api.warnings() == [f"for {one.name}"]
        assert one.api.material.get("key").reveal() == one.name.encode()
    held = {item["metadata"].get("annotations", {}).get("runbook/address") for one in many for item in one.cluster.store.list("leases.coordination.k8s.io")}  # fmt: skip
    assert held == {None}  # of whoever has taken one away
    for one in stopped:
        one.open()
        again = resume_run(one.inside.load(one.run), one.new_api(), Silent(), lambda _: False)
        assert (str(again.status), one.there()) == ("verified", {"first", "last"})
    many[0].inside.journal.verify()
