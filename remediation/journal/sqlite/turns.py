"""Who writes next: SQLite lets whoever asks at the right moment go first, so one that writes a lot would be always first.

A writer takes the turn, waits for SQLite's lock, and gives the turn on before it writes. Whoever has just written has to
wait for the turn, which the next one has. It is a matter of courtesy only: without it everything is as safe.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Turn:
    """The turn at one file, as a lock on a file beside it; it is free again when its holder dies."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(f"{path}-turn", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            self._file = -1

    def take(self) -> bool:
        """Tell whether we have it now; where there can be none, everybody has it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True
        return True

    def give(self) -> None:
        """Let the next one have it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        except (OSError, ValueError):
            return

    def close(self) -> None:
        """Close its file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
