"""Lay the templates of all plays of a row together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from remediation.catalogue.surveyed import EITHER, MARK, Json, marks
from remediation.model.rights import Permission
from remediation.testing.survey.templates import Entry


@dataclass
class _Merged:
    """One template of several plays; of each field every form that it had."""

    entry: Entry
    forms: dict[str, list[Any]]
    plays: set[int] = field(default_factory=set)

    @property
    def name(self) -> tuple[Any, ...]:
        """What two plays have to have in common to have shown the same."""
        return self.entry.kind, self.entry.given, _text(self.entry.fields), _shape(self.entry.loose)

    def shapes(self, field: str) -> list[str]:
        """Return the forms of a field as texts that are equal where nothing tells them apart."""
        return [self.shape(field, form) for form in self.forms[field]]

    def shape(self, field: str, form: Any) -> str:
        """Return one form as such a text."""
        return _shape(form, field) if field in self.entry.loose else _text(form)

    def take(self, field: str, form: Any) -> None:
        """Add a form, or tell one that is there as loosely as both need it."""
        forms, shapes = self.forms[field], self.shapes(field)
        if (shape := self.shape(field, form)) not in shapes:
            forms.append(form)
        elif field in self.entry.loose:
            forms[shapes.index(shape)] = _common(forms[shapes.index(shape)], form)
        forms.sort(key=_text)


def merged(plays: Iterable[Iterable[Entry]], may_lack: Callable[[str], bool]) -> list[Json]:
    """Return the templates of all plays, each once, as the file keeps them.

    Args:
        plays: the templates of each play.
        may_lack: tells of a mark that a call may come without its value. Two things that differ only in fields with such
            a mark, and that no play has shown side by side, are one with two forms: ``«secret»`` or ``«account»-registry``.
    """
    found: dict[Any, _Merged] = {}
    for number, entries in enumerate(plays):
        for entry in entries:
            fields = entry.fields | entry.loose
            new = _Merged(entry, {name: [value] for name, value in fields.items()})
            old = found.setdefault(new.name, new)
            old.plays.add(number)
            for name, value in fields.items():
                old.take(name, value)
    every = _without_stricter(list(found.values()))
    while pair := next((pair for pair in combinations(every, 2) if _are_forms(*pair, may_lack)), None):
        every.remove(pair[1])
        _join(*pair)
    _complete(every, may_lack)
    return sorted((_json(item) for item in every), key=_text)


def _common(first: Any, second: Any) -> Any:
    """Return a state with an empty text wherever two of one shape differ."""
    if isinstance(first, dict):
        return {key: _common(item, second[key]) for key, item in first.items()}
    if isinstance(first, list):
        return [_common(*pair) for pair in zip(first, second, strict=True)]
    return first if first == second else ""


def _shape(value: Any, key: str = "") -> str:
    """Return a state as text with only the kind of each of its texts; what is marked, one of few words or a program stays."""
    return _text(_kinds(value, key))


def _kinds(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _kinds(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_kinds(part, "") for part in value]
    return "" if isinstance(value, str) and key not in ("may", "image") and not MARK.search(value) else value


def _without_stricter(every: list[_Merged]) -> list[_Merged]:
    """Leave out a right that is taken already when less is given."""
    return [
        item
        for item in every
        if not any(
            other is not item and other.entry.kind == item.entry.kind == Permission.__name__
            and other.entry.fields == item.entry.fields and other.entry.given < item.entry.given
            for other in every
        )
    ]  # fmt: skip


def _are_forms(first: _Merged, second: _Merged, may_lack: Callable[[str], bool]) -> bool:
    if (first.entry.kind, first.entry.module) != (second.entry.kind, second.entry.module) or first.plays & second.plays:
        return False
    differing = [name for name in first.forms if first.shapes(name) != second.shapes(name)]
    return bool(differing) and all(
        any(map(may_lack, marks([*first.forms[name], *second.forms[name]]))) for name in differing
    )


def _join(first: _Merged, second: _Merged) -> None:
    for name, forms in second.forms.items():
        for form in forms:
            first.take(name, form)
    first.plays |= second.plays
    first.entry = replace(first.entry, given=first.entry.given & second.entry.given)


def _complete(every: list[_Merged], may_lack: Callable[[str], bool]) -> None:
    """Give every name that an option gave the form that it has without: some plays have shown it of another thing."""
    instead: dict[str, set[str]] = {}
    for forms in (forms for item in every for forms in item.forms.values() if len(forms) > 1):
        for name in filter(may_lack, marks(forms)):
            if f"«{name}»" in forms:
                plain = {form for form in forms if isinstance(form, str) and not any(map(may_lack, marks(form)))}
                instead.setdefault(name, set()).update(plain)
    for item in every:
        for name, form in [(name, form) for name, forms in item.forms.items() for form in forms]:
            for new in _without_options(form, instead):
                item.take(name, new)


def _without_options(form: Any, instead: dict[str, set[str]]) -> list[Any]:
    """Return a form as it is when an option that it names is not given."""
    text = _text(form)
    return [json.loads(text.replace(f"«{mark}»", new)) for mark in sorted(marks(form)) for new in instead.get(mark, ())]


def _json(item: _Merged) -> Json:
    told = {name: forms[0] if len(forms) == 1 else {EITHER: forms} for name, forms in item.forms.items()}
    given = {"given": sorted(item.entry.given)} if item.entry.given else {}
    if item.entry.kind == Permission.__name__:
        return given | {"right": list(told.values())}
    return given | {"module": item.entry.module, "record": {"$type": item.entry.kind} | told}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=sorted)
