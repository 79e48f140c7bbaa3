"""The same requests to the emulation and to a real kube-apiserver; the answers differ only as the docs list."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runbook_sandbox.control_plane import ControlPlane
from runbook_sandbox.kubernetes import Cluster, serve
from tests.sandbox.kubernetes.differential.asking import Ask
from tests.sandbox.kubernetes.differential.corpus import corpus
from tests.sandbox.kubernetes.differential.exchange import Difference, Server, differences
from tests.sandbox.kubernetes.differential.listed import gone, unlisted

EVERY = os.environ.get("EVERY_REQUEST") == "1"
Comparison = tuple[list[Ask], list[Difference]]


@contextmanager
def _paused(plane: ControlPlane) -> Iterator[None]:
    """Hold what would change objects between two requests: only the API server is compared."""
    pids = [plane.pids[name] for name in ("kube-controller-manager", "kube-scheduler", "kwok")]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def compared(control_plane: ControlPlane) -> Comparison:
    """Ask both servers once, in a namespace that both have made ready."""
    namespace = f"differential-{uuid.uuid4().hex[:6]}"
    asked = list(corpus(namespace, every=EVERY))
    with (
        Cluster(nodes=3) as cluster,
        serve(cluster) as running,
        Server(running.url, running.token) as emulated,
        Server(control_plane.url, control_plane.token) as real,
    ):
        made = Ask(
            "", "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        )
        assert (emulated.ask(made).status, real.ask(made).status) == (201, 201)
        for path in ("serviceaccounts/default", "configmaps/kube-root-ca.crt"):
            ready = Ask("", "GET", f"/api/v1/namespaces/{namespace}/{path}")
            control_plane.wait_for(lambda ready=ready: real.ask(ready).status == 200, "the namespace to be ready")  # type: ignore[misc]
        cluster.settle()
        cluster.controllers.stop()
        with _paused(control_plane):
            return asked, differences(asked, emulated, real)


def test_every_request_has_a_name_of_its_own(compared: Comparison) -> None:
    """The list of known differences goes by names."""
    names = [ask.name for ask in compared[0]]
    assert len({*names}) == len(names) > 400


def test_answers_differ_only_as_listed(compared: Comparison) -> None:
    """What differs and is not in docs/emulation.md is a fault of the emulation: mend it, or list it with its reason."""
    found = unlisted(compared[1])
    lines = [f"{each.ask} | {each.field} | {each.emulated[:200]} | {each.real[:200]}" for each in found]
    assert not lines, "\n".join(lines)


def test_what_is_listed_still_differs(compared: Comparison) -> None:
    """A row whose requests are answered alike by now is to go from docs/emulation.md."""
    asked, found = compared
    assert not [f"{pattern}: {row.fields}" for row, pattern in gone(found, asked, corpus("any"))]
