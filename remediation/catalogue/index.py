"""What ``runbook list`` says, without importing the catalogue: that takes longer than a person likes to wait for a list.

The answers are kept in ``runbooks/index.json`` with a digest of the code of each row, and its date says when they were last
compared. A row is read again only when a file of it has been written since; an index that is out of date is not used.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from remediation.catalogue.sources import catalogues

# Dates of files are as coarse as this, on some systems.
_TICK = 1_000_000_000


def entries() -> list[dict[str, Any]]:
    """Return the entry of every runbook, as `remediation.catalogue.Runbook.as_json` makes it."""
    began = time.time_ns()
    try:
        kept, compared = json.loads(path().read_text("utf-8")), path().stat().st_mtime_ns
    except (OSError, ValueError):
        return fresh()
    rows = _rows()
    written = {row for row, files in rows.items() if any(_since(file, compared - _TICK) for file in files)}
    digests = sources(written)
    known = kept.get("sources", {})
    if known.keys() != rows.keys() or any(known[row] != digest for row, digest in digests.items()):
        return fresh()
    if len(catalogues()) > 1:
        return fresh()
    if written:
        with suppress(OSError):  # who may not write there compares again next time
            os.utime(path(), ns=(began, began))
    found: list[dict[str, Any]] = kept["runbooks"]
    return found


def names() -> list[str]:
    """Return the name of every runbook."""
    return [str(entry["name"]) for entry in entries()]


def fresh() -> list[dict[str, Any]]:
    """Return the entries from the runbooks themselves."""
    from remediation.catalogue.loading import load  # noqa: PLC0415 - this is what the index avoids

    return [book.as_json() for book in load().values()]


def path() -> Path:
    """Return where the index is kept."""
    return _root() / "index.json"


def sources(only: Iterable[str] | None = None) -> dict[str, str]:
    """Return the SHA-256 of the code of every row, or of some, by the name of its folder."""
    rows = _rows()
    return {row: _digest(rows[row]) for row in (sorted(rows) if only is None else sorted(only))}


def _digest(files: list[str]) -> str:
    whole = hashlib.sha256()
    for file in files:
        content = Path(file).read_bytes()
        whole.update(f"{os.path.relpath(file, _root())} {len(content)}\n".encode() + content)
    return whole.hexdigest()


def _since(file: str, moment: int) -> bool:
    """Tell whether a file was written after a moment; when it was put in its place counts too, whatever its date says."""
    found = os.stat(file)
    return max(found.st_ctime_ns, found.st_mtime_ns) > moment


def _rows() -> dict[str, list[str]]:
    """Return the code of each row without its tests, by the name of its folder."""
    folders = (entry for entry in os.scandir(_root()) if entry.is_dir() and entry.name != "__pycache__")
    found = {entry.name: sorted(_code(entry.path)) for entry in folders}
    return {row: files for row, files in found.items() if files}


def _code(folder: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.name.endswith(".py"):
            yield entry.path
        elif entry.name not in ("tests", "__pycache__") and entry.is_dir():
            yield from _code(entry.path)


def _root() -> Path:
    import runbooks  # noqa: PLC0415 - the catalogue depends on the engine, never the other way round at import time

    return Path(runbooks.__path__[0])
