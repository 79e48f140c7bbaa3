"""What a test can do to a request before it is handled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from runbook_sandbox.kubernetes.requests import Response


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        answer: a canned answer; the request then has no effect.
        delay: seconds to wait first.
        close: close the connection `before` or `after` the request took effect, without an answer.
    """

    answer: Response | None = None
    delay: float = 0.0
    close: Literal["", "before", "after"] = ""


# Method, path, query, headers (names in lower case) and body of a request, and the fault for it or None.
FaultRule = Callable[[str, str, Mapping[str, str], Mapping[str, str], bytes], Fault | None]
