"""Text that is longer than the terminal, a page at a time."""

from __future__ import annotations

import shutil
import sys

from remediation.cli.console import page, say


def show(text: str, *, full: bool = True) -> None:
    """Print a text; where it is all of something, a person reads it and it does not fit their terminal, in their pager."""
    reading = sys.stdin.isatty() and sys.stdout.isatty()
    if full and reading and len(text.splitlines()) >= shutil.get_terminal_size().lines:
        page(text)
    else:
        say(text)
