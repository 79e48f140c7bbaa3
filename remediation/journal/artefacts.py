"""What runs have collected, kept beside the journal: a folder for each run, readable by its owner only, until its day is over."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from remediation.journal.protocol import Journal

KEPT = "artefact.kept"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 100


def folder(journal: Journal) -> Path:
    """Return where the artefacts of a journal are."""
    return Path(f"{journal.where}.artefacts")


def keep(journal: Journal, run_id: str, step: int, name: str, content: bytes) -> Path:
    """Write an artefact and return its path; one that an earlier process began is replaced. Raises OSError."""
    home = folder(journal) / _UNSAFE.sub("-", run_id)
    path = home / f"{step:02d}-{_UNSAFE.sub('-', name)[:_LONGEST_NAME]}"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "wb") as opened:
        os.fchmod(file, 0o600)
        opened.write(content)
    return path


def expire(journal: Journal, now: float) -> list[Path]:
    """Remove every artefact whose day is over, and return which; what no entry of the journal tells of stays."""
    gone = []
    for home in sorted(folder(journal).glob("*")):
        for event in journal.events(home.name, KEPT):
            # One that is another user's, or whose entry is damaged, stays: it must not end the run that looks.
            with suppress(OSError, AttributeError, TypeError):
                path = home / Path(str(event.payload.get("file", ""))).name
                if event.payload.get("until", now) < now and path.is_file():
                    path.unlink()
                    gone.append(path)
    return gone
