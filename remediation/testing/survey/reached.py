"""Which lines of a row its scenarios reach, of those that yield a step or a finding or ask a fact."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

Line = tuple[Path, int]
_APART = ("tests", "scenarios.py")
_WHAT = re.compile(r"^Steps$|\bFinding\b")
# What the answer of a fact takes, the fact itself says: its own questions are not looked for.
_FACTS = re.compile(r"\bfacts(\.together)?$")


class Reached:
    """The lines of a folder that have been carried out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps = {line for path in modules(folder) for line in _told(path)}
        self.lines: set[Line] = set()
        self._files = {str(path): path for path, _ in self.steps}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take notes while the body runs, in this thread; whoever traced before goes on afterwards."""
        before = sys.gettrace()
        sys.settrace(self._entered)
        try:
            yield
        finally:
            sys.settrace(before)

    def _entered(self, frame: FrameType, event: str, _: Any) -> Any:
        return self._passed if frame.f_code.co_filename in self._files else None

    def _passed(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self.lines.add((self._files[frame.f_code.co_filename], frame.f_lineno))
        return self._passed

    def missed(self) -> list[str]:
        """Return each step that nothing has reached, as ``runbook.py:57: yield Caution(...)``."""
        return [f"{path.name}:{line}: {_said(path, line)}" for path, line in sorted(self.steps - self.lines)]


def modules(folder: Path) -> list[Path]:
    """Return the code of a row, without its tests and scenarios."""
    return [path for path in sorted(folder.rglob("*.py")) if not set(path.relative_to(folder).parts) & set(_APART)]


def _told(path: Path) -> Iterator[Line]:
    """Yield the first line of each statement that yields a step or a finding, or asks a fact for one."""
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(function, ast.FunctionDef) and function.name != "ask":
            steps = bool(_WHAT.search(ast.unparse(function.returns or function)))
            simple = (node for node in ast.walk(function) if isinstance(node, ast.stmt) and not hasattr(node, "body"))
            yield from ((path, node.lineno) for node in simple if (steps and _is_step(node)) or _asks(node))


def _is_step(node: ast.stmt) -> bool:
    return isinstance(getattr(node, "value", None), ast.Yield | ast.YieldFrom)


def _asks(node: ast.stmt) -> bool:
    called = (item.func for item in ast.walk(node) if isinstance(item, ast.Call))
    return any(_FACTS.search(ast.unparse(function)) for function in called)


def _said(path: Path, line: int) -> str:
    return path.read_text("utf-8").splitlines()[line - 1].strip()
