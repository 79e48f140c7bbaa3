"""Text at 80 columns."""

from __future__ import annotations

import textwrap

import click

WIDTH = 80


def labelled(label: str, text: str) -> list[str]:
    """Return text after a label that may be coloured, wrapped so that further lines start under its first."""
    indent = len(click.unstyle(label))
    body = textwrap.wrap(text, WIDTH - indent, break_long_words=False, break_on_hyphens=False) or [""]
    return [label + body[0], *(" " * indent + line for line in body[1:])]


def shorten(text: str, width: int = WIDTH) -> str:
    """Return text that fits one line; what is left out is marked."""
    return text if len(text) <= width else text[: width - 1] + "…"


def paragraphs(text: str) -> str:
    """Return paragraphs wrapped anew."""
    return "\n\n".join("\n".join(labelled("", " ".join(part.split()))) for part in text.split("\n\n"))
