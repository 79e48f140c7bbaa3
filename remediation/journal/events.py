"""One entry of the journal, and the hash that chains it to the one before."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from remediation.model.changes import canonical

GENESIS = "0" * 64


@dataclass(frozen=True)
class Event:
    """One entry. ``time`` is seconds since 1970 (UTC); ``digest`` covers everything else and ``previous``."""

    sequence: int
    run_id: str
    time: float
    kind: str
    payload: dict[str, Any]
    previous: str
    digest: str

    @classmethod
    def after(cls, previous: Event | None, run_id: str, time: float, kind: str, payload: dict[str, Any]) -> Event:
        """Return the next entry of the chain."""
        sequence, link = _next(previous)
        return cls(sequence, run_id, time, kind, payload, link, _digest(sequence, run_id, time, kind, payload, link))

    def intact(self, previous: Event | None) -> bool:
        """Tell whether this entry is unchanged and follows ``previous``."""
        sequence, link = _next(previous)
        return self.sequence == sequence and self.follows(link)

    def follows(self, link: str) -> bool:
        """Tell whether this entry is unchanged and comes after the one with this digest."""
        parts = (self.sequence, self.run_id, self.time, self.kind, self.payload, link)
        return self.previous == link and self.digest == _digest(*parts)


def parsed(text: str) -> Any:
    """Return the content of an entry from its text; one that somebody has damaged is no object, which its readers refuse."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _next(previous: Event | None) -> tuple[int, str]:
    return (previous.sequence + 1, previous.digest) if previous else (1, GENESIS)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(canonical(list(parts))).hexdigest()
