"""Label selectors as text, read word by word as the API server reads them, for its errors are those of its parser.

Source: https://github.com/kubernetes/apimachinery/blob/master/pkg/labels/selector.go
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runbook_sandbox.kubernetes import names

_TOKEN = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")
_SYMBOLS = frozenset({"==", "!=", "=", "!", "(", ")", ",", "<", ">"})
_OPERATORS = {"in": "In", "notin": "NotIn", "=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt"}


class Unreadable(Exception):
    """A selector that cannot be read."""


@dataclass(frozen=True)
class Requirement:
    """One term: `operator` is In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


def parse(text: str) -> list[Requirement]:
    """Return the terms of a selector; raises Unreadable."""
    return _Parser(_TOKEN.findall(text)).terms()


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at = tokens, 0

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        word = self._next()
        self._at += 1
        return word

    def terms(self) -> list[Requirement]:
        """Return all terms."""
        found: list[Requirement] = []
        while word := self._next():
            if word in _SYMBOLS and word != "!":
                raise Unreadable(f"found '{word}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self._term())
            except Unreadable as error:
                raise Unreadable(f"unable to parse requirement: {error}") from error
            self._separator()
        return found

    def _separator(self) -> None:
        word = self._take()
        if word not in {"", ","}:
            raise Unreadable(f"found '{word}', expected: ',' or 'end of string'")
        after = self._next()
        if word and (not after or (after in _SYMBOLS and after != "!")):
            raise Unreadable(f"found '{after}', expected: identifier after ','")

    def _term(self) -> Requirement:
        absent = self._next() == "!"
        if absent:
            self._take()
        key = self._take()
        if not key or key in _SYMBOLS:
            raise Unreadable(f"found '{key}', expected: identifier")
        for text in names.qualified(key):
            raise Unreadable(f'<nil>: Invalid value: "{key}": {text}')
        if absent or self._next() in {"", ","}:
            return Requirement(key, "DoesNotExist" if absent else "Exists")
        word = self._take()
        if word not in _OPERATORS:
            raise Unreadable(f"found '{word}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._several() if word in {"in", "notin"} else (self._one(),)
        return _checked(Requirement(key, _OPERATORS[word], values))

    def _one(self) -> str:
        if self._next() in {"", ","}:
            return ""
        word = self._take()
        if word in _SYMBOLS:
            raise Unreadable(f"found '{word}', expected: identifier")
        return word

    def _several(self) -> tuple[str, ...]:
        word = self._take()
        if word != "(":
            raise Unreadable(f"found '{word}' expected: '('")
        found = [self._one() if self._next() != ")" else ""]
        while (word := self._take()) == ",":
            found.append("" if self._next() == ")" else self._one())
        if word != ")":
            raise Unreadable(f"found '{word}', expected: ',' or ')'")
        return tuple(found)


def _checked(term: Requirement) -> Requirement:
    if term.operator in {"Gt", "Lt"} and not re.fullmatch(r"[+-]?\d+", term.values[0]):
        text = "for 'Gt', 'Lt' operators, the value must be an integer"
        raise Unreadable(f'values[0]: Invalid value: "{term.values[0]}": {text}')
    for index, value in enumerate(term.values):
        for text in names.label_value(value):
            raise Unreadable(f'values[{index}][{term.key}]: Invalid value: "{value}": {text}')
    return term
