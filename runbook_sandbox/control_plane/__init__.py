"""A real Kubernetes control plane for tests: etcd, API server, controllers, scheduler and kwok's nodes.

The programs are those of the directory that `KUBEBUILDER_ASSETS` names, as everywhere in the Kubernetes world. Nothing
needs root or a container runtime: kwok plays the kubelets, so pods become Ready and rollouts finish without running
anything.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runbook_sandbox.control_plane import kubelet_events
from runbook_sandbox.control_plane.admin_api import AdminApi, ApiError
from runbook_sandbox.control_plane.audit_log import START, WRITE_VERBS, AuditLog, Mark, is_write
from runbook_sandbox.control_plane.files import ADMINISTRATOR, IMPERSONATOR, POOL, READER, Layout
from runbook_sandbox.control_plane.objects import is_schedulable, node, rights
from runbook_sandbox.control_plane.processes import ProcessGroup
from runbook_sandbox.control_plane.stages import stages as write_stages

__all__ = ["PROGRAMS", "WRITE_VERBS", "ControlPlane", "ControlPlaneError", "Mark", "running_or_reason"]

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")


class ControlPlaneError(Exception):
    """The control plane did not start, or a wait ran out of time."""


def running_or_reason() -> Path | str:
    """Return the directory of the control plane's programs, or the reason why none can be started."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    if not named:
        return "KUBEBUILDER_ASSETS is not set; it names the directory of etcd, kube-apiserver and kwok"
    missing = [name for name in PROGRAMS if shutil.which(name, path=named) is None]
    if missing:
        return f"KUBEBUILDER_ASSETS={named} has no executable {', '.join(missing)}"
    return Path(named).resolve() if (Path(named) / "stages.yaml").is_file() else f"{named} has no stages.yaml"


class ControlPlane:
    """One running control plane. Use it as a context manager, or call `stop()`.

    Attributes:
        url: address of the API server.
        ca_file: certificate that verifies it.
        token: bearer token of the administrator.
        kubeconfig_path: kubeconfig of the administrator.
        audit_log: file of audit events, one JSON document a line.
        pids: process ids of the programs, by name.
    """

    def __init__(self, layout: Layout, processes: ProcessGroup) -> None:
        self.url = layout.url
        self.ca_file = layout.ca_file
        self.token = layout.tokens[ADMINISTRATOR]
        self.audit_log = layout.audit_log
        self.kubeconfig_path = layout.write_kubeconfig(ADMINISTRATOR, {"token": self.token})
        self._layout = layout
        self._processes = processes
        self._api = AdminApi(layout.ports.api, self.token)
        self._audit = AuditLog(layout.audit_log, self._api)
        self._free_users = list(reversed(POOL))

    @classmethod
    def start(
        cls,
        directory: Path,
        nodes: int = 3,
        stages: Sequence[Path] = (),
        audit: bool = True,
        faults: Sequence[str] = (),
    ) -> Self:
        """Start a control plane in a directory and wait until its nodes are Ready, about 4 seconds.

        Args:
            directory: where the store, certificates, credentials and logs go; made when absent.
            nodes: how many nodes: `node-1` with pods in 10.64.1.0/24, and so on; at most 254.
            stages: files of kwok Stages beside the standard ones.
            faults: names of `runbook_sandbox.control_plane.stages.FAULTS` that the kubelets play.
            audit: whether requests are logged; without it `mark` and `audit_events` raise TimeoutError.

        Raises:
            ControlPlaneError: the programs are not installed, or one of them ended, or it took longer than 60 seconds.
        """
        assets = running_or_reason()
        if isinstance(assets, str):
            raise ControlPlaneError(assets)
        layout = Layout(assets, directory.resolve())
        layout.write(audit=audit)
        _append(stages, write_stages(assets, layout.directory, faults, nodes))
        plane = cls(layout, ProcessGroup(layout.directory / "logs"))
        try:
            plane._boot(nodes)
        except BaseException:
            plane.stop()
            raise
        return plane

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill the programs and wait until they are gone; stopping twice is fine."""
        self._processes.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Return the process id of every program, by name."""
        return self._processes.pids

    def _boot(self, nodes: int) -> None:
        self._processes.start("etcd", self._layout.etcd())
        self._processes.start("kube-apiserver", self._layout.api_server())
        self.wait_for(self._is_listening, "the API server to listen")
        for name, command in self._layout.controllers().items():
            self._processes.start(name, command)
        self.wait_for(self._is_ready, "the API server to be ready")
        self._create(node(number) for number in range(1, nodes + 1))
        self._create((*rights(READER), *rights(IMPERSONATOR)))
        kubelet_events.put_policy(self._api)
        self.wait_for(lambda: self._ready_nodes() == nodes, f"{nodes} nodes to be Ready")
        self.wait_for(lambda: self._exists("/api/v1/namespaces/default/serviceaccounts/default"), "service accounts")
        self.wait_for(lambda: kubelet_events.is_in_force(self._api), "events of kubelets")

    def wait_for(self, holds: Callable[[], bool], what: str, within: float = 60) -> None:
        """Ask every 20 milliseconds until a condition holds.

        Args:
            holds: the condition.
            what: what is awaited, for the error's sentence.
            within: seconds to wait at most.

        Raises:
            ControlPlaneError: it did not hold in time, or a program of the control plane has ended.
        """
        deadline = time.monotonic() + within
        while not holds():
            obituary = self._processes.obituary()
            if obituary or time.monotonic() > deadline:
                raise ControlPlaneError(obituary or f"waited {within} seconds for {what}")
            time.sleep(0.02)

    def _is_listening(self) -> bool:
        try:
            return bool(self._api.request("GET", "/livez"))
        except ApiError:
            return True
        except OSError:
            return False

    def _is_ready(self) -> bool:
        try:
            return bool(self._api.request("GET", "/readyz") == "ok")
        except (ApiError, OSError):
            return False

    def _exists(self, path: str) -> bool:
        try:
            return bool(self._api.request("GET", path))
        except ApiError:
            return False

    def _ready_nodes(self) -> int:
        return sum(is_schedulable(each) for each in self._api.request("GET", "/api/v1/nodes")["items"])

    def _create(self, objects: Iterable[dict[str, Any]]) -> None:
        for each in objects:
            group = "api/v1" if each["apiVersion"] == "v1" else f"apis/{each['apiVersion']}"
            self._api.request("POST", f"/{group}/{each['kind'].lower()}s", each)

    def namespace(self) -> str:
        """Create a namespace with a name of its own, ready for pods, and return the name."""
        name = f"test-{secrets.token_hex(4)}"
        self._create([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])
        self.wait_for(lambda: self._exists(f"/api/v1/namespaces/{name}/serviceaccounts/default"), "service account")
        return name

    def take_user(self) -> tuple[str, Path]:
        """Return the name and kubeconfig of a user without rights whom no other test has had.

        Raises:
            ControlPlaneError: all of them are taken.
        """
        if not self._free_users:
            raise ControlPlaneError(f"all {len(POOL)} users are taken")
        user = self._free_users.pop()
        return user, self.kubeconfig_for(user)

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """Return the kubeconfig of a user: `admin`, `reader` (reads everything), `user-1` to `user-20`, or any other.

        Any other user, and anyone who is to be in `groups`, is impersonated by an identity that may do nothing else, so
        that a client which ignores the kubeconfig's `as` is refused instead of being the administrator.
        """
        if user in self._layout.tokens and not groups:
            return self._layout.write_kubeconfig(user, {"token": self._layout.tokens[user]})
        credentials = {"token": self._layout.tokens[IMPERSONATOR], "as": user, "as-groups": list(groups)}
        return self._layout.write_kubeconfig("-as-".join([IMPERSONATOR, user, *groups]), credentials)

    def kubectl(
        self, *args: str, stdin: str | None = None, user: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator or as a user; read the outcome from what is returned."""
        kubeconfig = self.kubeconfig_for(user) if user else self.kubeconfig_path
        options = (f"--kubeconfig={kubeconfig}", f"--cache-dir={self._layout.directory / 'kubectl-cache'}")
        return subprocess.run(  # noqa: S603 - the program of the assets directory
            [str(self._layout.assets / "kubectl"), *options, *args],
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
            timeout=120,
        )

    def mark(self) -> Mark:
        """Return the present end of the audit log."""
        return self._audit.mark()

    def audit_events(self, since: Mark = START, user: str | None = None) -> list[dict[str, Any]]:
        """Return the audit events since a mark, one per request, perhaps those of one user only.

        The control plane's own programs are not recorded. Writes carry their `requestObject`.

        Raises:
            TimeoutError: the control plane was started without an audit log.
        """
        return self._audit.events(since, user)

    def writes(self, since: Mark = START, user: str | None = None) -> list[dict[str, Any]]:
        """Return the audit events of requests that changed something: no dry runs, nothing that was refused."""
        return [event for event in self.audit_events(since, user) if is_write(event)]


def _append(parts: Sequence[Path], whole: Path) -> None:
    whole.write_text("\n---\n".join(part.read_text() for part in (whole, *parts)))
