"""Progress on stderr: a live line on a terminal, plain lines elsewhere, log events when logging is on."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from remediation.changes import Change
from remediation.model import Ensure, Verdict

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

    def changing(self, change: Change) -> None:
        """A change is about to be made or undone."""
        self._note(
            "change", address=change.address, action=change.action, fields=[edit.pointer for edit in change.edits]
        )
        self._line(f"  {_VERBS[change.action]} {change.address}")

    def waiting(self, ensure: Ensure, verdict: Verdict, seconds: float) -> None:
        """A check is not passed yet."""
        if seconds < _QUIET_SECONDS or (not self._live and time.monotonic() - self._last < _REPEAT_SECONDS):
            return
        self._last = time.monotonic()
        text = f"  waiting {int(seconds)} s of {int(ensure.within)}: {ensure.check.description}: {verdict.detail}"
        self._line(text[:79], replace=True)

    def answered(self, ensure: Ensure, verdict: Verdict) -> None:
        """A check has its final answer; the result shows it, so only the live line is removed."""
        self._note("check", check=ensure.check.description, status=verdict.status, detail=verdict.detail)
        if self._live and not self._quiet:
            click.echo("\r\x1b[K", err=True, nl=False)

    def _line(self, text: str, *, replace: bool = False) -> None:
        if self._quiet:
            return
        if self._live and replace:
            click.echo("\r\x1b[K" + text, err=True, nl=False)
        else:
            click.echo(text, err=True)

    def _note(self, event: str, **values: Any) -> None:
        if self._log is not None:
            self._log.info(event, **values)
