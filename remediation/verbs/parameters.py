"""Parameter values of a runbook as the journal and plan files keep them, and as a person types them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remediation.catalogue.runbook import Runbook


def as_json(book: Runbook, values: dict[str, Any]) -> dict[str, Any]:
    """Return parameter values as the journal keeps them."""
    return {item.name: _plain(values.get(item.name)) for item in book.parameters}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def as_words(book: Runbook, recorded: dict[str, Any]) -> list[str]:
    """Return the options that give these recorded values, without those that are the default."""
    return option_words([item.as_json() for item in book.parameters], recorded)


def option_words(parameters: list[dict[str, Any]], recorded: dict[str, Any]) -> list[str]:
    """Return the same for parameters as ``runbook list -o json`` tells them."""
    return [word for item in parameters for word in _option(item, recorded.get(item["name"], item["default"]))]


def _option(item: dict[str, Any], value: Any) -> list[str]:
    name = item["option"]
    if item["flag"]:
        return [] if value == item["default"] else [name if value else f"--no-{name[2:]}"]
    if item["repeatable"]:
        return [word for text in value or () for word in (name, str(text))]
    return [] if value in (None, item["default"]) else [name, str(value)]
