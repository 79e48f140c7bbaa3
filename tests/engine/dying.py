"""Processes of a test's own steps that end at a chosen journal entry or patch, as if they were killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from remediation.engine.run import Run
from tests.engine.inside import Inside


class Killed(BaseException):
    """The process is gone: nobody catches this."""


def dies(inside: Inside, run: Run, verb: Callable[[Run], Any], at: Callable[[str], bool]) -> bool:
    """Carry out a verb and let its process end at the first journal entry, or request, that fits; tell whether one did."""
    journal, api = inside.journal, inside.api.kubernetes
    append, patch = journal.append, api.patch

    def appending(run_id: str, kind: str, *rest: Any, **more: Any) -> Any:
        if at(f"before {kind}"):
            raise Killed
        event = append(run_id, kind, *rest, **more)
        if at(f"after {kind}"):
            raise Killed
        return event

    def patching(*args: Any, **more: Any) -> Any:
        if at("before submit"):
            raise Killed
        answer = patch(*args, **more)
        if at("after submit"):
            raise Killed
        return answer

    vars(journal)["append"], vars(api)["patch"] = appending, patching
    try:
        verb(run)
    except Killed:
        return True
    finally:
        del vars(journal)["append"], vars(api)["patch"]
    return False
