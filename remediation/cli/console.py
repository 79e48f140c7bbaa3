"""The one place that writes for a person or a program: what a terminal would obey or hide is written as JSON writes it.

Text comes from whoever may write to the cluster, or answers in its place: events, names, annotations, errors. `guard`
puts both streams behind it, so that also a traceback, a warning of a library or the help of click passes here.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

import click

from remediation.cli import interrupting

# All of Cc but newline and tab, all of Cf, the separators of lines and paragraphs, and halves of surrogate pairs.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Ours begin with what nobody outside of this process can guess, so that no other sequence is taken for one of them.
_MARK = "\x1b" + os.urandom(8).hex()
_OURS = re.compile(_MARK + r"(\r?\[[0-9;]*[mK])")
_CODES = {"red": 31, "green": 32, "yellow": 33, "cyan": 36}
ERASE = _MARK + "\r[K"


def printable(text: str) -> str:
    """Return text of which every character is seen; a newline and a tab stay, the rest is escaped as in JSON."""
    return _UNSEEN.sub(lambda found: json.dumps(found.group()).strip('"'), text)


def one_line(text: str) -> str:
    """Return text that stands on one line, however many it has: a name or an id that begins no line of its own."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def style(text: str, fg: str | None = None, *, bold: bool = False) -> str:
    """Return text in a colour of ours; off a terminal, and where NO_COLOR is set, without."""
    codes = [str(_CODES[fg])] if fg else []
    codes += ["1"] if bold else []
    return f"{_MARK}[{';'.join(codes)}m{text}{_MARK}[0m" if codes else text


def unstyled(text: str) -> str:
    """Return text without our colours, to measure it."""
    return _OURS.sub("", text)


class Guarded:
    """A stream that shows what it is given, and obeys only our own colours."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        # https://no-color.org
        self._obeys = stream.isatty() and not os.environ.get("NO_COLOR")

    def write(self, text: str) -> int:
        """Write text, escaped."""
        self._stream.write(self.shown(text))
        return len(text)

    def shown(self, text: str) -> str:
        """Return text as it is written, escaped."""
        return "".join(self._written(text))

    def _written(self, text: str) -> Iterator[str]:
        for number, part in enumerate(_OURS.split(text)):
            if number % 2 == 0:
                yield printable(part)
            elif part.endswith("K"):
                yield part.replace("[", "\x1b[")
            elif self._obeys:
                yield "\x1b" + part

    def __getattr__(self, name: str) -> Any:
        """Return anything else that a stream has."""
        return getattr(self._stream, name)


def guard() -> None:
    """Put stdout and stderr of this process behind the escaping."""
    sys.stdout, sys.stderr = cast("TextIO", _guarded(sys.stdout)), cast("TextIO", _guarded(sys.stderr))


def _guarded(stream: TextIO) -> Guarded:
    return stream if isinstance(stream, Guarded) else Guarded(stream)


def say(text: str, *, error: bool = False, end: str = "\n") -> None:
    """Write text and a newline to stdout, or to stderr."""
    stream = _guarded(sys.stderr if error else sys.stdout)
    stream.write(text + end)
    stream.flush()


def page(text: str) -> None:
    """Show a text in the pager of the person: ``$PAGER``, else less."""
    click.echo_via_pager(_guarded(sys.stdout).shown(text))


def asked(question: str, show: Callable[[], None] | None = None) -> bool:
    """Ask the person; Ctrl-C and the end of input are a no that ends the verb.

    Args:
        question: what they are asked.
        show: shows what they answer ``v`` for, and are asked again; None where they have seen all of it.
    """
    with interrupting.asking():
        return _answered(one_line(question), show)


def _answered(question: str, show: Callable[[], None] | None) -> bool:
    if show is None:
        return click.confirm(question, err=True)
    while True:
        said = str(click.prompt(f"{question} [y/N] (v shows all)", "n", show_default=False, err=True)).strip().lower()
        if said in ("y", "yes", "n", "no"):
            return said.startswith("y")
        if said == "v":
            show()
        else:
            say("Error: answer y, n or v", error=True)
