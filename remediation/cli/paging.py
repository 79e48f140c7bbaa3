"""Text that is longer than the terminal, a page at a time."""

from __future__ import annotations

import shutil
import sys

from remediation.cli.console import page, say


def show(text: str) -> None:
    """Print a text; where a person reads it and it does not fit their terminal, in their pager."""
    reading = sys.stdin.isatty() and sys.stdout.isatty()
    if reading and len(text.splitlines()) >= shutil.get_terminal_size().lines:
        page(text)
    else:
        say(text)
