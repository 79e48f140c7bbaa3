"""Write a runbook that works, for somebody to make another one of: the files beside this one, with other names."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Container
from importlib.resources import files
from pathlib import Path
from string import Template

from remediation.model.commands import command
from remediation.model.errors import UsageProblem

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*")
# A package of these names would stand in for what runbooks are made with.
_OURS = ("remediation", "runbooks", "runbook_sandbox")
_ID = re.compile(r"[A-Z][A-Z0-9]*-[0-9]{2}")
_ROW = {
    "runbook.py": "runbook.py",
    "situation.py": "situation.py",
    "proof.py": "proof.py",
    "scenarios.py": "scenarios.py",
    "surveyed.json": "surveyed.json",
}
# Whoever installs a package has its runbooks; those in a folder have to be named.
_TESTS = {False: "test_in_folder.py", True: "test_in_package.py"}


def new_runbook(name: str, catalogue: Path, row_id: str = "OWN-01", *, package: bool = False) -> list[Path]:
    """Write the folder of a runbook and return its files.

    Args:
        name: its name, ``start-pods``.
        catalogue: the folder that gets the folder; made when there is none.
        row_id: what it is called in a catalogue, ``OWN-01``.
        package: whether the catalogue is the package of a project of its own, which is written around it.

    Raises:
        UsageProblem: a name is not allowed, or is taken, or a file cannot be written.
    """
    if catalogue.name in ("", ".."):  # the folder where one is, which has a name too
        catalogue = catalogue.resolve()
    _require(_NAME, name, "NAME", "lower-case letters, digits and hyphens, such as start-pods")
    _require(_ID, row_id, "--id", "capital letters, a hyphen and two digits, such as OWN-01")
    row, home = name.replace("-", "_"), catalogue / catalogue.name.replace("-", "_") if package else catalogue
    _require_free(row, f"NAME {name!r}", keyword.kwlist)
    if package:
        _require(_PACKAGE, catalogue.name, "--catalogue", "letters, digits and hyphens, such as my-runbooks")
        _require_free(home.name, f"--catalogue {catalogue.name!r}", {*_OURS, *sys.stdlib_module_names, *keyword.kwlist})
    _refuse_taken(home / row)
    words = {"name": name, "row": row, "id": row_id, "catalogue": home.name, "project": catalogue.name}
    wanted = _ROW | {_TESTS[package]: f"tests/test_{row}.py"}
    written = [_write(template, home / row / file, words) for template, file in wanted.items()]
    return [*(_project(catalogue, home, words) if package else ()), *written]


def _require(allowed: re.Pattern[str], text: str, what: str, words: str) -> None:
    if not allowed.fullmatch(text):
        raise UsageProblem(f"{what} {text!r} is not allowed; allowed are {words}", "nothing was written")


def _require_free(word: str, what: str, taken: Container[str]) -> None:
    if word in taken:
        raise UsageProblem(
            f"{what} is not allowed; allowed is a word that Python has no use for", "nothing was written"
        )


def _refuse_taken(folder: Path) -> None:
    if folder.exists() or folder.is_symlink():
        raise UsageProblem(
            f"{folder} exists already; allowed is a name that is not taken",
            "nothing was written",
            command("ls", str(folder)),
        )


def _project(folder: Path, home: Path, words: dict[str, str]) -> list[Path]:
    """Write what makes a project of it, unless that is there."""
    wanted = {"pyproject.toml": folder / "pyproject.toml", "package.py": home / "__init__.py"}
    return [_write(template, file, words) for template, file in wanted.items() if not file.exists()]


def _write(template: str, file: Path, words: dict[str, str]) -> Path:
    text = (files(__name__) / f"{template}.txt").read_text("utf-8")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(Template(text).substitute(words))
    except OSError as problem:
        raise UsageProblem(
            f"{file} cannot be written: {problem.strerror}", "what was written before it stays"
        ) from problem
    return file
