"""The words that a row itself says: a name that has others is one of the world that a scenario has made."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from remediation.catalogue.surveyed import MARK
from remediation.testing.survey.reached import modules

_WORD = re.compile(r"[A-Za-z0-9]+")


def words_of(folder: Path) -> frozenset[str]:
    """Return every word in the texts of a row's code, without its docstrings, and in the manifests beside it."""
    code = [text for path in modules(folder) for text in _texts(path)]
    beside = [path.read_text("utf-8") for path in sorted(folder.rglob("*.yaml"))]
    return frozenset(word for text in [*code, *beside] for word in _WORD.findall(text))


def _texts(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def strange(template: str, words: frozenset[str]) -> list[str]:
    """Return the words of a template that neither the row says nor a mark stands for."""
    return [word for word in _WORD.findall(MARK.sub(" ", template)) if word not in words]
