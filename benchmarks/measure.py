"""Run one command and write what it took: seconds, peak memory and exit code, as JSON.

    python -I -S measure.py FILE-DESCRIPTOR COMMAND [ARGUMENT…]

A process of its own, because a child's peak memory as the kernel counts it begins with that of the process it was
forked from. This one imports next to nothing, so that the floor is below every command of interest.
"""

from __future__ import annotations

import os
import sys
import time


def measure(command: list[str]) -> str:
    """Return the measurement of a command. Linux counts peak memory in KiB, over the command and its own children."""
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - started
    kib = usage.ru_maxrss if sys.platform == "linux" else usage.ru_maxrss // 1024
    return f'{{"seconds": {seconds}, "peak_kib": {kib}, "code": {os.waitstatus_to_exitcode(status)}}}'


if __name__ == "__main__":
    report = int(sys.argv[1])
    os.set_inheritable(report, False)
    os.write(report, measure(sys.argv[2:]).encode())
