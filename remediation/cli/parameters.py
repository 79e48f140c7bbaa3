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


def as_words(book: Runbook, recorded: dict[str, Any]) -> list[str]:
    """Return the options that give these recorded values, without those that are the default."""
    words: list[str] = []
    for item in book.parameters:
        value = recorded.get(item.name, item.default)
        if item.flag and value != item.default:
            words.append(item.flag_name if value else f"--no-{item.flag_name[2:]}")
        elif item.repeatable:
            words += [word for text in value or () for word in (item.flag_name, str(text))]
        elif not item.flag and value not in (None, item.default):
            words += [item.flag_name, str(value)]
    return words
