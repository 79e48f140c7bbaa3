"""Which store a path or an address means: the one place that knows which kinds there are."""

from __future__ import annotations

from pathlib import Path

from remediation.journal.protocol import Journal
from remediation.model.errors import UsageProblem


def opened(where: str | Path, patience: float = 60.0) -> Journal:
    """Return the journal at a path; it is made when missing.

    Args:
        where: the path of a SQLite file.
        patience: how many seconds to wait while others keep it locked.

    Raises:
        UsageProblem: no store is kept at such an address.
        StoreProblem: it cannot be opened, or is not a journal of this or an earlier version.
    """
    from remediation.journal.sqlite.store import SqliteJournal  # noqa: PLC0415 - many verbs open none

    return SqliteJournal(_path(where), patience)


def newest(where: str | Path) -> list[tuple[str, str]]:
    """Return run and runbook of the newest runs, newest first; empty where no journal can be read. Writes nothing."""
    from remediation.journal.sqlite.newest import newest as found  # noqa: PLC0415 - as above

    try:
        return found(_path(where))
    except UsageProblem:
        return []


def _path(where: str | Path) -> Path:
    scheme, sign, _ = str(where).partition("://")
    if sign:
        raise UsageProblem(f"--store {scheme}://… is not supported; allowed is the path of a SQLite file")
    return Path(where)
