"""What an answer's headers say; anything that is not as it should be says nothing, for it may follow a write that was made."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from remediation.model.limits import message

# A clock that shows another century is none, and the calculations with it would not end well.
_FIRST, _LAST = 1_577_836_800.0, 4_102_444_800.0  # 2020 and 2100
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
# Source: https://kubernetes.io/blog/2020/09/03/warnings/
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


def date(headers: Mapping[str, str]) -> float | None:
    """Return the ``Date`` in seconds since 1970, None when there is none that can be believed."""
    found = _seconds_of(headers.get("Date", ""))
    return found if found is not None and _FIRST <= found < _LAST else None


def retry_after(headers: Mapping[str, str]) -> float:
    """Return how many seconds ``Retry-After`` asks to wait, as a number or as a moment; 0 when it does not say."""
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    moment = _seconds_of(text)
    now = date(headers)
    return 0.0 if moment is None else max(0.0, moment - (time.time() if now is None else now))


def warnings(headers: Mapping[str, str]) -> list[str]:
    """Return what the API server warns of, without what would move the cursor of a terminal."""
    found = _WARNING.findall(headers.get("Warning", ""))
    return [re.sub(r"[^\x20-\x7e\xa0-\xff]", " ", message(text)) for text in found]


def _seconds_of(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
