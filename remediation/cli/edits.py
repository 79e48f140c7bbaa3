"""One field of a change as a person reads it: on one line where it fits, else as a difference of lines."""

from __future__ import annotations

import difflib
import json
import textwrap
from collections.abc import Iterator
from typing import Any

from remediation.cli.console import printable, style, unstyled
from remediation.cli.layout import WIDTH
from remediation.diffing import State

_TEXT_LINES, _YAML_LINES = 12, 60
_COLOURS = {"+": "green", "-": "red"}


def edit_lines(edit: State, *, whole: bool) -> Iterator[str]:
    """Yield the lines of one edit; ``whole`` says that all of the object appears or goes, so that long values may be cut."""
    path = printable(edit["path"]).lstrip("/").replace("/", ".").replace("~1", "/").replace("~0", "~")
    short = _short(edit)
    if len(path) + len(unstyled(short)) + 8 < WIDTH and "\n" not in short:
        yield f"      {path}: {short}"
        return
    yield from (f"      {line}" for line in _path(path + ":"))
    old, new = _text(edit["old"]), _text(edit["new"])
    most = _TEXT_LINES if isinstance(edit["new"] if edit["old"] is None else edit["old"], str) else _YAML_LINES
    if whole and not (old and new):
        old, new = _cut(old, most), _cut(new, most)
    yield from _difference(old, new)


def _short(edit: State) -> str:
    """Return ``old -> new``, ``+ new`` or ``- old``."""
    old, new = style(_value(edit["old"]), fg="red"), style(_value(edit["new"]), fg="green")
    if edit["old"] is not None and edit["new"] is not None:
        return f"{old} -> {new}"
    if edit["new"] is not None:
        return style(f"+ {_value(edit['new'])}", fg="green")
    return style(f"- {_value(edit['old'])}", fg="red")


def _value(value: Any) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _text(value: Any) -> str:
    """Return a value as lines: a text as it is, anything else as YAML."""
    if value is None or isinstance(value, str):
        return printable(value or "")
    import yaml  # noqa: PLC0415 - most plans need none

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=WIDTH)
    return printable(text.removesuffix("...\n"))


def _cut(text: str, most: int) -> str:
    lines = text.splitlines()
    if len(lines) <= most:
        return text
    return "\n".join([*lines[: most - 2], f"… {len(lines) - most + 2} more lines; -o json shows all"])


def _difference(old: str, new: str) -> Iterator[str]:
    """Yield the lines that differ with two lines of context; what is too long goes on below, further to the right."""
    for line in list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2))[2:]:
        if not line.startswith("@@"):
            first, *more = _wrapped(line)
            for part in (first, *(f"    {part}" for part in more)):
                yield "        " + style(part, fg=_COLOURS.get(line[:1]))


def _wrapped(line: str) -> list[str]:
    if len(line) <= WIDTH - 8:
        return [line]
    options: dict[str, Any] = {"expand_tabs": False, "replace_whitespace": False, "break_on_hyphens": False}
    return textwrap.wrap(line, WIDTH - 12, **options) or [line.strip()]


def _path(path: str) -> list[str]:
    """Return a path, cut after dots where it is too long."""
    return [line.replace(". ", ".") for line in textwrap.wrap(path.replace(".", ". "), WIDTH - 8)]
