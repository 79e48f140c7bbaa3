"""Who holds a lock, written so that a person can read it and a later process can tell whether it is gone."""

from __future__ import annotations

import functools
import os
import re
import socket

from remediation.model.limits import message

# A holder of an earlier version names no runbook and no acquisition.
_HOLDER = re.compile(
    r"run (?P<run>\S+) (?:\((?P<book>\S*)\) )?of (?P<actor>\S+) on (?P<host>\S+) process (?P<pid>\d+)\.(?P<born>\S*)(?: as \S+)?"
)


def holder(run_id: str, actor: str, runbook: str) -> str:
    """Return ``run ID (RUNBOOK) of ACTOR on HOST/BOOT/NAMESPACE process PID.START``."""
    who = re.sub(r"\s+", "_", actor.encode(errors="backslashreplace").decode()) or "unknown"
    return f"run {run_id} ({runbook}) of {who} on {_host()} process {os.getpid()}.{_born(os.getpid())}"


def acquisition(text: str) -> str:
    """Return a holder for one acquisition: two of them in one process are two holders."""
    import secrets  # noqa: PLC0415 - only a run needs it

    # It begins with a letter, so that an earlier version does not take it for a process.
    return f"{text} as n{secrets.token_hex(4)}"


def is_dead(text: str) -> bool:
    """Tell whether a holder was a process of this host that is certainly gone; False when nobody can tell."""
    found = _HOLDER.fullmatch(text)
    if found is None or found["host"] != _host():
        return False
    return _born(int(found["pid"])) != found["born"]


def person(text: str) -> str:
    """Return a holder in words for a person: ``root@host (run ID, RUNBOOK)``; a foreign text as it is."""
    found = _HOLDER.fullmatch(text)
    if found is None:
        return message(text)
    host = found["host"].partition("/")[0]
    who = f"{found['actor']} on {host}" if "@" in found["actor"] else f"{found['actor']}@{host}"
    return f"{who} (run {found['run']}{', ' + found['book'] if found['book'] else ''})"


def _host() -> str:
    """The host, its boot and its process namespace: hosts may share a name, and containers a name and a pid.

    The number of the first process namespace is the same on every host, so only the boot tells two hosts apart.
    """
    return "/".join(filter(None, (socket.gethostname(), _boot(), _namespace())))


@functools.cache
def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot:
            return boot.read(8)
    except OSError:
        return ""


@functools.cache
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
