"""Progress on stderr: a live line on a terminal, plain lines elsewhere, log events when logging is on."""

from __future__ import annotations

import sys
import time
from typing import Any

from remediation.cli.console import ERASE, one_line, say, style
from remediation.cli.layout import WIDTH, labelled, shorten
from remediation.model.changes import Change
from remediation.model.long_writes import Underway
from remediation.model.steps import Ensure, Verdict

_VERBS = {"create": "creating", "update": "changing", "delete": "deleting"}
_QUIET_SECONDS = 1.0
_REPEAT_SECONDS = 10.0


class Progress:
    """Tell a person what is going on, once a second at most; silent when the result is for a machine.

    Args:
        quiet: print nothing.
        log: a structlog logger that gets every event, or None.
    """

    def __init__(self, *, quiet: bool, log: Any = None) -> None:
        self._quiet, self._log, self._live = quiet, log, sys.stderr.isatty()
        self._last = 0.0

    def about(self, **named: str) -> Progress:
        """Return the display of one run, whose log events carry these values."""
        return Progress(quiet=self._quiet, log=self._log.bind(**named) if self._log is not None else None)

    def changing(self, change: Change) -> None:
        """A change is about to be made or undone."""
        self._note(
            "change", address=change.address, action=change.action, fields=[edit.pointer for edit in change.edits]
        )
        self._line(one_line(f"  {_VERBS[change.action]} {change.address}"))

    def waiting(self, ensure: Ensure, verdict: Verdict, seconds: float) -> None:
        """A check is not passed yet."""
        if seconds < _QUIET_SECONDS or (not self._live and time.monotonic() - self._last < _REPEAT_SECONDS):
            return
        self._last = time.monotonic()
        text = f"  waiting {int(seconds)} s of {int(ensure.within)}: {verdict.detail or 'no answer yet'}: {ensure.check.description}"
        self._line(shorten(text, WIDTH - 1) if self._live else "\n".join(labelled("  ", text.strip())), replace=True)

    def underway(self, change: Change, operation: Underway, seconds: float) -> None:
        """The operation of a change has not ended yet."""
        if seconds < _QUIET_SECONDS or (not self._live and time.monotonic() - self._last < _REPEAT_SECONDS):
            return
        self._last = time.monotonic()
        far = "" if operation.percent is None else f" {operation.percent:.0f} %"
        self._note("operation", address=change.address, state=operation.state, percent=operation.percent)
        text = f"  waiting {int(seconds)} s: {operation.state or 'under way'}{far}: {_VERBS[change.action]} {change.address}"
        self._line(shorten(text, WIDTH - 1) if self._live else "\n".join(labelled("  ", text.strip())), replace=True)

    def held_up(self, who: str, seconds: float, limit: float) -> None:
        """Another run holds a lock."""
        if not self._live and time.monotonic() - self._last < _REPEAT_SECONDS:
            return
        self._last = time.monotonic()
        text = f"  waiting {int(seconds)} s of {int(limit)}: {who}"
        self._line(shorten(text, WIDTH - 1) if self._live else "\n".join(labelled("  ", text.strip())), replace=True)

    def answered(self, ensure: Ensure, verdict: Verdict) -> None:
        """A check has its final answer; the result shows it, so only the live line is removed."""
        self._note("check", check=ensure.check.description, status=verdict.status, detail=verdict.detail)
        if self._live and not self._quiet:
            self._write(ERASE)

    def notice(self, text: str) -> None:
        """Something keeps the verb waiting: nobody answers, or somebody asks to slow down."""
        self._note("waiting", why=text)
        if self._live and not self._quiet:
            self._write(ERASE)
        self._line("\n".join(labelled("  ", text)))

    def warning(self, text: str) -> None:
        """Something makes all that follows less certain; said for machines too, beside their document."""
        if self._log is not None:
            self._log.warning("caution", text=text)
        self._write("\n".join(labelled(style("warning: ", fg="yellow"), text)) + "\n")

    def _line(self, text: str, *, replace: bool = False) -> None:
        if self._quiet:
            return
        self._write(ERASE + text if self._live and replace else text + "\n")

    def _write(self, text: str) -> None:
        """A run goes on, and undoes what it must, when nobody reads this any more."""
        try:
            say(text, error=True, end="")
        except OSError:
            self._quiet = True

    def _note(self, event: str, **values: Any) -> None:
        if self._log is not None:
            self._log.info(event, **values)
