"""What is told about progress by every verb; the command line draws it."""

from __future__ import annotations

from typing import Any, Protocol

from remediation.engine import asking


class Observer(asking.Observer, Protocol):
    """What is told about progress: by the engine, and by whoever leads to the target."""

    def about(self, **named: str) -> Observer:
        """Return the observer of one run: ``run_id`` and ``runbook``, as far as they are known."""

    def notice(self, text: str) -> None:
        """Something keeps the verb waiting: nobody answers, or somebody asks to slow down."""

    def warning(self, text: str) -> None:
        """Something makes all that follows less certain."""


def _nobody(self: Any, *what: Any) -> None:
    """Tell nobody."""


class Silent:
    """Tells nobody; a base for an observer that tells something."""

    changing = waiting = answered = held_up = underway = notice = warning = _nobody

    def about(self, **named: str) -> Observer:
        """Return itself: nobody is told about one run either."""
        return self
