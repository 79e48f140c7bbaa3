"""Kill a run at a chosen point, for real: before or after an API request or a journal entry.

``python -m remediation.testing.crash`` reads one JSON line for each command, ``{"args": [...], "point": 3, "env": {...}}``,
forks, runs the command line in the child and kills it with SIGKILL at that point. It answers with one line:
``{"code": 0}`` or ``{"signal": 9}``, and how many ``points`` were passed. Loading the SDKs once makes a point cost a
tenth of a second instead of a whole one.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_TARGETS = (
    ("remediation.journal.sqlite", "Journal", "append"),
    ("remediation.clients.connection", "Connection", "send"),
    ("remediation.clients.google", "Google", "_once"),
    ("remediation.clients.google", "Google", "set_policy"),
    ("remediation.clients.google", "Google", "create_key"),
)
_PRELOADED = ("remediation.clients.sdk", "remediation.cli.run", "remediation.cli.runs", "kubernetes.client.rest", "tenacity",
              "google.cloud.resourcemanager_v3", "google.cloud.iam_admin_v1", "google.auth.transport.requests")  # fmt: skip


class Counter:
    """Count points and die at one of them."""

    def __init__(self, point: int | None, tally: Path) -> None:
        self.passed, self.point, self.tally = 0, point, tally

    def pass_one(self) -> None:
        """Pass a point, or end there."""
        if self.passed == self.point:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1
        self.tally.write_text(str(self.passed), "ascii")

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same function with a point before and one after it."""

        def wrapped(*values: Any, **options: Any) -> Any:
            self.pass_one()
            result = function(*values, **options)
            self.pass_one()
            return result

        return wrapped


def _install(counter: Counter) -> None:
    for module, cls, name in _TARGETS:
        owner = getattr(importlib.import_module(module), cls)
        original = owner.__dict__[name]
        if isinstance(original, staticmethod):
            setattr(owner, name, staticmethod(counter.around(original.__func__)))
        else:
            setattr(owner, name, counter.around(original))


def _child(request: dict[str, Any], tally: Path) -> None:
    os.environ.update(request.get("env", {}))
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    _install(Counter(request.get("point"), tally))
    sys.argv = ["runbook", *request["args"]]
    from remediation.cli.main import _run  # noqa: PLC0415 - the SDKs are loaded before

    code = _run("runbook")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Answer requests until standard input ends."""
    for module in _PRELOADED:
        importlib.import_module(module)
    for line in sys.stdin:
        request = json.loads(line)
        tally = Path(request["output"]).with_suffix(".points")
        tally.write_text("0", "ascii")
        child = os.fork()
        if child == 0:
            _child(request, tally)
        _, status = os.waitpid(child, 0)
        ended = {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"code": os.WEXITSTATUS(status)}
        sys.stdout.write(json.dumps(ended | {"points": int(tally.read_text("ascii") or 0)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
