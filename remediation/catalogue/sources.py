"""Where runbooks come from: the package `runbooks`, packages that are installed beside it, and folders that a person names.

A catalogue is a package whose folders are runbooks. An installed one names itself in its pyproject.toml::

    [project.entry-points."runbook.catalogues"]
    my-runbooks = "my_runbooks"
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from remediation.model.commands import command
from remediation.model.errors import UsageProblem

GROUP = "runbook.catalogues"
_OWN = "runbooks"
_folders: dict[str, Path] = {}


def catalogues() -> dict[str, Path]:
    """Return the folder of each catalogue by package; the one of this program comes first, none is imported but it."""
    return {name: _folder(name) for name in (_OWN, *_installed())} | _folders


def use_folder(path: Path) -> None:
    """Let this process know the runbooks in a folder too; raises UsageProblem when it is none, or has none."""
    found = path.expanduser().resolve()
    if not any(found.glob("*/runbook.py")):
        raise UsageProblem(
            f"--catalogue {str(path)!r} is not allowed; allowed is a folder in which each folder has a runbook.py",
            next=command("runbook", "new", "NAME", "--catalogue", str(path)),
        )
    import hashlib  # noqa: PLC0415 - most people have the usual catalogue

    name = f"catalogue_{hashlib.sha256(str(found).encode()).hexdigest()[:12]}"
    package = ModuleType(name)
    package.__path__ = [str(found)]
    sys.modules[name], _folders[name] = package, found


def rows(folder: Path) -> list[str]:
    """Return the names of the folders of a catalogue that are runbooks."""
    return sorted(file.parent.name for file in folder.glob("*/runbook.py"))


def _folder(name: str) -> Path:
    try:
        return Path(importlib.import_module(name).__path__[0])
    except ImportError as problem:
        raise UsageProblem(f"the catalogue {name} is installed and cannot be loaded: {problem}") from problem


@cache
def _installed() -> tuple[str, ...]:
    """Return the packages that name themselves. `importlib.metadata` would find them too; it takes half as long as a list."""
    return tuple(sorted({name for file in _entry_points() for name in _named(file)}))


def _entry_points() -> Iterator[Path]:
    for place in map(Path, filter(None, sys.path)):
        if place.is_dir():
            yield from place.glob("*.dist-info/entry_points.txt")


def _named(file: Path) -> list[str]:
    text = file.read_text("utf-8")
    if GROUP not in text:
        return []
    import configparser  # noqa: PLC0415 - most installations have the usual catalogue

    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.read_string(text)
    return [value.strip() for value in parser[GROUP].values()] if parser.has_section(GROUP) else []
