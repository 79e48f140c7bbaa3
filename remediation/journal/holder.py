"""Who holds a lock, written so that a person can read it and a later process can tell whether it is gone."""

from __future__ import annotations

import os
import socket


def holder(run_id: str, actor: str) -> str:
    """Return ``run ID of ACTOR on HOST/BOOT/NAMESPACE process PID.START``."""
    return f"run {run_id} of {actor.replace(' ', '_')} on {_host()} process {os.getpid()}.{_born(os.getpid())}"


def is_dead(text: str) -> bool:
    """Tell whether a holder was a process of this host that is certainly gone; False when nobody can tell."""
    words = text.split()
    if len(words) < 4 or "on" not in words or words[words.index("on") + 1] != _host():
        return False
    pid, _, born = words[-1].partition(".")
    return pid.isdigit() and _born(int(pid)) != born


def _host() -> str:
    """The host, its boot and its process namespace: hosts may share a name, and containers a name and a pid.

    The number of the first process namespace is the same on every host, so only the boot tells two hosts apart.
    """
    return "/".join(filter(None, (socket.gethostname(), _boot(), _namespace())))


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot:
            return boot.read(8)
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""


def _born(pid: int) -> str:
    """Return the start time of a process in clock ticks since boot (a pid is used again); empty when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            state, *rest = stat.read().rpartition(")")[2].split()
            return "" if state in "ZX" else rest[18]
    except OSError:
        return "" if os.path.isdir("/proc/self") else _born_without_proc(pid)


def _born_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
