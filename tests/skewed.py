"""The command line on a machine whose clock is wrong, which may die right before it writes something down."""

from __future__ import annotations

import os
import subprocess
import sys

_PROGRAM = """
import os, signal, sys, time
shift, last = float(sys.argv.pop(1)), sys.argv.pop(1)
true, sys.argv[0] = time.time, "runbook"
time.time = lambda: true() + shift
from remediation.journal.sqlite.store import SqliteJournal
append = SqliteJournal.append
def dying(self, run_id, kind, *more, **named):
    if kind == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return append(self, run_id, kind, *more, **named)
SqliteJournal.append = dying
from remediation.cli.main import main
main()
"""


def skewed(
    seconds: float, *words: str, dies_before: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a verb with a clock that is ``seconds`` ahead; it is killed before it records ``dies_before``."""
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(seconds), dies_before, *words],
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
