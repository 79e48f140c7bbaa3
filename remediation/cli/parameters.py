"""Parameter values of a runbook as the journal and plan files keep them."""

from __future__ import annotations

from typing import Any

from remediation.catalogue import Runbook


def as_json(book: Runbook, values: dict[str, Any]) -> dict[str, Any]:
    """Return parameter values as the journal keeps them."""
    return {item.name: _plain(values.get(item.name)) for item in book.parameters}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
