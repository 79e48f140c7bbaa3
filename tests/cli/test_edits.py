"""A change is readable at 80 columns, whatever its values are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.cli.console import unstyled
from remediation.cli.edits import edit_lines

CONTAINER = {"name": "clean", "command": ["bash", "-c", "x" * 200], "env": [{"name": "A", "value": "b c " * 40}]}


def shown(path: str, old: Any, new: Any, *, whole: bool = True) -> list[str]:
    return [unstyled(line) for line in edit_lines({"path": path, "old": old, "new": new}, whole=whole)]


def test_an_object_is_shown_as_yaml() -> None:
    """Nobody reads a container as JSON on one line."""
    lines = shown("/spec/containers/[name=clean]", None, CONTAINER)
    assert lines[:4] == [
        "      spec.containers.[name=clean]:",
        "        +name: clean",
        "        +command:",
        "        +- bash",
    ]
    assert max(map(len, lines)) <= 80


def test_a_long_one_is_cut_and_says_so() -> None:
    """All of it is in the JSON; what only changes is never cut."""
    value = [{"key": f"number {number}", "more": ["a", "b"]} for number in range(40)]
    lines = shown("/spec/many", None, value)
    assert len(lines) == 60
    assert lines[-1] == "        +… 102 more lines; -o json shows all"
    assert len(shown("/spec/many", None, value, whole=False)) > 150


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, 2, "      a.b: 1 -> 2"),
        (None, {"x": 1}, '      a.b: + {"x": 1}'),
        (["x"], None, '      a.b: - ["x"]'),
        ("", "x", "      a.b:  -> x"),
    ],
)
def test_short_values_stay_on_one_line(old: Any, new: Any, expected: str) -> None:
    """As before."""
    assert shown("/a/b", old, new) == [expected]


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))  # fmt: skip


@given(_JSON, _JSON, st.booleans())
def test_no_line_is_wider_than_a_terminal(old: Any, new: Any, whole: bool) -> None:
    """Whatever JSON it is, it is shown within 80 columns."""
    assert all(len(line) <= 80 for line in shown("/data/" + "long-name." * 12 + "end", old, new, whole=whole))
