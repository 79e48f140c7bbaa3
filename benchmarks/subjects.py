"""What is measured: commands that change or read the same cluster, and the cluster they find."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from runbook_sandbox.control_plane import ControlPlane, running_or_reason

HERE = Path(__file__).resolve().parent
CONTEXT = "control-plane"
MASQUERADE = "10.1.0.0/16"
_RUNBOOK = HERE.parent / ".venv" / "bin" / "runbook"
_AGENT = "daemonset/ip-masq-agent"


class SubjectError(Exception):
    """A command failed, or it ended without having done the work that is measured."""


@dataclass
class Sample:
    """The measurements of one command: seconds, MB of peak memory, and API requests of each run."""

    seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    failure: str | None = None


@dataclass(frozen=True)
class Subject:
    """One command. Some programs end with another code than 0 when they succeed."""

    name: str
    command: Sequence[str]
    success: int = 0


def runbook(*arguments: str, kubeconfig: Path | None = None) -> Subject:
    """Return a command of this project, on the cluster if a kubeconfig is given."""
    target = ("--kubeconfig", str(kubeconfig), "--context", CONTEXT) if kubeconfig else ()
    program = str(_RUNBOOK) if _RUNBOOK.exists() else "runbook"
    return Subject("runbook", (program, *arguments, *target))


def changing(kubeconfig: Path) -> list[Subject]:
    """Return the commands that make the same change, as far as they are installed."""
    subjects = [
        runbook("run", "ip-masq-agent", "--masquerade", MASQUERADE, "--yes", kubeconfig=kubeconfig),
        Subject("kubectl", (str(HERE / "ip-masq-agent.sh"),)),
    ]
    if shutil.which("ansible-playbook"):
        subjects.append(Subject("ansible", ("ansible-playbook", str(HERE / "ip-masq-agent.yaml"))))
    return subjects


def previewing(kubeconfig: Path) -> list[Subject]:
    """Return the commands that show the same change without making it."""
    # Both tell by their exit code that they found something to change, so neither can win by finding nothing.
    plan = ("plan", "ip-masq-agent", "--masquerade", MASQUERADE, "--detailed-exitcode")
    return [
        replace(runbook(*plan, kubeconfig=kubeconfig), success=10),
        Subject("kubectl", ("kubectl", "diff", "-f", str(HERE / "wanted.yaml")), success=1),
    ]


class Bench:
    """One control plane, the user whom every command acts as, and a home directory that they share."""

    def __init__(self, plane: ControlPlane, home: Path) -> None:
        self._plane = plane
        self._home = home
        self.user, self.kubeconfig = plane.take_user()
        self._kubectl("create", "clusterrolebinding", self.user, "--clusterrole=cluster-admin", f"--user={self.user}")

    def reset(self) -> None:
        """Give the cluster the ConfigMap and the DaemonSet of before.yaml, rolled out, and nothing else of them."""
        objects = ("-n", "kube-system", "configmap/ip-masq-agent", _AGENT)
        self._kubectl("delete", "--ignore-not-found", "--cascade=foreground", *objects)
        self._kubectl("apply", "-f", str(HERE / "before.yaml"))
        self._kubectl("rollout", "status", "-n", "kube-system", _AGENT, "--timeout=60s")

    def measure(self, subject: Subject, sample: Sample) -> None:
        """Run a command once and add what it took.

        Raises:
            SubjectError: it ended with another exit code than it should.
        """
        mark = self._plane.mark()
        taken, output = self._run(subject.command)
        if taken["code"] != subject.success:
            raise SubjectError(f"exit code {int(taken['code'])}: {(output.strip().splitlines() or [''])[-1]}")
        sample.seconds.append(taken["seconds"])
        sample.peak_mb.append(taken["peak_kib"] / 1024)
        sample.requests.append(len(self._plane.audit_events(mark, self.user)))

    def _run(self, command: Sequence[str]) -> tuple[dict[str, float], str]:
        answer, report = os.pipe()
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(HERE / "measure.py"), str(report), *command],
            env=self._environment(),
            pass_fds=[report],
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=300,
        )
        os.close(report)
        with os.fdopen(answer) as pipe:
            text = pipe.read()
        if not text:
            raise SubjectError(f"{command[0]} cannot be started: {done.stdout.strip().splitlines()[-1]}")
        return json.loads(text), done.stdout

    def _environment(self) -> dict[str, str]:
        programs = os.pathsep.join((str(running_or_reason()), os.environ["PATH"]))
        homes = {name: str(self._home) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
        return {**homes, "PATH": programs, "KUBECONFIG": str(self.kubeconfig), "LANG": "C.UTF-8"}

    def require_done(self) -> None:
        """Check that the cluster is as wanted.yaml says and the agents were replaced, so that equal work is compared.

        Raises:
            SubjectError: it is not.
        """
        text = self._kubectl("get", "configmap/ip-masq-agent", "-n", "kube-system", "-o", "jsonpath={.data.config}")
        if _networks(text) != _networks(yaml.safe_load((HERE / "wanted.yaml").read_text())["data"]["config"]):
            raise SubjectError(f"the command ended well and left the list as {sorted(_networks(text))}")
        agent = json.loads(self._kubectl("get", _AGENT, "-n", "kube-system", "-o", "json"))
        if agent["metadata"]["generation"] < 2 or agent["status"].get("updatedNumberScheduled") != 3:
            raise SubjectError("the command ended well and did not restart every agent")

    def _kubectl(self, *arguments: str) -> str:
        done = self._plane.kubectl(*arguments)
        if done.returncode:
            raise SubjectError(f"kubectl {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


def _networks(config: str) -> set[str]:
    return set(yaml.safe_load(config)["nonMasqueradeCIDRs"])
