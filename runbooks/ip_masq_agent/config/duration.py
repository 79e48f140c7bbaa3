"""Durations in the syntax of Go's time.ParseDuration, which the agent applies to resyncInterval."""

import re
from collections.abc import Iterator

_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # micro sign
    "\u03bcs": 1_000,  # Greek mu; Go accepts both
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_TERM = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
# Go keeps a duration in a signed 64-bit count of nanoseconds.
_LONGEST = (1 << 63) - 1


def go_duration(text: str) -> float:
    """Read a Go duration such as `60s`, `1m` or `1h30m`.

    Source: https://pkg.go.dev/time#ParseDuration.

    Returns:
        Seconds, negative when the text starts with a minus sign.

    Raises:
        ValueError: the text is not a Go duration; the sentence says what is wrong with it.
    """
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    if not rest:
        raise ValueError(f'"{text}" is not a duration; write a number and a unit, for example 60s.')
    nanoseconds = sum(_terms(text, rest))
    if nanoseconds > _LONGEST:
        raise ValueError(f'"{text}" is too long; a duration may be at most about 290 years.')
    return sign * nanoseconds / 1_000_000_000


def _terms(text: str, rest: str) -> Iterator[int]:
    position = 0
    while position < len(rest):
        match = _TERM.match(rest, position)
        whole, fraction, unit = match.groups(default="") if match else ("", "", "")
        # Nineteen digits are the most that a Go duration can need, and int() refuses thousands of them.
        if not match or not (whole + fraction) or len(whole) > 100:
            raise ValueError(f'"{text}" is not a duration; write a number and a unit, for example 60s.')
        yield _nanoseconds(text, whole, fraction[:100], unit)
        position = match.end()


def _nanoseconds(text: str, whole: str, fraction: str, unit: str) -> int:
    if not unit:
        raise ValueError(f'"{text}" has no unit; write one of ns, us, ms, s, m or h after the number, for example 60s.')
    if unit not in _NANOSECONDS:
        raise ValueError(f'"{text}" has the unknown unit "{unit}"; allowed are ns, us, ms, s, m and h.')
    size = _NANOSECONDS[unit]
    scale: int = 10 ** len(fraction)
    return int(whole or "0") * size + int(fraction or "0") * size // scale
