"""Run the real command line and look at what a user would see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remediation.testing.planted import assert_no_secret
from runbook_sandbox.google import Server

RUNBOOK = Path(sys.executable).with_name("runbook")


@dataclass(frozen=True)
class Result:
    """The exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    @property
    def status(self) -> str:
        return str(self.json["status"])

    def expect(self, code: int) -> Result:
        """Return itself; fail with everything that was printed when the exit code is another one."""
        assert self.code == code, f"exit {self.code}, expected {code}\n{self.out}\n{self.err}"
        return self


class Cli:
    """The ``runbook`` command with a store of its own and options that every call gets."""

    def __init__(self, folder: Path, *options: str, env: dict[str, str] | None = None) -> None:
        self.folder, self.options = folder, options
        self.store = folder / "journal.db"
        self.env = env or {}

    def __call__(self, *words: str, stdin: str | None = None, json_output: bool = True) -> Result:
        """Run a verb; options come last, and the result is JSON unless told otherwise."""
        more = ["--store", str(self.store), *self.options, *(["-o", "json"] if json_output else [])]
        try:
            done = subprocess.run(
                [str(RUNBOOK), *words, *more], input=stdin or "", capture_output=True, text=True, timeout=100, check=False,
                env=os.environ | self.env,
            )  # fmt: skip
        except subprocess.TimeoutExpired as problem:
            raise AssertionError(f"{problem}\n{problem.stderr!r}\n{self._cluster()}") from None
        assert_no_secret(
            f"runbook {' '.join(words)}", done.stdout + done.stderr, self.store, *self.folder.glob("*plan*")
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def _cluster(self) -> str:
        """Return what a person would look at first when a command hangs."""
        kubectl, options = f"{os.environ.get('KUBEBUILDER_ASSETS')}/kubectl", dict(zip(self.options[::2], self.options[1::2], strict=False))  # fmt: skip
        if "--kubeconfig" not in options:
            return ""
        words = [kubectl, "--kubeconfig", options["--kubeconfig"], "get", "nodes,daemonsets,pods,events", "-A", "-o", "wide"]  # fmt: skip
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def kubectl(
    assets: Path, kubeconfig: Path, namespace: str, *words: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run kubectl in a namespace; what it discovers is kept for this kubeconfig alone."""
    options = (f"--kubeconfig={kubeconfig}", f"--cache-dir={kubeconfig}.cache", "-n", namespace)
    return subprocess.run(
        [str(assets / "kubectl"), *options, *words],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"KUBECTL_EXTERNAL_DIFF": "diff -u"},
    )


def google_env(server: Server, folder: Path) -> dict[str, str]:
    """Return the variables with which the command line asks an emulated cloud, as its owner."""
    path = folder / "google-token"
    path.write_text(server.token)
    endpoints = {"RUNBOOK_GOOGLE_ENDPOINT": server.url, "RUNBOOK_IAM_ENDPOINT": server.grpc_target}
    return endpoints | {"RUNBOOK_GOOGLE_TOKEN_FILE": str(path)}


def content(obj: dict[str, Any]) -> dict[str, Any]:
    """Return an object without what only the server changes, for comparing before and after."""
    volatile = ("resourceVersion", "managedFields", "generation", "uid", "creationTimestamp")
    metadata = {key: value for key, value in obj["metadata"].items() if key not in volatile}
    notes = {
        key: value
        for key, value in metadata.pop("annotations", {}).items()
        if key != "deprecated.daemonset.template.generation"
    }
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")} | {
        "metadata": metadata | {"annotations": notes}
    }
