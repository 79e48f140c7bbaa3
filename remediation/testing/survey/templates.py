"""Make templates of what one play has shown: where a value came from a parameter, the target or a fact, a mark stands for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from remediation.catalogue.runbook import Runbook
from remediation.catalogue.surveyed import ALL, Json, marks, row_of
from remediation.model.records import to_record
from remediation.model.rights import Permission
from remediation.model.targets import Target
from remediation.testing.survey.watching import Seen
from remediation.testing.survey.words import strange

# What is shorter is looked for as a whole only.
_SHORTEST = 3


class Doubtful(Exception):
    """Nobody can tell where a name in a scenario comes from."""


@dataclass(frozen=True)
class Entry:
    """A template: of which kind, what has to be given beside its marks, its fields, and those that may be told more loosely."""

    kind: str
    module: str
    given: frozenset[str]
    fields: Json
    loose: Json


class Templates:
    """The marks of one play."""

    def __init__(self, book: Runbook, target: Target, recorded: Json, seen: Seen, words: frozenset[str]) -> None:
        self.book, self._words = book, words
        self.facts: Json = {}
        self._lists: dict[tuple[str, ...], str] = {}
        self._texts: dict[str, str] = {}
        for name, value in asdict(target).items():
            self._stands_for(value, f"target.{name}")
        for item in book.parameters:
            self._parameter(item.name, recorded.get(item.name, item.default), given=item.name in recorded)
        for fact, answer in seen.facts.items():
            self._fact(fact, answer)

    def _parameter(self, name: str, value: Any, *, given: bool) -> None:
        if isinstance(value, list | tuple):
            texts = list(dict.fromkeys(map(str, value)))
            self._lists[tuple(texts)] = name
            for text in texts:
                self._stands_for(text, name)
        elif isinstance(value, str) or (given and type(value) not in (bool, int, type(None))):
            self._stands_for(str(value), name)

    def _stands_for(self, value: str | None, name: str) -> None:
        if not value:
            return
        if self._texts.setdefault(value, name) != name:
            raise Doubtful(
                f"{self._texts[value]} and {name} are both {value!r} in a scenario; give them different values"
            )

    def _fact(self, fact: Any, answer: Any) -> None:
        """Let a mark stand for the answer of a fact that names things of the target."""
        word = getattr(fact, "names", "")
        if not word or answer is None:
            return
        about = {item.name: self.template(getattr(fact, item.name)) for item in fields(fact)}
        self.facts[word] = {"module": self._home(fact), "fact": type(fact).__name__, "fields": about}
        for text in answer if isinstance(answer, tuple) else (answer,):
            self._stands_for(text, f"fact.{word}")

    def template(self, value: Any) -> Any:
        """Return a value with marks."""
        if isinstance(value, dict):
            return {self.template(key): self.template(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            name = self._lists.get(tuple(value)) if value and all(isinstance(item, str) for item in value) else None
            return {ALL: name} if name else [self.template(item) for item in value]
        return self._marked(value) if isinstance(value, str) else value

    def _marked(self, text: str) -> str:
        if text in self._texts:
            return f"«{self._texts[text]}»"
        known = [item for item in self._texts if len(item) >= _SHORTEST]
        if not known:
            return text
        each = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
        return re.sub(rf"(?<![A-Za-z0-9])(?:{each})(?![A-Za-z0-9])", lambda found: f"«{self._texts[found[0]]}»", text)

    def rights(self, fact: Any) -> Iterator[Entry]:
        """Yield each right that a fact takes; it is taken where everything is given that the fact was asked with."""
        asked = marks([self.template(_plain(getattr(fact, item.name))) for item in fields(fact)])
        given = frozenset(filter(self.book.may_lack, asked))
        for right in fact.permissions:
            values = {name: self.template(value) for name, value in asdict(right).items()}
            # What only the target names can be anything there.
            values |= {name: "" for name in ("namespace", "name") if strange(values[name], self._words)}
            yield Entry(Permission.__name__, "", given - marks(values), values, {})

    def record(self, item: Any) -> Entry:
        """Return a resource or check: which thing it is, and of what is wanted of it only what bounds its changes."""
        names = [each for each in fields(item) if each.name not in item.learnt]
        bounds = [each for each in fields(item) if each.name in getattr(item, "bounds", ())]
        needed = [each for each in fields(item) if each.name in item.learnt and each not in bounds]
        blank = {each.name: _blank(getattr(item, each.name)) for each in needed if _has_no_default(each)}
        about = {each.name: self.template(to_record(getattr(item, each.name))) for each in names}
        self._require_names(item, about)
        loose = {each.name: self._bare(self.template(to_record(getattr(item, each.name)))) for each in bounds}
        return Entry(type(item).__name__, self._home(item), frozenset(), about, blank | loose)

    def _home(self, thing: Any) -> str:
        """Return the module of a thing, as its runbook names it."""
        module, row = type(thing).__module__, row_of(self.book)
        return module.removeprefix(row) if module.startswith(f"{row}.") else module

    def _bare(self, value: Any) -> Any:
        """Return a state without the texts that only this world has, and without long ones: what they say decides nothing."""
        if isinstance(value, dict):
            return {key: self._bare(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._bare(item) for item in value]
        return "" if isinstance(value, str) and ("\n" in value or strange(value, self._words)) else value

    def _require_names(self, item: Any, about: Json) -> None:
        for name, value in about.items():
            if isinstance(value, str) and (words := strange(value, self._words)):
                text = f"{type(item).__name__} has {name} {value!r}, and nothing tells where {words[0]!r} is from"
                raise Doubtful(f"{text}: let it come from a parameter, the target, or a fact that `names` it")


def _has_no_default(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _blank(value: Any) -> Any:
    return type(value)() if isinstance(value, str | tuple | dict | int | float | bool) else value


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
