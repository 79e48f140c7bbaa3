"""What a runbook asks and touches, as a survey has seen it, with the values of one call filled in.

The survey (`remediation.testing.survey`) plays every scenario of a row and keeps beside it, in ``surveyed.json``, each right that its
facts took and each resource and check that its steps named. Where a value came from a parameter, the target or a fact that
names something, a mark stands for it: ``«namespace»-registry``, ``«target.project»``, ``«fact.NUMBER»``.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remediation.model.commands import command
from remediation.model.errors import UsageProblem
from remediation.model.records import from_record, identity
from remediation.model.rights import Permission

if TYPE_CHECKING:
    from remediation.catalogue.parameters import Parameter
    from remediation.catalogue.runbook import Runbook
    from remediation.model.facts import Facts
    from remediation.model.targets import Target

FILE = "surveyed.json"
MARK = re.compile(r"«([\w.]+)»")
# Instead of a field: every value of a parameter, and one of several templates.
ALL, EITHER = "$all", "$either"
Json = dict[str, Any]


@dataclass(frozen=True)
class Rights:
    """The rights that facts of a runbook take."""

    permissions: tuple[Permission, ...]


def declared(book: Runbook, target: Target, facts: Facts | None, **values: Any) -> list[Any]:
    """Return what the runbook asks and touches with these values: the rights of its facts, its resources and its checks.

    Args:
        book: whose folder has a survey.
        target: what it acts on.
        facts: asked for what only the target knows, such as the number of a project; None prints a word instead.
        values: parameters that are given, as the steps want them.

    Raises:
        UsageProblem: it has no survey, or one that cannot be read: nobody knows what it touches.
    """
    found = surveys(book.steps.__module__).get(book.name)
    if not isinstance(found, dict):
        raise _unknown(f"{file_beside(book.steps.__module__)} does not say what {book.name} touches", book.name)
    filling = _Filling(book, target, facts, values, found.get("facts", {}))
    rights = [Permission(*filled) for entry in found.get("rights", []) for filled in filling.instances(entry, "right")]
    records = [_thing(book, entry, filled) for entry in found.get("records", []) for filled in filling.merged(entry)]
    return [Rights(tuple(dict.fromkeys(rights))), *records]


@cache
def surveys(module: str) -> Json:
    """Return the surveys of the runbooks in the folder of a module, by name of runbook; none where nobody has made one."""
    path = file_beside(module)
    try:
        found = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except (ValueError, RecursionError) as problem:
        raise _unknown(f"{path} cannot be read: {problem}", "NAME") from problem
    return found if isinstance(found, dict) else {}


def _unknown(why: str, name: str) -> UsageProblem:
    return UsageProblem(why, "nothing was changed", command("python", "-m", "remediation.testing.survey", name))


def file_beside(module: str) -> Path:
    """Return where the survey of the runbooks in a module is kept."""
    return Path(importlib.import_module(module).__file__ or "").with_name(FILE)


def row_of(book: Runbook) -> str:
    """Return the package of a runbook's folder; what lies in it is named relative to it, wherever the folder lies."""
    return book.steps.__module__.rpartition(".")[0]


def _thing(book: Runbook, entry: Json, filled: Json) -> Any:
    importlib.import_module(entry["module"], row_of(book))
    return from_record(filled)


class _Filling:
    """What marks stand for in one call."""

    def __init__(self, book: Runbook, target: Target, facts: Facts | None, values: Json, known: Json) -> None:
        self.book, self.target, self.facts, self.values, self.known = book, target, facts, values, known

    def merged(self, entry: Json) -> Iterator[Json]:
        """Yield a record for each thing: what several values of a parameter say of the same one is laid together."""
        things: dict[Any, Json] = {}
        for record in self.instances(entry, "record"):
            name = identity(_thing(self.book, entry, record))
            things[name] = _laid_over(things[name], record) if name in things else record
        yield from things.values()

    def instances(self, entry: Json, part: str) -> Iterator[Any]:
        """Yield the part of an entry once for each choice of values, not at all where one is not given."""
        for template in self._settled(entry[part]):
            wanted = sorted({*entry.get("given", ()), *marks(template)})
            for chosen in product(*map(self._choices, wanted)):
                yield self._filled(template, dict(zip(wanted, chosen, strict=True)))

    def _settled(self, template: Any) -> Iterator[Any]:
        """Yield a template without alternatives: of several, those that name an option which is given go first."""
        if isinstance(template, dict):
            for fields in product(*map(self._alternatives, template.values())):
                yield dict(zip(template, fields, strict=True))
        else:
            yield from map(list, product(*map(self._alternatives, template)))

    def _alternatives(self, field: Any) -> list[Any]:
        if not isinstance(field, dict) or list(field) != [EITHER]:
            return [field]
        possible = [item for item in field[EITHER] if all(map(self._choices, marks(item)))]
        return [item for item in possible if any(map(self.book.may_lack, marks(item)))] or possible

    def _filled(self, template: Any, chosen: Json) -> Any:
        if isinstance(template, dict):
            if list(template) == [ALL]:
                return list(self._choices(template[ALL]))
            return {self._filled(key, chosen): self._filled(item, chosen) for key, item in template.items()}
        if isinstance(template, list):
            return [self._filled(item, chosen) for item in template]
        if not isinstance(template, str):
            return template
        whole = MARK.fullmatch(template)
        return chosen[whole[1]] if whole else MARK.sub(lambda found: str(chosen[found[1]]), template)

    def _choices(self, name: str) -> tuple[Any, ...]:
        """Return every value that a mark stands for; a word where one is wanted and nobody gave it."""
        kind, _, rest = name.rpartition(".")
        if kind == "target":
            return self._of_target(rest)
        if kind == "fact":
            return self._answers[rest]
        parameter = self._parameters[name]
        if self._given(name):
            value = self.values[name]
            return tuple(dict.fromkeys(map(_plain, value if parameter.repeatable else (value,))))
        if parameter.required or parameter.repeatable:
            return (parameter.word,)
        return () if parameter.default is None else (_plain(parameter.default),)

    def _given(self, name: str) -> bool:
        return self.values.get(name) not in (None, ())

    def _of_target(self, name: str) -> tuple[Any, ...]:
        value = getattr(self.target, name)
        if value:
            return (value,)
        return (name.upper(),) if (self.book.target.kind, name) == ("project", "project") else ()

    @cached_property
    def _parameters(self) -> dict[str, Parameter]:
        return {item.name: item for item in self.book.parameters}

    @cached_property
    def _answers(self) -> dict[str, tuple[Any, ...]]:
        """What facts answer that name something."""
        return {word: self._answer(word, entry) for word, entry in self.known.items()}

    def _answer(self, word: str, entry: Json) -> tuple[Any, ...]:
        if self.facts is None:
            return (word,)
        cls = getattr(importlib.import_module(entry["module"], row_of(self.book)), entry["fact"])
        found: list[Any] = []
        for fields in self.instances(entry, "fields"):
            answer = self.facts(cls(**fields))
            found += answer if isinstance(answer, tuple) else (answer,)
        return tuple(dict.fromkeys(found))


def marks(template: Any) -> set[str]:
    """Return the names that stand in a template."""
    return set(MARK.findall(json.dumps(template, ensure_ascii=False)))


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | bool) else str(value)


def _laid_over(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        return first | {key: _laid_over(first[key], item) if key in first else item for key, item in second.items()}
    return first
