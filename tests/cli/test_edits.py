"""A change is readable at 80 columns, whatever its values are."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.cli.console import unstyled
from remediation.cli.edits import edit_lines

CONTAINER = {"name": "clean", "command": ["bash", "-c", "x" * 200], "env": [{"name": "A", "value": "b c " * 40}]}


def shown(path: str, old: Any, new: Any, *, brief: bool = False) -> list[str]:
    return [unstyled(line) for line in edit_lines({"path": path, "old": old, "new": new}, brief=brief)]


def test_an_object_is_shown_as_yaml() -> None:
    """Nobody reads a container as JSON on one line."""
    lines = shown("/spec/containers/[name=clean]", None, CONTAINER)
    assert lines[:4] == [
        "      spec.containers.[name=clean]:",
        "        +name: clean",
        "        +command:",
        "        +- bash",
    ]
    assert [line for line in lines if len(line) > 80] == ["            " + "x" * 200]


@pytest.mark.parametrize("sides", [(None, 1), (1, None), (0, 1)])
def test_a_long_one_is_counted_in_brief(sides: tuple[Any, Any]) -> None:
    """It says how many lines appear or go; a difference of two texts is what a person approves, and never cut."""
    texts = {None: None, 0: "before\n", 1: "".join(f"- 10.0.{number}.0/24\n" for number in range(40))}
    old, new = (texts[side] for side in sides)
    assert len(shown("/data/config", old, new)) > 40
    if 0 in sides:
        assert shown("/data/config", old, new, brief=True) == shown("/data/config", old, new)
    else:
        sign = "+" if old is None else "-"
        assert shown("/data/config", old, new, brief=True) == [f"      data.config: {sign} 40 lines"]


def test_a_newline_at_the_end_is_a_difference() -> None:
    """Two texts that differ in nothing else are not shown as if there were no change."""
    assert shown("/data/config", "a: 1\n", "a: 1") == [
        "      data.config:",
        "         a: 1",
        "        +\\ no newline at the end",
    ]


@pytest.mark.parametrize("word", ["serviceaccount:" + "a-b." * 30, "2001:db8::/32," * 9, "x" * 300])
def test_a_word_is_never_broken(word: str) -> None:
    """Neither at a hyphen nor at a dot nor anywhere: it is copied as it stands."""
    for old, new in ((None, f"{word} and {word}"), (f"{word}\n", word), (None, [word, {"of": word}]), ([word], None)):
        assert word in "\n".join(shown("/metadata/annotations/example.com~1name", old, new))
    assert word in "\n".join(shown("/data/" + word.replace("/", "~1"), None, "x"))


def test_a_long_path_is_broken_between_fields() -> None:
    """Not in the name of one, dots and slashes and all."""
    name = "cloud.google.com/gke-node-pool." + "long." * 8 + "example.com"
    lines = shown("/spec/template/metadata/annotations/" + name.replace("/", "~1"), None, "value")
    assert lines == ["      spec.template.metadata.annotations.", f"      {name}:", "        +value"]


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
def test_no_line_is_wider_than_a_terminal(old: Any, new: Any, brief: bool) -> None:
    """Whatever JSON it is, it is shown within 80 columns, but for a word that is longer."""
    for line in shown("/data/long-name/" + "end/" * 20, old, new, brief=brief):
        assert len(line) <= 80 or max(map(len, line.split(" "))) > 60


def test_long_texts_with_little_in_common_are_compared_in_time() -> None:
    """Lines that repeat made the comparison take a quarter of a minute; of texts that hardly differ, little is shown."""
    old, new = ("\n".join(f"l{number * step % 150}" for number in range(12000)) for step in (1, 7))
    before = time.process_time()
    lines = shown("/data/config", old, new)
    assert time.process_time() - before < 4
    assert len(lines) > 20_000
    assert len(shown("/data/config", old, old.replace("l149\nl0", "l149\nnew\nl0", 1))) < 10
