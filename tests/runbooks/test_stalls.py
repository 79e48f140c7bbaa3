"""SIGSTOP during a run on a real API server: who is rolled back meanwhile changes nothing any more when it wakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from remediation.journal import opened
from remediation.testing.planted import key_file
from runbook_sandbox.control_plane import ControlPlane
from tests.running import RUNBOOK, content

Get = Callable[..., dict[str, Any]]
# From the first journal entry to the proof; each is one request or entry further on.
POINTS = (25, 29, 32, 34, 38, 42)


class Stalled:
    """A run in a namespace of its own that stops at a chosen request or journal entry."""

    def __init__(self, folder: Path, control_plane: ControlPlane, point: int) -> None:
        self.point, self.namespace = point, control_plane.namespace()
        self.store, self.output = folder / f"{point}.db", folder / f"{point}.out"
        control_plane.kubectl("-n", self.namespace, "create", "serviceaccount", "web")
        where = ("--kubeconfig", str(control_plane.kubeconfig_path), "--context", "control-plane")
        self.more = [*where, "--store", str(self.store), "-o", "json"]
        words = [
            "run",
            "pull-secret",
            "--namespace",
            self.namespace,
            "--registry",
            "gcr.io",
            "--service-account",
            "web",
        ]
        words += ["--from-key-file", str(key_file(folder)), "--yes"]
        program = [sys.executable, "-m", "remediation.testing.crash"]
        self.program = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        request = {"args": [*words, *self.more], "point": point, "stop": True, "output": str(self.output)}
        self.ask(request)

    def ask(self, request: dict[str, Any]) -> None:
        assert self.program.stdin
        self.program.stdin.write(json.dumps(request) + "\n")
        self.program.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.program.stdout
        found: dict[str, Any] = json.loads(self.program.stdout.readline())
        return found

    def wait(self) -> None:
        """Wait until it stands still."""
        found = self.answer()
        assert "stopped" in found, f"point {self.point} was never reached: {found} {self.output.read_text()}"
        self.child = found["stopped"]

    def roll_back(self) -> subprocess.Popen[str]:
        words = [str(RUNBOOK), "rollback", "last", "--yes", "--wait", "90", *self.more]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wake(self) -> dict[str, Any]:
        """Let it go on, and return how it ended."""
        self.ask({"wake": self.child, "output": str(self.output)})
        return self.answer() | json.loads(self.output.read_text())

    def entries(self) -> list[str]:
        journal = opened(self.store)
        try:
            return [event.digest for event in journal.events()]
        finally:
            journal.close()

    def close(self) -> None:
        with suppress(ProcessLookupError, AttributeError):
            os.kill(self.child, signal.SIGKILL)
        self.program.communicate(timeout=20)


@pytest.fixture
def stalled(tmp_path: Path, control_plane: ControlPlane) -> Iterator[list[Stalled]]:
    found = [Stalled(tmp_path, control_plane, point) for point in POINTS]
    yield found
    for item in found:
        item.close()


@pytest.mark.timeout(280)
def test_a_run_that_wakes_after_its_rollback_changes_nothing(
    stalled: list[Stalled], get: Get, control_plane: ControlPlane
) -> None:
    """Wherever it stood still: after `rolled back` is printed, target and journal stay as they are, and it ends with exit 1."""

    def state(item: Stalled) -> Any:
        secret = control_plane.kubectl("-n", item.namespace, "get", "secret", "-o", "name").stdout
        return content(get("serviceaccount", "web", item.namespace)), secret

    for item in stalled:
        item.wait()
    undoing = [item.roll_back() for item in stalled]
    for item, process in zip(stalled, undoing, strict=True):
        out, err = process.communicate(timeout=150)
        assert process.returncode == 0, f"point {item.point}: {out}{err}"
        assert json.loads(out)["status"] == "rolled_back", f"point {item.point}"
    for item in stalled:
        before, recorded = state(item), item.entries()
        assert before[1] == ""
        assert "imagePullSecrets" not in before[0]
        done = item.wake()
        assert (done["code"], done["status"]) == (1, "failed"), f"point {item.point}: {done}"
        said = done["error"]["summary"]
        assert "lock of the target was lost" in said or "was taken over by another process" in said, (
            f"point {item.point}: {done}"
        )
        assert done["error"]["next"], f"point {item.point}: {done}"
        assert (state(item), item.entries()) == (before, recorded), f"point {item.point}"
