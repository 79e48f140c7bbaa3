"""The index of the catalogue: what ``runbook list`` says without loading a runbook."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from remediation.catalogue import index
from remediation.catalogue.loading import load


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the catalogue, whose index names nothing: whoever uses it lists nothing."""
    found = tmp_path / "runbooks"
    shutil.copytree(index.path().parent, found, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    monkeypatch.setattr(index, "_root", lambda: found)
    kept = {"sources": index.sources(), "runbooks": []}
    index.path().write_text(json.dumps(kept))
    later = time.time_ns() + 5_000_000_000
    os.utime(index.path(), ns=(later, later))
    return found


def test_the_index_says_what_the_runbooks_say() -> None:
    """It is up to date, with every row."""
    kept = json.loads(index.path().read_text("utf-8"))
    assert kept["runbooks"] == index.fresh()
    assert len(kept["sources"]) == len(load())


def test_no_file_is_read_that_is_older_than_the_index(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a list of forty rows is as quick as one of four."""
    read: list[str] = []
    monkeypatch.setattr(index, "_digest", lambda files: read.append(str(files)))
    assert index.names() == []
    assert read == []


@pytest.mark.parametrize("file", ["ip_masq_agent/runbook.py", "ip_masq_agent/config/ranges.py"])
def test_an_edit_is_seen_at_once(catalogue: Path, file: str) -> None:
    """Also one of the same length that was given the date of the file before it."""
    os.utime(index.path(), ns=(time.time_ns(), time.time_ns()))
    edited, dates = catalogue / file, (catalogue / file).stat()
    text = edited.read_text("utf-8")
    edited.write_text(text.replace("a", "b", 1))
    os.utime(edited, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    assert index.names() == list(load())


@pytest.mark.parametrize("what", ["a row more", "a row less"])
def test_another_row_is_seen_at_once(catalogue: Path, what: str) -> None:
    """Nothing has to be made anew for that."""
    if what == "a row more":
        (catalogue / "another").mkdir()
        (catalogue / "another" / "runbook.py").write_text("")
    else:
        shutil.rmtree(catalogue / "pull_secret")
    assert index.names() == list(load())


def test_what_was_compared_is_not_compared_again(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a fresh copy are younger than its index, once."""
    os.utime(index.path(), ns=(0, 0))
    monkeypatch.setattr(index, "_TICK", 0)
    assert index.names() == []
    monkeypatch.setattr(index, "_digest", lambda files: pytest.fail(f"{files} are read again"))
    assert index.names() == []
