"""SIGKILL during a run on a real API server: resume reaches all of the plan, rollback none of it, and the lock does not stay."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remediation.testing.planted import assert_no_secret, key_file
from runbook_sandbox.control_plane import ControlPlane
from tests.running import Cli, content

MANAGED = "app.kubernetes.io/managed-by=runbook"
Get = Callable[..., dict[str, Any]]


class Program:
    """The command line in processes that are killed at a chosen request or journal entry."""

    def __init__(self, folder: Path, control_plane: ControlPlane) -> None:
        self._folder = folder
        self._more = ["--kubeconfig", str(control_plane.kubeconfig_path), "--context", "control-plane", "-o", "json"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "remediation.testing.crash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, store: Path, *words: str, point: int | None = None) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        output = self._folder / "output"
        more = ["-o", "json"] if words[0] == "runs" else self._more
        args = [*words, *more, "--store", str(store)]
        self._process.stdin.write(json.dumps({"args": args, "point": point, "output": str(output)}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert_no_secret(" ".join(words), output.read_text(), store)
        return answer | {"text": output.read_text()}

    def close(self) -> None:
        self._process.communicate(timeout=20)


@pytest.fixture
def program(tmp_path: Path, control_plane: ControlPlane) -> Iterator[Program]:
    found = Program(tmp_path, control_plane)
    yield found
    found.close()


def _sweep(program: Program, cli: Cli, words: tuple[str, ...], read: Callable[[], Any]) -> None:
    """Kill at every seventh point, in turns to resume and to roll back, and compare with before and with a whole run."""
    none = read()
    whole = program(cli.folder / "whole.db", "run", *words, "--yes")
    assert whole["code"] == 0, whole["text"]
    every = read()
    assert program(cli.folder / "whole.db", "rollback", "last", "--yes")["code"] == 0
    assert read() == none
    for number, point in enumerate(range(2, len(whole["points"]), 7)):
        store = cli.folder / f"{point}.db"
        killed = program(store, "run", *words, "--yes", point=point)
        assert "signal" in killed or point > len(whole["points"]) * 0.8, f"point {point} was never reached"
        if json.loads(program(store, "runs")["text"])["runs"]:
            verb = "rollback" if number % 2 else "resume"
            done = program(store, verb, "last", "--yes")
            assert done["code"] in (0, 3), f"point {point}: {verb}: {done['text']}"
            assert read() == (none if verb == "rollback" else every), f"point {point}: {verb}"
            program(store, "rollback", "last", "--yes")
        assert read() == none, f"point {point}"


@pytest.mark.timeout(280)
def test_ip_masq_agent(program: Program, cli: Cli, agent: Any, get: Get, control_plane: ControlPlane) -> None:
    """ConfigMap and DaemonSet are both changed, or both as before."""
    agent()

    def read() -> Any:
        return content(get("configmap", "ip-masq-agent")), content(get("daemonset", "ip-masq-agent"))

    _sweep(program, cli, ("ip-masq-agent", "--masquerade", "10.1.0.0/16"), read)
    assert control_plane.kubectl("-n", "kube-system", "get", "lease", "-l", MANAGED, "-o", "name").stdout == ""


@pytest.mark.timeout(280)
def test_pull_secret(program: Program, cli: Cli, get: Get, control_plane: ControlPlane, tmp_path: Path) -> None:
    """No Secret is left without its service account, nor the other way round."""
    namespace = control_plane.namespace()
    control_plane.kubectl("-n", namespace, "create", "serviceaccount", "web")
    words = ("pull-secret", "--namespace", namespace, "--registry", "gcr.io", "--service-account", "web")

    def read() -> Any:
        account = content(get("serviceaccount", "web", namespace))
        return account, bool(get("secret", "web-registry", namespace))

    _sweep(program, cli, (*words, "--from-key-file", str(key_file(tmp_path))), read)
    assert control_plane.kubectl("-n", namespace, "get", "lease", "-l", MANAGED, "-o", "name").stdout == ""
