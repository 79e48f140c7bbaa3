"""The tests' own look-out for secrets finds them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from remediation.testing.planted import EMULATED, KEY, TOKEN, assert_no_secret


@pytest.mark.parametrize("secret", [KEY, TOKEN, EMULATED])
@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("layers", [0, 1])
def test_a_planted_secret_is_found(tmp_path: Path, secret: str, before: str, layers: int) -> None:
    """In what was printed and in files beside the journal, plain and in base64 at any offset."""
    text = f"{before}{secret}{before}"
    if layers and secret != TOKEN:
        text = base64.b64encode(text.encode()).decode()
    with pytest.raises(AssertionError, match="printed a secret"):
        assert_no_secret("it", f"x {text} y")
    (tmp_path / "journal.db-wal").write_text(text)
    with pytest.raises(AssertionError, match="wrote a secret"):
        assert_no_secret("it", "", tmp_path / "journal.db")
