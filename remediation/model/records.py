"""Write resources and checks into a plan or journal, and read them back on a later day or another machine.

Only frozen dataclasses marked `recorded` take part, with fields that JSON knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar

from remediation.model import versions
from remediation.model.errors import Unreadable

T = TypeVar("T", bound=type)
_KINDS: dict[str, type] = {}
_FINDERS: list[Callable[[], object]] = []


def found_by(finder: Callable[[], object]) -> None:
    """Name what imports every module that may define a kind; it is called when a record names one that is not known yet."""
    _FINDERS.append(finder)


def recorded(cls: T) -> T:
    """Make a frozen dataclass writable to and readable from a record; raises TypeError when its name is taken."""
    first = _KINDS.setdefault(cls.__name__, cls)
    if first is not cls:
        raise TypeError(
            f"two kinds of records are called {cls.__name__}, one in {first.__module__} and one in {cls.__module__}; "
            "a journal knows them by that name, so it has to be another one"
        )
    return cls


def to_record(value: Any) -> Any:
    """Return JSON for a recorded object, or for a plain value of JSON types and tuples; raises TypeError for others."""
    if is_dataclass(value):
        if _KINDS.get(type(value).__name__) is not type(value):
            raise TypeError(f"{type(value).__name__} is not marked as recorded")
        name = type(value).__name__
        content = {item.name: to_record(getattr(value, item.name)) for item in fields(value)}
        return versions.stamped(name, {"$type": name} | content)
    if isinstance(value, dict):
        return {key: to_record(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_record(item) for item in value]
    return value


def identity(value: Any) -> tuple[Any, ...]:
    """Return what says which thing a recorded object is about: its kind, and every field that is not learnt."""
    told = [(item.name, getattr(value, item.name)) for item in fields(value) if item.name not in value.learnt]
    return (type(value), *told)


def from_record(record: Any) -> Any:
    """Return the object that `to_record` wrote, also in another version: a field more is ignored, one less has its default.

    Raises:
        Unreadable: the kind is not known, or a field is missing that has no default.
    """
    if isinstance(record, list):
        return tuple(from_record(item) for item in record)
    if not isinstance(record, dict) or "$type" not in record:
        return record
    present = versions.present(str(record["$type"]), record)
    cls = _kind(str(present["$type"]))
    known: tuple[Any, ...] = fields(cls)
    required = [item.name for item in known if item.default is MISSING and item.default_factory is MISSING]
    if missing := [name for name in required if name not in present]:
        raise Unreadable(f"its {cls.__name__} does not say {', '.join(missing)}")
    return cls(**{item.name: from_record(present[item.name]) for item in known if item.name in present})


def _kind(name: str) -> type:
    if name not in _KINDS:
        for find in _FINDERS:
            find()
    if name not in _KINDS:
        raise Unreadable(f"it names a kind {name!r} that this version does not have")
    return _KINDS[name]
