"""Kill or stop a run at a chosen point, for real: before or after an API request or a journal entry.

``python -m remediation.testing.crash`` reads one JSON line for each command, ``{"args": [...], "point": 3, "env": {...}}``,
forks, runs the command line in the child and kills it with SIGKILL at that point. It answers with one line:
``{"code": 0}`` or ``{"signal": 9}``, and which ``points`` were passed, such as ``before append RUN change.done``. Loading the SDKs
once makes a point cost a tenth of a second instead of a whole one.

With ``"stop": true`` the child is stopped there instead, as a laptop that goes to sleep; the answer is ``{"stopped": PID}``, and
``{"wake": PID}`` lets it run to its end. ``"clock": 3600`` makes its clock run an hour ahead, and ``"set": {"module:NAME": 2}``
gives a constant another value, such as the length of a lease. ``"wire": true`` adds points where only the network is left.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Later than `send`: after the last look at the locks, when only the network is left.
_WIRE = ("urllib3.poolmanager", "PoolManager", "urlopen")
_LONGEST = 200
_PRELOADED = (
    "kubernetes.client.rest",
    "tenacity",
    "google.cloud.resourcemanager_v3",
    "google.cloud.iam_admin_v1",
    "google.auth.transport.requests",
)
# What a run is made of; the emulated APIs are no part of it.
_OURS = ("remediation", "runbooks")
_APART = ("remediation.testing",)


class Counter:
    """Write down each point that is passed, and end or stop at one of them."""

    def __init__(self, point: int | None, tally: Path, number: signal.Signals = signal.SIGKILL) -> None:
        self.passed, self.point, self.tally, self.number = 0, point, tally, number
        self._here = threading.local()

    def pass_one(self, name: str) -> None:
        """Pass a point, or end or stop there."""
        here, self.passed = self.passed, self.passed + 1
        if here == self.point:
            os.kill(os.getpid(), self.number)
        with self.tally.open("a", encoding="utf-8") as tally:
            tally.write(name + "\n")

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same function with a point before and one after it; before one that is called by another it is ``inside``."""

        def wrapped(*values: Any, **options: Any) -> Any:
            words = [word for word in values if isinstance(word, str) and len(word) < _LONGEST]
            name = " ".join([function.__name__, *words]).replace("\n", " ")
            outer, self._here.inside = getattr(self._here, "inside", False), True
            try:
                self.pass_one(f"{'inside' if outer else 'before'} {name}")
                result = function(*values, **options)
                self.pass_one(f"after {name}")
            finally:
                self._here.inside = outer
            return result

        return wrapped


def points() -> list[tuple[type, str]]:
    """Return each method that is marked as `lasting`, with its class; everything has been loaded before."""
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith(f"{_OURS[0]}.")]
    classes = {cls for module in modules for cls in vars(module).values() if isinstance(cls, type)}
    return [(cls, name) for cls in classes for name, found in vars(cls).items() if _is_lasting(found)]


def _is_lasting(member: Any) -> bool:
    return getattr(getattr(member, "__func__", member), "lasting", False) is True


def _install(counter: Counter, *, wire: bool) -> None:
    module, cls, method = _WIRE
    for owner, name in (*points(), *([(getattr(importlib.import_module(module), cls), method)] if wire else [])):
        original = owner.__dict__[name]
        if isinstance(original, staticmethod):
            setattr(owner, name, staticmethod(counter.around(original.__func__)))
        else:
            setattr(owner, name, counter.around(original))


def _arrange(request: dict[str, Any]) -> None:
    if request.get("clock"):
        _set_clock(request["clock"])
    for place, value in (request.get("set") or {}).items():
        module, _, name = place.partition(":")
        if not hasattr(found := importlib.import_module(module), name):
            raise AttributeError(f"{place} does not exist")
        setattr(found, name, value)


def _set_clock(ahead: float) -> None:
    real = time.time

    def shown() -> float:
        # gRPC takes the deadline of a call from here, and compares it with the clock of its C library.
        grpc = sys._getframe(1).f_globals["__name__"].startswith("grpc")
        return real() + (0 if grpc else ahead)

    time.time = shown


def _child(request: dict[str, Any], tally: Path) -> None:
    os.environ.update(request.get("env", {}))
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    _arrange(request)
    number = signal.SIGSTOP if request.get("stop") else signal.SIGKILL
    _install(Counter(request.get("point"), tally, number), wire=bool(request.get("wire")))
    sys.argv = ["runbook", *request["args"]]
    from remediation.cli.main import _run  # noqa: PLC0415 - the SDKs are loaded before

    code = _run("runbook")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def load_all() -> None:
    """Load everything that a verb may need, once.

    A child that loaded a module later would take it from the tree as it is by then, and be half of one version and half
    of another while somebody edits it.
    """
    names = [
        found.name
        for package in map(importlib.import_module, _OURS)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.name.startswith(_APART)
    ]
    for name in (*names, *_PRELOADED):
        importlib.import_module(name)


def main() -> None:
    """Answer requests until standard input ends."""
    load_all()
    for line in sys.stdin:
        request = json.loads(line)
        tally = Path(request["output"]).with_suffix(".points")
        if "wake" in request:
            child = request["wake"]
            os.kill(child, signal.SIGCONT)
        else:
            tally.write_text("", "ascii")
            child = os.fork()
        if child == 0:
            _child(request, tally)
        sys.stdout.write(json.dumps(_ended(child) | {"points": tally.read_text("utf-8").splitlines()}) + "\n")
        sys.stdout.flush()


def _ended(child: int) -> dict[str, Any]:
    _, status = os.waitpid(child, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return {"stopped": child}
    return {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"code": os.WEXITSTATUS(status)}


if __name__ == "__main__":
    main()
