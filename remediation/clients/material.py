"""Secret values of one process, in memory only; never part of a plan, journal, log or error."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from remediation.errors import Refused, UsageProblem
from remediation.registry import Secret

_LARGEST = 64 * 1024


class Material:
    """Keep secrets by name for as long as the process lives."""

    def __init__(self) -> None:
        self._kept: dict[str, Secret] = {}

    def keep(self, name: str, secret: Secret) -> None:
        """Remember a secret that an API returned once."""
        self._kept[name] = secret

    def has(self, name: str) -> bool:
        """Tell whether this process still knows the secret."""
        return name in self._kept

    def get(self, name: str) -> Secret:
        """Return a remembered secret; raises Refused when another process had it."""
        if name not in self._kept:
            raise Refused(
                "the key that this run created is known only to the process that created it",
                "",
                "runbook rollback RUN, then run again",
            )
        return self._kept[name]

    def file(self, path: str) -> Secret:
        """Return what a key file or ``-`` (standard input) holds, the same for as long as the process lives.

        A pipe can be read only once, a plan is made more than once, and what was planned is what has to be written.

        Raises:
            UsageProblem: it cannot be read.
        """
        return _read(path)


@cache
def _read(path: str) -> Secret:
    try:
        if path == "-":
            content = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(path).open("rb") as file:
                content = file.read(_LARGEST + 1)
    except OSError as problem:
        raise UsageProblem(
            f"--from-key-file {path!r} cannot be read: {problem.strerror}; a readable key file or - is allowed"
        ) from None
    if len(content) > _LARGEST:
        raise UsageProblem(
            f"--from-key-file {path!r} is larger than {_LARGEST // 1024} KiB; a service-account key file is allowed"
        )
    return Secret(content)
