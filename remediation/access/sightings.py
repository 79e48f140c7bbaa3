"""Whether somebody else's lock has lapsed, judged by what we saw of it with our own clock.

Clocks of two machines are never compared for that: a holder that renews is alive, one that does not is gone.
Source: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection (the same rule, and why)
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from remediation.journal.holder import person
from remediation.model.commands import repeat
from remediation.model.errors import Locked

LEASE_SECONDS = 30.0
# How far two clocks may be apart for an age to be told as one.
_SKEW_SECONDS = 2.0


def awake_clock() -> float:
    """Return seconds of a clock that nobody sets and that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass
class Sighting:
    """What was seen of one lock: since when it looks exactly like this, and whether it was ever seen to be renewed."""

    token: Any = None
    since: float = 0.0
    renewed: bool = False

    def note(self, token: Any) -> None:
        """Take in what the lock looks like now."""
        if token != self.token:
            self.renewed = self.token is not None
            self.token, self.since = token, awake_clock()

    def lapsed(self, seconds: float) -> bool:
        """Tell whether its holder has not renewed it for so long."""
        return awake_clock() - self.since >= seconds


class Busy(Locked):
    """Another holder has a lock.

    Attributes:
        name: of the lock.
        in_doubt: its holder may be gone: within LEASE_SECONDS it is seen to be renewed, or it lapses.
    """

    def __init__(self, name: str, subject: str, holder: str, age: float, *, renewed: bool) -> None:
        fresh = -_SKEW_SECONDS <= age <= LEASE_SECONDS
        self.name, self.in_doubt = name, not fresh and not renewed
        seen = f"{max(age, 0):.0f} s ago" if fresh else "renewed a moment ago" if renewed else _doubt(age)
        super().__init__(
            f"{subject} is locked by {person(holder)}, {seen}",
            "nothing was changed",
            repeat("--wait", "60"),
        )


def _doubt(age: float) -> str:
    return f"not renewed for {age:.0f} s" if age > 0 else f"renewed {-age:.0f} s ahead of our time"
