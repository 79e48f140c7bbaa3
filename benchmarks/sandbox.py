#!/usr/bin/env python3
"""Measure how soon `runbook sandbox up` is ready and what its process takes: `benchmarks/sandbox.py [TIMES]`.

Wall time says little on a busy machine, so the time on processors is told too: of the command, and of the process until
it is ready. PSS is the memory that would be free without the process, shared pages divided by who shares them.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNBOOK = [str(Path(sys.executable).with_name("runbook")), "sandbox"]
TICK = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """Return what a process has used of processors."""
    found = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(found[11]) + int(found[12])) / TICK


def memory(pid: int) -> dict[str, float]:
    """Return RSS and PSS of a process in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.split(":")[0] in {"Rss", "Pss"}}
    return {"rss_mb": found["Rss"], "pss_mb": found["Pss"]}


def once(environment: dict[str, str]) -> dict[str, float]:
    """Start and stop one sandbox and return what it took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([*RUNBOOK, "up"], env=environment, check=True, capture_output=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    place = next(Path(environment["XDG_STATE_HOME"]).glob("runbook/*/sandbox.json"))
    pid = json.loads(place.read_text("utf-8"))["pid"]
    found = {
        "up_wall_s": wall,
        "command_processor_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "daemon_processor_s": processor_seconds(pid),
        **memory(pid),
    }
    subprocess.run([*RUNBOOK, "down"], env=environment, check=True, capture_output=True)
    return found


def main() -> None:
    """Print the median of some runs, after one that is not counted."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as state:
        kept = {name: item for name, item in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        runs = [once(kept | {"XDG_STATE_HOME": state}) for _ in range(times + 1)][1:]
    for name in runs[0]:
        print(f"{name:22}{statistics.median(run[name] for run in runs):8.2f}")


if __name__ == "__main__":
    main()
