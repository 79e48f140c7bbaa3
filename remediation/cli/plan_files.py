"""Saved plans as files, and what to type for one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from remediation.catalogue.runbook import Runbook
from remediation.cli.hints import target_words
from remediation.cli.session import Session
from remediation.model.commands import Command, command
from remediation.model.errors import UsageProblem
from remediation.model.limits import PLAN
from remediation.verbs.parameters import as_words
from remediation.verbs.saved_plan import SavedPlan, read_saved, unusable

# Stands for the file whose content was piped into a plan.
KEY = "KEY.json"


def save(path: str, content: dict[str, Any]) -> None:
    """Write a plan; raises UsageProblem when the file cannot be written."""
    try:
        Path(path).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as problem:
        raise UsageProblem(
            f"--out {path!r} cannot be written: {problem.strerror}; allowed is a file in a folder you may write to"
        ) from None


def read(path: str, book: Runbook, session: Session) -> SavedPlan:
    """Read a saved plan; raises UsageProblem for a file that is no plan of this runbook, or that was edited."""
    source = f"--plan {path!r}"
    try:
        with Path(path).open("rb") as file:
            text = file.read(PLAN + 1)
    except OSError as problem:
        raise unusable(source, f"cannot be read: {problem.strerror}") from None
    saved = read_saved(text, book, source)
    run = run_command(path, book, saved.parameters, saved.target, session)
    return replace(saved, run_again=(run,), plan_again=(_plan_command(saved, session),))


def _plan_command(saved: SavedPlan, session: Session) -> Command:
    named = {name: value for name, value in saved.target.items() if name != "server"}
    words = as_words(saved.book, saved.parameters)
    return command("runbook", "plan", saved.book.name, *words, *target_words(named, session.get))


def run_command(
    path: str, book: Runbook, parameters: dict[str, Any], target: dict[str, str], session: Session
) -> Command:
    """Return the command that runs a plan file; a key from standard input is in no file, and leaves nobody to ask."""
    words = ["runbook", "run", book.name, "--plan", path, *target_words(target, session.get)]
    return from_standard_input(Command(tuple(words)), parameters)


def from_standard_input(ours: Command, parameters: dict[str, Any]) -> Command:
    """Return a command that is given the key again, where its plan read one from standard input."""
    return replace(ours, words=(*ours.words, "--yes"), reads=KEY) if reads_key(parameters) else ours


def reads_key(parameters: dict[str, Any]) -> bool:
    """Tell whether a plan read standard input."""
    return "-" in parameters.values()
