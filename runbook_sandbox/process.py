"""The sandbox as a process of its own: started once, found by every later command, stopped by ``runbook sandbox down``."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KINDS = {"emulated": "sandbox", "real": "sandbox-real"}
COORDINATES = {"project": "example-prod", "location": "europe-west3", "cluster": "sandbox"}
# Raised when later commands need something else of the process: one that an earlier version has left is replaced.
PROTOCOL = 2
_READY_SECONDS = {"emulated": 10.0, "real": 60.0}


class CannotRun(Exception):
    """This kind of sandbox cannot run on this machine."""


class NotStarted(Exception):
    """The sandbox did not start; what it said is in its log."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox. ``endpoints`` are ``kubernetes`` and ``google`` URLs, and ``iam`` as host:port for gRPC."""

    folder: Path
    pid: int
    endpoints: dict[str, str]
    control: tuple[str, int]
    key: str
    protocol: int = PROTOCOL

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig that any client can use."""
        return self.folder / "kubeconfig"

    @property
    def context(self) -> str:
        """The context of its cluster; a person's kubectl or gcloud may have made another one the current one."""
        return "control-plane" if self.folder.name == KINDS["real"] else "sandbox"

    @property
    def token_file(self) -> Path:
        """The access token for the emulated Google APIs; only the owner of the sandbox may read it."""
        return self.folder / "google-token"

    @property
    def google(self) -> dict[str, str]:
        """The endpoints with the access token, for a client."""
        return {**self.endpoints, "token": self.token_file.read_text("ascii").strip()}

    @property
    def journal(self) -> Path:
        """The journal of runs on the sandbox, apart from that of real runs."""
        return self.folder / "journal.db"

    @property
    def coordinates(self) -> dict[str, str]:
        """The Google coordinates of the sandbox's cluster."""
        return COORDINATES

    def tell(self, *message: Any) -> Any:
        """Send a message to the process and return its answer."""
        from multiprocessing.connection import Client  # noqa: PLC0415 - only faults are sent

        with Client(self.control, authkey=bytes.fromhex(self.key)) as connection:
            connection.send(message)
            return connection.recv()


def folder(kind: str) -> Path:
    """Return where a kind of sandbox keeps its state."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "runbook" / KINDS[kind]


@contextmanager
def _only_one(place: Path) -> Iterator[None]:
    """Let one process at a time start or stop the sandbox."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(place.parent / f".{place.name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def running(kind: str) -> Sandbox | None:
    """Return the running sandbox, None when there is none or its process is gone."""
    try:
        found = json.loads((folder(kind) / "sandbox.json").read_text("utf-8"))
        os.kill(found["pid"], 0)
        command = Path(f"/proc/{found['pid']}/cmdline")
        if command.exists() and b"runbook_sandbox.daemon" not in command.read_bytes():
            return None  # the number belongs to another program by now
    except (OSError, ValueError, KeyError):
        return None
    where = found["endpoints"], tuple(found["control"]), found["key"]
    return Sandbox(folder(kind), found["pid"], *where, found.get("protocol", 1))


def ensure_running(kind: str) -> Sandbox:
    """Return the sandbox, started when it does not run as this version needs it; raises CannotRun or NotStarted."""
    found = running(kind)
    if found is not None and found.protocol == PROTOCOL:
        return found
    _refuse_without_programs(kind)
    with _only_one(folder(kind)):
        found = running(kind)
        if found is not None and found.protocol == PROTOCOL:
            return found
        if found is not None:
            _stop(found)
        return _start(kind)


def _refuse_without_programs(kind: str) -> None:
    if kind == "real":
        from runbook_sandbox.control_plane import running_or_reason  # noqa: PLC0415 - only the real kind needs programs

        reason = running_or_reason()
        if isinstance(reason, str):
            raise CannotRun(reason)


def _start(kind: str) -> Sandbox:
    place = folder(kind)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    (place / "sandbox.json").unlink(missing_ok=True)
    with open(place / "sandbox.log", "ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program and our own words
            [sys.executable, "-m", "runbook_sandbox.daemon", kind, str(place)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + _READY_SECONDS[kind]
    while time.monotonic() < deadline and process.poll() is None:
        found = running(kind) if (place / "sandbox.json").exists() else None
        if found is not None:
            return found
        time.sleep(0.01)
    process.kill()
    raise NotStarted(f"its last words are in {place / 'sandbox.log'}")


def down(kind: str) -> bool:
    """Stop the sandbox and remove everything of it, its journal too; tells whether there was one."""
    with _only_one(folder(kind)):
        found = running(kind)
        if found is not None:
            _stop(found)
        existed = folder(kind).exists()
        shutil.rmtree(folder(kind), ignore_errors=True)
    return existed


def _stop(found: Sandbox) -> None:
    os.kill(found.pid, signal.SIGTERM)
    _wait_until_gone(found.pid)


def _wait_until_gone(pid: int) -> None:
    for _ in range(1000):
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except OSError:
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)


def status(kind: str) -> dict[str, Any]:
    """Return ``running``, ``kubeconfig`` and ``endpoints``."""
    found = running(kind)
    return {
        "running": found is not None,
        "kind": kind,
        "kubeconfig": str(folder(kind) / "kubeconfig"),
        "endpoints": found.endpoints if found else {},
        "coordinates": COORDINATES,
        "journal": str(folder(kind) / "journal.db"),
    }
