"""The program that runs verbs in processes of their own, to be killed or stopped at a chosen point."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


class Program:
    """``python -m remediation.testing.crash``: it has loaded everything before, and forks a verb for each request.

    Args:
        folder: where the output of verbs is kept.
        tree: the checkout that it runs; the one that this process runs unless given.
    """

    def __init__(self, folder: Path, tree: Path | None = None) -> None:
        self.folder = folder
        self._asleep: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "remediation.testing.crash"],
            cwd=tree,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **how: Any) -> dict[str, Any]:
        """Run a verb to its end, or to a ``point`` where it is killed or stopped; returns ``code``, ``text``, ``points``."""
        # What a stopped verb prints when it wakes must not be mixed with what others have printed since.
        output = self.folder / ("stopped" if how.get("stop") else "output")
        answer = self._ask({"args": list(words), "output": str(output), **how})
        self._asleep |= {answer["stopped"]} if "stopped" in answer else set()
        return answer

    def wake(self, process: int) -> dict[str, Any]:
        """Let a stopped verb run to its end."""
        self._asleep.discard(process)
        return self._ask({"wake": process, "output": str(self.folder / "stopped")})

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        reading, writing = self._process.stdout, self._process.stdin
        if reading is None or writing is None:
            raise AssertionError("the program has no pipes")
        writing.write(json.dumps(request) + "\n")
        writing.flush()
        answer: dict[str, Any] = json.loads(reading.readline())
        return answer | {"text": Path(request["output"]).read_text("utf-8")}

    def close(self) -> None:
        """End it, and what it has stopped."""
        for process in self._asleep:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.communicate(timeout=20)
