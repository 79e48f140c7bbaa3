"""What a plan says beside its changes and its checks. No remark is part of the fingerprint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Unchecked:
    """Say what could not be checked, and why. Shown with every outcome."""

    subject: str
    reason: str
    status: ClassVar[str] = "not checked"

    def as_json(self) -> dict[str, str]:
        """Return its line among the checks of a plan."""
        return {"check": self.subject, "status": self.status, "detail": self.reason}


class Caution(Unchecked):
    """Warn of what this run brings along, or leaves as it is."""

    status = "warning"


class Evidence(Unchecked):
    """Tell what the plan builds on."""

    status = "evidence"


class Note(Unchecked):
    """Tell what a person does better, or has to do afterwards."""

    status = "note"


def few(names: Iterable[str], most: int = 2) -> str:
    """Return the first names in order, and how many more there are: ``a, b, +298``.

    One more is named too: it takes hardly more room than its number.
    """
    every = sorted(names)
    shown = every if len(every) <= most + 1 else [*every[:most], f"+{len(every) - most}"]
    return ", ".join(shown)
