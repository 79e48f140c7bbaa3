"""One field of a change as a person reads it: on one line where it fits, else as a difference of lines."""

from __future__ import annotations

import difflib
import json
import sys
import textwrap
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from remediation.cli.console import one_line, printable, style, unstyled
from remediation.cli.layout import WIDTH
from remediation.model.diffing import State, parse_pointer

_COLOURS = {"+": "green", "-": "red"}
_BRIEF_LINES = 2
_CONTEXT, _MOST_COMPARED = 2, 1_000_000
_NO_NEWLINE = "\\ no newline at the end"


def edit_lines(edit: State, *, brief: bool = False) -> Iterator[str]:
    """Yield the lines of one edit; of a long value that is new, or that goes, a brief one says how many lines it has."""
    path, short = one_line(".".join(parse_pointer(edit["path"]))), _short(edit)
    if len(path) + len(unstyled(short)) + 8 < WIDTH and "\n" not in short:
        yield f"      {path}: {short}"
        return
    old, new = _text(edit["old"]), _text(edit["new"])
    count = len((old or new).splitlines())
    counted = brief and not (old and new) and count > _BRIEF_LINES
    *before, last = _path(edit["path"])
    yield from (f"      {line}" for line in before)
    yield f"      {last}:" + (f" {_coloured('+' if new else '-', f'{count} lines')}" if counted else "")
    if not counted:
        yield from _difference(old, new)


def value_text(value: Any) -> str:
    """Return a value on one line."""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _short(edit: State) -> str:
    """Return ``old -> new``, ``+ new`` or ``- old``."""
    if edit["old"] is None:
        return _coloured("+", value_text(edit["new"]))
    if edit["new"] is None:
        return _coloured("-", value_text(edit["old"]))
    old, new = (style(value_text(edit[side]), fg=_COLOURS[sign]) for side, sign in (("old", "-"), ("new", "+")))
    return f"{old} -> {new}"


def _coloured(sign: str, text: str) -> str:
    return style(f"{sign} {text}", fg=_COLOURS[sign])


def _text(value: Any) -> str:
    """Return a value as lines: a text as it is, anything else as YAML."""
    if value is None or isinstance(value, str):
        return printable(value or "")
    import yaml  # noqa: PLC0415 - most plans need none

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=sys.maxsize)
    return printable(text.removesuffix("...\n"))


def _difference(old: str, new: str) -> Iterator[str]:
    """Yield the lines that differ with two lines of context; what is too long goes on below, further to the right."""
    for line in _compared(_lines(old, new), _lines(new, old)):
        if not line.startswith("@@"):
            first, *more = _wrapped(line)
            for part in (first, *(f"    {part}" for part in more)):
                yield "        " + style(part, fg=_COLOURS.get(line[:1]))


def _compared(before: list[str], after: list[str]) -> list[str]:
    """Return the lines of a difference; of two long texts that have little in common, all of both."""
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    first, last = max(head - _CONTEXT, 0), max(tail - _CONTEXT, 0)
    before, after = before[first : len(before) - last], after[first : len(after) - last]
    # The comparison takes a time that grows with the product, and with how often lines repeat.
    if len(before) * len(after) > _MOST_COMPARED:
        return [*(f"-{line}" for line in before), *(f"+{line}" for line in after)]
    return list(difflib.unified_diff(before, after, lineterm="", n=_CONTEXT))[2:]


def _alike(one: list[str], other: list[str]) -> int:
    """Return how many lines two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _lines(text: str, other: str) -> list[str]:
    """Return the lines of a text; that it has no newline at its end is told where the other one has."""
    missing = bool(text) and other.endswith("\n") and not text.endswith("\n")
    return [*text.splitlines(), *([_NO_NEWLINE] if missing else [])]


def _wrapped(line: str) -> list[str]:
    """Return a line in parts; a word, such as a name, an address or an image, is never broken."""
    if len(line) <= WIDTH - 8:
        return [line]
    whole: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(line, WIDTH - 12, expand_tabs=False, replace_whitespace=False, **whole) or [line.strip()]


def _path(pointer: str) -> list[str]:
    """Return a path in lines, broken between fields and never in the name of one."""
    lines = [""]
    for segment in one_line(pointer).split("/")[1:]:
        name = segment.replace("~1", "/").replace("~0", "~")
        if lines[-1] and len(lines[-1]) + len(name) + 2 > WIDTH - 6:
            lines.append("")
        lines[-1] += f"{name}."
    return [*lines[:-1], lines[-1].removesuffix(".")]
