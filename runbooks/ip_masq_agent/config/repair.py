"""The one fault that a machine may repair: a resyncInterval without a unit."""

import re

from .document import DocumentError, read
from .problems import INTERVAL, SHORTEST_INTERVAL, Severity, fields, problems
from .rewrite import replace_value

_WHOLE = re.compile(r"[0-9]{1,9}")


def repaired(text: str, *, ipv6: bool = True) -> str | None:
    """Return the text with a unitless resyncInterval given its unit, seconds; None when that does not heal it.

    Only that one value is touched: the list of networks and comments stay as they are. Other faults and intervals
    that are too short are for a person to decide.
    """
    try:
        document = read(text)
    except DocumentError:
        return None
    member = fields(document).get(INTERVAL)
    interval = with_unit(member.value) if member else None
    if member is None or interval is None:
        return None
    candidate = replace_value(document, member, interval)
    return candidate if _heals(candidate, _values(text) | {INTERVAL: interval}, ipv6) else None


def with_unit(value: object) -> str | None:
    """Return an interval without a unit as seconds, None for any other value and for one that is too short."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not _WHOLE.fullmatch(str(value)):
        return None
    return f"{int(value)}s" if int(value) >= SHORTEST_INTERVAL else None


def _heals(candidate: str, wanted: dict[str, object], ipv6: bool) -> bool:
    # Rare YAML can make an edit in place change something else, or nothing that can be read.
    accepted = all(
        problem.severity not in (Severity.REJECTED, Severity.UNREAD) for problem in problems(candidate, ipv6=ipv6)
    )
    return accepted and _values(candidate) == wanted


def _values(text: str) -> dict[str, object]:
    return {name: member.value for name, member in fields(read(text)).items()}
