"""The differences that `docs/emulation.md` lists: rows of a table with requests and fields as patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.sandbox.kubernetes.differential.asking import Ask
from tests.sandbox.kubernetes.differential.exchange import Difference

PAGE = Path(__file__).parents[4] / "docs" / "emulation.md"
_ROW = re.compile(r"^\| (`.*`) \| (`.*`) \| .+ \|$")


@dataclass(frozen=True)
class Row:
    """One row: patterns in which `*` stands for anything."""

    requests: tuple[str, ...]
    fields: tuple[str, ...]

    def covers(self, found: Difference) -> bool:
        """Tell whether the row is about a difference."""
        return _matches(self.requests, found.ask) and _matches(self.fields, found.field)


def _matches(patterns: Iterable[str], text: str) -> bool:
    return any(_compiled(each).fullmatch(text) for each in patterns)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))))


def rows() -> list[Row]:
    """Return the rows of the page."""
    found = [_ROW.match(line) for line in PAGE.read_text("utf-8").splitlines()]
    return [Row(*(tuple(re.findall("`(.*?)`", cell)) for cell in match.groups())) for match in found if match]


def unlisted(found: Iterable[Difference]) -> list[Difference]:
    """Return the differences that no row is about."""
    known = rows()
    return [each for each in found if not any(row.covers(each) for row in known)]


def gone(found: list[Difference], asked: Iterable[Ask], known: Iterable[Ask]) -> list[tuple[Row, str]]:
    """Return the patterns of requests whose answers do not differ as the row says, of those that were all made."""
    made, all_names = {ask.name for ask in asked}, [ask.name for ask in known]
    idle = []
    for row in rows():
        for pattern in row.requests:
            meant = {name for name in all_names if _matches([pattern], name)}
            if meant <= made and not any(Row((pattern,), row.fields).covers(each) for each in found):
                idle.append((row, pattern))
    return idle
