"""An answer to a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO


@dataclass
class Response:
    """One answer; `lines` is a stream that takes the place of `body`, `upgrade` speaks another protocol from here on."""

    code: int
    body: Any = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    lines: Iterator[bytes] | None = None
    upgrade: Callable[[BinaryIO, BinaryIO], None] | None = None

    def data(self) -> bytes:
        """Return the body as bytes."""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, separators=(",", ":")).encode() + b"\n"
