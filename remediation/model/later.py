"""Public names of a package that are loaded when they are first used; its ``.pyi`` is the one list of them."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LINE = re.compile(r"^from (remediation\.[\w.]+) import (\w+) as \2$", re.MULTILINE)


def listed(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package: no second list can differ from that for type checkers.

    Args:
        package: its ``__name__``.
        file: its ``__file__``.
    """
    known: dict[str, str] = {}

    def homes() -> dict[str, str]:
        if not known:  # a row takes dozens of names, and to read the list takes a third of a millisecond
            known.update(
                (name, module) for module, name in _LINE.findall(Path(file).with_suffix(".pyi").read_text("utf-8"))
            )
        return known

    def get(name: str) -> Any:
        if name.startswith("__") or (home := homes().get(name)) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(home)
        value = getattr(module, name) if hasattr(module, name) else importlib.import_module(f"{home}.{name}")
        vars(sys.modules[package])[name] = value
        return value

    return get, lambda: sorted(homes())
