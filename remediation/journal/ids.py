"""The names of runs."""

from __future__ import annotations

import secrets
import time


def draw() -> str:
    """Return an id that sorts by time: ``20260102-030405-ab12cd34``; its start is enough to name a run."""
    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(4)
