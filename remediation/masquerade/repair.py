"""The one fault that a machine may repair: a resyncInterval without a unit."""

import re

from .document import DocumentError, Member, read
from .problems import INTERVAL, fields
from .rewrite import replace_value

_WHOLE = re.compile(r"[0-9]{1,9}")


def repaired(text: str) -> str | None:
    """Return the text with a unitless resyncInterval given its unit, seconds; None when that is not the fault.

    Only that one value is touched: the list of networks, other faults and comments stay as they are.
    """
    try:
        document = read(text)
    except DocumentError:
        return None
    member = fields(document).get(INTERVAL)
    seconds = _seconds(member) if member else None
    return replace_value(document, member, f"{seconds}s") if member and seconds else None


def _seconds(member: Member) -> int | None:
    value = member.value
    if isinstance(value, bool) or not isinstance(value, int | str) or not _WHOLE.fullmatch(str(value)):
        return None
    return int(value)
