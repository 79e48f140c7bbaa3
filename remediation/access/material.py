"""Secret values of one run, in memory only; never part of a plan, journal, log or error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from remediation.model.commands import command
from remediation.model.errors import Refused, UsageProblem
from remediation.model.secrets import Secret

_LARGEST = 64 * 1024


class Material:
    """Keep secrets by name for as long as the run lives.

    Args:
        standard_input: returns so many bytes of it at most; None where there is none.
    """

    def __init__(self, standard_input: Callable[[int], bytes] | None = None) -> None:
        self._standard_input = standard_input
        self._kept: dict[str, Secret] = {}
        self._read_once: dict[str, Secret] = {}

    def keep(self, name: str, secret: Secret) -> None:
        """Remember a secret that an API returned once."""
        self._kept[name] = secret

    def has(self, name: str) -> bool:
        """Tell whether this run still knows the secret."""
        return name in self._kept

    def get(self, name: str) -> Secret:
        """Return a remembered secret; raises Refused when another process had it."""
        if name not in self._kept:
            raise Refused(
                "the key that this run created is known only to the process that created it",
                "",
                command("runbook", "runs"),
            )
        return self._kept[name]

    def file(self, path: str) -> Secret:
        """Return what a key file, a pipe or ``-`` (standard input) holds.

        A file is read each time, so that a key which was rotated meanwhile is noticed. What can be read only once stays
        what it was, because a plan is made more than once.

        Raises:
            UsageProblem: it cannot be read.
        """
        if path != "-" and Path(path).is_file():
            return self._read(path)
        if path not in self._read_once:
            self._read_once[path] = self._read(path)
        return self._read_once[path]

    def _read(self, path: str) -> Secret:
        try:
            content = self._content(path)
        except OSError as problem:
            raise UsageProblem(
                f"--from-key-file {path!r} cannot be read: {problem.strerror}; a readable key file or - is allowed"
            ) from None
        if len(content) > _LARGEST:
            raise UsageProblem(
                f"--from-key-file {path!r} is larger than {_LARGEST // 1024} KiB; a service-account key file is allowed"
            )
        return Secret(content)

    def _content(self, path: str) -> bytes:
        if path != "-":
            with Path(path).open("rb") as file:
                return file.read(_LARGEST + 1)
        if self._standard_input is None:
            raise UsageProblem("--from-key-file '-' is the standard input, and there is none; a key file is allowed")
        return self._standard_input(_LARGEST + 1)
