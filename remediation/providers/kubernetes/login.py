"""Login plugins of a kubeconfig, which the official client waits for without end."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import get_ident
from types import SimpleNamespace
from typing import Any, ClassVar

# A plugin that only asks a cloud for a token, and one that has a person who types or goes to a browser.
SECONDS, _WITH_A_PERSON = 60.0, 300.0
_HUNG = "the login plugin did not answer within"


class _Limited(subprocess.Popen[str]):
    """A plugin that has only so much time.

    Where a person can be asked it stays in the terminal's foreground, so that it may read what they type. Elsewhere it
    gets a session of its own, so that what it started ends with it.
    """

    at_terminal: ClassVar[bool] = False

    def __init__(self, *values: Any, **options: Any) -> None:
        self._with_a_person = self.at_terminal
        super().__init__(*values, start_new_session=not self._with_a_person, **options)

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002 - its name
        """Return what it printed; raises TimeoutError when that takes too long, and ends it."""
        seconds = timeout or (_WITH_A_PERSON if self._with_a_person else SECONDS)
        try:
            return super().communicate(input, seconds)
        except subprocess.TimeoutExpired:
            self._end()
            raise TimeoutError(f"{_HUNG} {seconds:.0f} s") from None

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            if self._with_a_person:
                self.kill()
            else:
                os.killpg(self.pid, signal.SIGKILL)
        for pipe in filter(None, (self.stdin, self.stdout, self.stderr)):  # its children may hold the other ends
            pipe.close()
        self.wait()


def ask_at_terminal(there: bool) -> None:
    """Say whether a person sits at the terminal of this process, whom plugins may ask."""
    _Limited.at_terminal = there


def limit(exec_provider: Any) -> None:
    """Give the plugins that the client's module ``kubernetes.config.exec_provider`` starts only so much time."""
    exec_provider.subprocess = SimpleNamespace(Popen=_Limited, PIPE=subprocess.PIPE)


class Overheard(logging.Handler):
    """Knows whether a plugin of this thread hung. What plugins say is kept off the terminal: it may hold a secret."""

    def __init__(self) -> None:
        super().__init__()
        self.hung, self._thread = "", get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Take only our own sentence from the client's log."""
        if record.thread == self._thread and record.getMessage().startswith(_HUNG):
            self.hung = record.getMessage()


@contextmanager
def overhearing() -> Iterator[Overheard]:
    """Listen to what the client logs about plugins: it goes on without a token."""
    logger, handler = logging.getLogger(), Overheard()
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
