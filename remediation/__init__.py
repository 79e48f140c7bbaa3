"""The author API: one import is enough to write a runbook. Its names stand in ``__init__.pyi``, each loaded when it is first used."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

_LINE = re.compile(r"^from (remediation\.[\w.]+) import (\w+) as \2$", re.MULTILINE)


def _homes() -> dict[str, str]:
    """Return the module of each public name, as the list for type checkers says it: no second list can differ from it."""
    return {name: module for module, name in _LINE.findall(Path(__file__).with_suffix(".pyi").read_text("utf-8"))}


def __getattr__(name: str) -> Any:
    if name.startswith("__") or (home := _homes().get(name)) is None:
        raise AttributeError(f"module 'remediation' has no attribute {name!r}")
    module = importlib.import_module(home)
    value = getattr(module, name) if hasattr(module, name) else importlib.import_module(f"{home}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_homes())
