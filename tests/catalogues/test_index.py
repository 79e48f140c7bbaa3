"""The index of the catalogue: what ``runbook list`` says without loading a runbook."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from remediation.catalogue import index
from remediation.catalogue.loading import load


def test_one_file_of_each_row_is_read() -> None:
    """So a list of forty rows is as quick as one of four."""
    assert len(index.sources()) == len(load())
    assert {Path(name).name for name in index.sources()} == {"runbook.py"}


def test_the_index_says_what_the_runbooks_say() -> None:
    """It is up to date, also where a runbook takes a default from another file of its folder."""
    assert json.loads(index.path().read_text("utf-8"))["runbooks"] == index.fresh()


def test_an_index_of_other_files_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who edits a runbook sees it in the list at once."""
    kept = json.loads(index.path().read_text("utf-8"))
    kept["runbooks"], kept["sources"] = [], dict.fromkeys(kept["sources"], "other")
    (tmp_path / "index.json").write_text(json.dumps(kept))
    monkeypatch.setattr(index, "path", lambda: tmp_path / "index.json")
    assert index.names() == list(load())
