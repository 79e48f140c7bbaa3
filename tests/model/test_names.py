"""How long lists of names and long texts are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.model.limits import cut
from remediation.model.remarks import few


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, ""), (1, "api-0"), (3, "api-0, api-1, api-2"), (4, "api-0, api-1, +2"), (9, "api-0, api-1, +7")],
)
def test_a_few_names(count: int, told: str) -> None:
    """The first in order and the number of the others; one more is named as well."""
    assert few(f"api-{number}" for number in reversed(range(count))) == told


@given(st.text("ab -/.", max_size=60), st.integers(5, 40))
def test_a_name_is_not_cut(text: str, most: int) -> None:
    """What is too long ends after a word and says so; only a single word that is too long is cut itself."""
    found = cut(text, most)
    assert len(found) <= most
    if found != text:
        assert found.endswith("…")
        whole = found.removesuffix("…").split()
        assert text.split()[: len(whole)] == whole or " " not in found[:-1].strip()
