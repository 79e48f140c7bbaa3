"""What has to hold before a runbook does anything, asked where the steps need it: each gives its value back, or ends the plan."""

from __future__ import annotations

from typing import Literal, TypeVar

from remediation.model.commands import SHOW, Hint, Hints
from remediation.model.errors import NotApplicable, Refused, UsageProblem

T = TypeVar("T")


def need(value: T | Literal[False] | None, message: str, next: Hint | Hints = ()) -> T:  # noqa: A002 - the JSON key is `next`
    """Return a value of the world that the fix builds on; refuse the run (exit 3) where it is None, False or empty."""
    if not value:
        raise Refused(message, next=next or SHOW)
    return value


def allow(value: T | Literal[False] | None, message: str, next: Hint | Hints = ()) -> T:  # noqa: A002 - as above
    """Return what follows from a parameter; reject the parameter (exit 2, the caller's mistake) where that is None, False or empty."""
    if not value:
        raise UsageProblem(message, "nothing was changed", next or SHOW)
    return value


def applies(value: T | Literal[False] | None, message: str) -> T:
    """Return what makes the runbook one for this target; end as ``not_applicable`` where it is None, False or empty."""
    if not value:
        raise NotApplicable(message)
    return value
