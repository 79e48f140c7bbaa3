"""Text at 80 columns."""

from __future__ import annotations

import re
import textwrap

from remediation.cli.console import one_line, printable, unstyled
from remediation.model.limits import cut

WIDTH = 80
_BELOW = 9
# What a line begins with that tells what to type; no text that was read may begin one so.
_TELLS = re.compile(r"(next|or|then):")


def labelled(label: str, text: str) -> list[str]:
    """Return text after a label that may be coloured, wrapped so that further lines start under its first.

    A word that fits a line, but not beside its label, starts on the next line.
    """
    text, label = printable(text), label.replace("\n", " ")
    indent, longest = len(unstyled(label)), max(map(len, text.split()), default=0)
    if WIDTH - indent < longest <= WIDTH - _BELOW:
        return [label.rstrip(), *(" " * _BELOW + line for line in _wrapped(text, WIDTH - _BELOW))]
    body = _wrapped(text, WIDTH - indent, beside=bool(label.strip())) or [""]
    return [label + body[0], *(" " * indent + line for line in body[1:])]


def _wrapped(text: str, width: int, *, beside: bool = False) -> list[str]:
    """Return the lines of a text; the first may stand beside a label, and no other looks like a hint of ours."""
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return lines[: int(beside)] + list(map(_no_hint, lines[int(beside) :]))


def _no_hint(line: str) -> str:
    return f"… {line}" if _TELLS.match(line.lstrip()) else line


def without_hints(text: str) -> str:
    """Return text in its own lines, none of which looks like a hint of ours."""
    return "\n".join(map(_no_hint, printable(text).split("\n")))


def shorten(text: str, width: int = WIDTH) -> str:
    """Return text that fits one line; what is left out is marked."""
    return cut(one_line(text), width)


def paragraphs(text: str) -> str:
    """Return paragraphs wrapped anew."""
    return "\n\n".join("\n".join(labelled("", " ".join(part.split()))) for part in text.split("\n\n"))
