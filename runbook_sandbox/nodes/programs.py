"""What the few programs do that people try in a pod: `nc`, `sleep`, `echo` and a shell around them.

A script of bash that opens ``/dev/tcp/HOST/PORT`` is one HTTP request: it writes the first line of the answer.

Source of the texts of nc: https://git.busybox.net/busybox, networking/nc_bloaty.c and libbb/xconnect.c. Within a
line of a shell any other program ends well and says nothing.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_sandbox.kubernetes import Ended
from runbook_sandbox.kubernetes.admission import SERVICE_RANGE

_SHELLS = frozenset({"sh", "bash", "ash"})
_FOREVER = 10**9
_CONNECT_SECONDS = 127
_NETWORKS = tuple(
    map(ipaddress.ip_network, (str(SERVICE_RANGE), "10.64.0.0/16", "192.0.2.0/24", "127.0.0.0/8", "169.254.169.254"))
)
_OPENED = re.compile(r"/dev/tcp/([0-9.]+)/([0-9]+)")
Hides = Callable[[str, str], bool]
Allows = Callable[[dict[str, Any], str, int], bool]


@dataclass(frozen=True)
class Programs:
    """The programs of all pods.

    `hides` tells whether a node puts its own address on packets to another, `allows` whether policies let a pod's packets
    go to a port of an address.
    """

    hides: Hides
    allows: Allows

    def __call__(self, pod: dict[str, Any], command: Sequence[str]) -> Ended | None:
        """Return how a command ends in a pod, None for a program that is not known."""
        name, *words = command
        name = name.rsplit("/", 1)[-1]
        if name in _SHELLS and "-c" in words:
            return self._script(pod, words[words.index("-c") + 1 :][:1])
        if name == "nc":
            return self._connect(pod, words)
        if name == "timeout":
            return self._limited(pod, words)
        simple: dict[str, Callable[[list[str]], Ended]] = {
            "sleep": lambda words: Ended(seconds=_seconds(words)),
            "tail": lambda words: Ended(seconds=_FOREVER if "-f" in words else 0),
            "echo": lambda words: Ended(f"{' '.join(words)}\n"),
            "true": lambda _: Ended(),
            "false": lambda _: Ended(code=1),
            "exit": lambda words: Ended(code=int(words[0]) if words and words[0].isdecimal() else 0),
        }
        return simple[name](words) if name in simple else None

    def _script(self, pod: dict[str, Any], script: list[str]) -> Ended:
        """Run the commands of a line one after another; `&&` and `||` are followed, the rest of a shell is not."""
        if opened := _OPENED.search(script[0] if script else ""):
            return self._fetch(pod, opened[1], int(opened[2]), told="/dev/termination-log" in script[0])
        text, seconds, code = "", 0.0, 0
        parts = re.split(r"\s*(;|\n|&&|\|\|)\s*", script[0] if script else "")
        for joint, part in zip(["", *parts[1::2]], parts[::2], strict=True):
            words = _words(part)
            if not words or (joint == "&&" and code) or (joint == "||" and not code):
                continue
            done = self(pod, words) or Ended()
            text, seconds, code = text + done.log, seconds + done.seconds, done.code
            if words[0] == "exit":
                break
        return Ended(text, code, seconds)

    def _limited(self, pod: dict[str, Any], words: list[str]) -> Ended | None:
        """Run a command for so long at most."""
        done = self(pod, words[1:]) if len(words) > 1 else None
        limit = _seconds(words[:1])
        return Ended(code=124, seconds=limit) if done and done.seconds > limit else done

    def _fetch(self, pod: dict[str, Any], host: str, port: int, *, told: bool) -> Ended:
        """Ask a web server something; only the metadata server is there, with a token for every pod."""
        if self.allows(pod, host, port) and self._reaches(pod, ipaddress.ip_address(host)):
            line = "HTTP/1.0 200 OK\n"
            return Ended(line, message=line if told else "")
        text = f"bash: connect: Connection timed out\nbash: line 1: /dev/tcp/{host}/{port}: Connection timed out\n"
        return Ended(text, 1, _CONNECT_SECONDS)

    def _connect(self, pod: dict[str, Any], words: list[str]) -> Ended:
        """Open a connection, or try to until the time of `-w` is over, as a packet that is never answered makes it."""
        wait, rest = _CONNECT_SECONDS, []
        given = iter(words)
        for word in given:
            if word == "-w":
                wait = int(next(given, "0"))
            elif not word.startswith("-"):
                rest.append(word)
        host, port = (*rest, "", "")[:2]
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return Ended(f"nc: bad address '{host}'\n", 1)
        where = f"{host} ({host}:{port})"
        if self.allows(pod, host, int(port or 0)) and self._reaches(pod, address):
            return Ended(f"{where} open\n")
        return Ended(f"nc: {where}: Connection timed out\n", 1, wait)

    def _reaches(self, pod: dict[str, Any], address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        """What is not of the cluster answers node addresses only: it knows no way back to a pod's."""
        if pod["spec"].get("hostNetwork") or any(address in each for each in _NETWORKS):
            return True
        return self.hides(pod["spec"]["nodeName"], str(address))


def _words(part: str) -> list[str]:
    try:
        return shlex.split(part)
    except ValueError:
        return []


def _seconds(words: list[str]) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    total = 0.0
    for word in words:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", word)
        if match is None:
            return _FOREVER if word == "infinity" else 0
        total += float(match[1]) * units[match[2] or "s"]
    return total
