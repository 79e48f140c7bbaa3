"""Start programs that cannot outlive the process that started them."""

from __future__ import annotations

import atexit
import subprocess
from collections.abc import Sequence
from pathlib import Path

# The watcher leads a process group of its own and waits for the end of its input. The kernel closes that pipe however
# the parent ends, SIGKILL included, and unlike PR_SET_PDEATHSIG it does not fire when the starting *thread* ends.
_WATCHER = ("/bin/sh", "-c", "read _; kill -KILL 0")


class ProcessGroup:
    """Child processes that are killed together: on `stop()`, at exit, or when the parent is killed."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._watcher = subprocess.Popen(  # noqa: S603 - a constant command
            _WATCHER, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
        )
        atexit.register(self.stop)

    @property
    def pids(self) -> dict[str, int]:
        """Return the process id of every program, by name."""
        return {name: child.pid for name, child in self._children.items()}

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a program whose output goes to `NAME.log`.

        Raises:
            OSError: the program cannot be executed.
        """
        with (self._logs / f"{name}.log").open("wb") as log:
            self._children[name] = subprocess.Popen(  # noqa: S603 - the caller's own command line
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=self._watcher.pid
            )

    def obituary(self) -> str | None:
        """Tell which program has ended, with the end of its log; None while all of them run."""
        for name, child in self._children.items():
            if child.poll() is not None:
                tail = (self._logs / f"{name}.log").read_text(errors="replace")[-2000:]
                return f"{name} ended with code {child.returncode}:\n{tail}"
        return None

    def stop(self) -> None:
        """Kill every program and wait until it is gone; stopping twice is fine."""
        atexit.unregister(self.stop)
        if self._watcher.stdin is not None:
            self._watcher.stdin.close()
        self._watcher.wait()
        for child in self._children.values():
            # Started after the watcher had fired, so nobody else ends it.
            child.kill()
            child.wait()
