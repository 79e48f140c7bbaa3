"""A survey says what a row asks and touches, and in one sentence what is wrong with its scenarios."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from remediation.model.rights import Permission
from remediation.testing.guards import covers
from remediation.testing.survey.merging import merged
from remediation.testing.survey.templates import Entry
from remediation.testing.survey.words import strange
from tests.catalogues.test_sources import runbook


def survey(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "remediation.testing.survey", "wake-up", "--catalogue", str(folder), *words]
    return subprocess.run(program, capture_output=True, text=True, check=False, timeout=100)


@pytest.fixture
def row(tmp_path: Path) -> Path:
    """A runbook of somebody else, as `runbook new` writes it."""
    assert runbook("new", "wake-up", "--catalogue", str(tmp_path)).returncode == 0
    return tmp_path / "wake_up"


def edited(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text, text
    file.write_text(text.replace(old, new, 1))


def test_a_step_that_no_scenario_reaches_is_named(row: Path) -> None:
    """By file, line and text; so every branch has a scenario."""
    file = row / "runbook.py"
    lines = file.read_text("utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("yield "))
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at:at] = [f"{indent}if namespace == 'never':", f"{indent}    yield Ensure(None)  # type: ignore[arg-type]"]
    file.write_text("\n".join(lines) + "\n")
    done = survey(row.parent, "--check")
    assert done.returncode == 1
    assert f"no scenario of wake-up reaches runbook.py:{at + 2}: yield Ensure(None)" in done.stdout


def test_a_survey_that_is_stale_is_named(row: Path) -> None:
    """Who changes what a row touches sees it in a file that is reviewed."""
    edited(row / "surveyed.json", '"may"', '"may": "patch", "was"')
    done = survey(row.parent, "--check")
    assert done.returncode == 1
    assert "surveyed.json is stale" in done.stdout
    assert survey(row.parent).returncode == 0
    assert survey(row.parent, "--check").stdout == ""


def entry(name: str, **loose: object) -> Entry:
    return Entry("Thing", "somewhere", frozenset(), {"name": name}, dict(loose))


def test_a_name_with_and_without_an_option_is_one_thing_in_two_forms() -> None:
    """Unless both were seen side by side: then they are two."""
    plays = [[entry("«secret»")], [entry("«account»-registry")]]
    [found] = merged(plays, lambda mark: mark == "secret")
    assert found["record"]["name"] == {"$either": ["«account»-registry", "«secret»"]}
    assert len(merged([[*plays[0], *plays[1]]], lambda mark: mark == "secret")) == 2
    assert len(merged(plays, lambda mark: False)) == 2


def test_what_differs_from_play_to_play_bounds_nothing() -> None:
    """Texts of one place become empty; other fields, programs and marks stay apart."""
    plays = [[entry("a", manifest={"x": "1"})], [entry("a", manifest={"x": "2"})], [entry("a", manifest={"y": "1"})]]
    assert [item["record"]["manifest"] for item in merged(plays, bool)] == [{"x": ""}, {"y": "1"}]
    images = [[entry("a", manifest={"image": name})] for name in ("one", "two")]
    assert len(merged(images, lambda mark: False)) == 2


def test_a_name_that_only_the_world_has_is_strange() -> None:
    """Every word is one of the row's own, or a mark stands for it."""
    words = frozenset({"kube", "system", "registry"})
    assert strange("kube-system", words) == []
    assert strange("«account»-registry", words) == []
    assert strange("billing-registry", words) == ["billing"]


def test_a_right_covers_what_it_is_wide_enough_for() -> None:
    """One without a name is for all names, one without a namespace for all namespaces."""
    asked = Permission("get", "secrets", "", "shop", "creds")
    for wide in (asked, Permission("get", "secrets", "", "shop"), Permission("get", "secrets")):
        assert covers(wide, asked)
    for narrow in (
        Permission("get", "secrets", "", "shop", "x"),
        Permission("list", "secrets"),
        Permission("get", "pods"),
    ):
        assert not covers(narrow, asked)
