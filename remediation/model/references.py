"""Values that one step makes and a later one uses: typed as text, shown as what they are, known after apply."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from remediation.model.diffing import ABSENT, KNOWN_AFTER_APPLY, Path, State, get, parse_pointer

if TYPE_CHECKING:
    from remediation.model.steps import Resource

T = TypeVar("T")
_REFERENCE = re.compile(r"\(known after apply of (\S+) (/\S*)\)")


@dataclass(frozen=True)
class Reference:
    """A field of what an earlier step makes."""

    address: str
    pointer: str

    @property
    def path(self) -> Path:
        """The field as a path."""
        return parse_pointer(self.pointer)


class Later(str):
    """A field of a resource that an earlier step makes: ``Later(pool, "/name")``. Never a secret: the journal keeps it.

    It may stand wherever a resource says what it wants, also within a longer text, but not where it says which thing it is.
    """

    __slots__ = ()

    def __new__(cls, resource: Resource, pointer: str) -> Later:
        """Return the text that stands for the field until it is known."""
        return super().__new__(cls, f"(known after apply of {resource.address} {pointer})")

    def __deepcopy__(self, memo: object) -> str:
        """Return the text: a copy needs no resource."""
        return str(self)


def references(value: Any) -> Iterator[Reference]:
    """Yield every reference in a value, a resource or a document."""
    if isinstance(value, str):
        yield from (Reference(*found) for found in _REFERENCE.findall(value))
    elif isinstance(value, dict):
        yield from references(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from references([getattr(value, item.name) for item in fields(value)])


def resolved(value: T, known: Mapping[str, State]) -> T:
    """Return a value with every reference in it that is known, by address."""
    found: Any = value
    if isinstance(value, str):
        found = _text(value, known)
    elif isinstance(value, dict):
        found = {key: resolved(item, known) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        found = type(value)(resolved(item, known) for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        found = replace(value, **{item.name: resolved(getattr(value, item.name), known) for item in fields(value)})
    return found  # type: ignore[no-any-return] # of the type that went in


def _text(text: str, known: Mapping[str, State]) -> Any:
    if whole := _REFERENCE.fullmatch(text):
        return _value(Reference(*whole.groups()), known, text)
    return _REFERENCE.sub(lambda found: str(_value(Reference(*found.groups()), known, found[0])), text)


def _value(reference: Reference, known: Mapping[str, State], otherwise: str) -> Any:
    value = get(known.get(reference.address, {}), reference.path)
    return otherwise if value is ABSENT or value == KNOWN_AFTER_APPLY else value
