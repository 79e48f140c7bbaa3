"""``runbook new`` writes a runbook that passes, as a folder and as a package of one's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.catalogues.test_sources import runbook


def pytest_in(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of somebody else, who knows none of our fixtures."""
    program = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *words]
    import os  # noqa: PLC0415 - only its environment is needed

    return subprocess.run(
        program, cwd=folder, capture_output=True, text=True, check=False, timeout=110, env=os.environ | env
    )


def test_what_it_writes_passes_the_contract(tmp_path: Path) -> None:
    """In an empty folder: written, listed, fresh, and every scenario holds."""
    folder = tmp_path / "ours"
    made = runbook("new", "wake-up", "--catalogue", str(folder), "--id", "OWN-07")
    assert made.returncode == 0, made.stderr
    assert "wake-up" in runbook("list", "--catalogue", str(folder)).stdout
    survey = [sys.executable, "-m", "remediation.testing.survey", "wake-up", "--catalogue", str(folder), "--check"]
    fresh = subprocess.run(survey, capture_output=True, text=True, check=False, timeout=60)
    assert (fresh.returncode, fresh.stdout) == (0, "")
    tests = pytest_in(tmp_path, str(folder))
    assert tests.returncode == 0, tests.stdout
    assert " passed" in tests.stdout


def test_a_package_of_ones_own_is_found_by_its_entry_point(tmp_path: Path) -> None:
    """What pip would make of the project is enough: nobody names a folder."""
    project = tmp_path / "our-runbooks"
    assert runbook("new", "wake-up", "--catalogue", str(project), "--package").returncode == 0
    place = tmp_path / "site"
    install = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(place),
        str(project),
    ]
    done = subprocess.run(install, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "wake-up" in runbook("list", PYTHONPATH=str(place)).stdout
    tests = pytest_in(project, "our_runbooks", "-k", "fault_shows", PYTHONPATH=str(place))
    assert tests.returncode == 0, tests.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["Wake_Up"], "NAME 'Wake_Up' is not allowed; allowed are lower-case letters"),
        (["wake-up", "--id", "own1"], "--id 'own1' is not allowed; allowed are capital letters"),
        (["taken"], "exists already"),
    ],
)
def test_a_name_that_is_not_allowed_writes_nothing(tmp_path: Path, words: list[str], why: str) -> None:
    """One sentence says what is wrong and what is allowed."""
    (tmp_path / "taken").mkdir()
    done = runbook("new", *words, "--catalogue", str(tmp_path))
    assert done.returncode == 2
    assert why in " ".join(done.stderr.split())
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    "words", [("class",), ("wake-up", "--package", "remediation"), ("wake-up", "--package", 'my "own')]
)
def test_a_name_that_python_has_another_use_for_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    """What it would write could not be loaded, or would stand in for us."""
    name, *package = words
    folder = tmp_path / (package[-1] if package else "ours")
    done = runbook("new", name, "--catalogue", str(folder), *package[:1])
    assert (done.returncode, "is not allowed" in done.stderr) == (2, True), done.stderr
    assert not folder.exists()


@pytest.mark.parametrize("there", ["file", "folder", "row"])
def test_what_is_in_the_way_is_neither_followed_nor_a_bug(tmp_path: Path, there: str) -> None:
    """A file where the catalogue is to be, and links that lead nowhere."""
    folder = tmp_path / "ours"
    if there == "file":
        folder.touch()
    elif there == "folder":
        folder.symlink_to(tmp_path / "nowhere")
    else:
        folder.mkdir()
        (folder / "wake_up").symlink_to(tmp_path / "nowhere")
    done = runbook("new", "wake-up", "--catalogue", str(folder))
    assert (done.returncode, "bug:" in done.stderr) == (2, False), done.stderr
    assert not (tmp_path / "nowhere").exists()
