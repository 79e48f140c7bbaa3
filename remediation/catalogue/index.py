"""What ``runbook list`` says, without importing the catalogue: that takes longer than a person likes to wait for a list.

The answers are kept in ``runbooks/index.json`` with the digest of each ``runbook.py``; an index that is out of date is not used.
Options, risk and docstring stand in that file. What it takes from another file of its row, such as a default, `scripts/docs.py
--check` compares: to read every file of forty rows would take longer than the list itself.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from remediation.catalogue.sources import catalogues


def entries() -> list[dict[str, Any]]:
    """Return the entry of every runbook, as `remediation.catalogue.Runbook.as_json` makes it."""
    try:
        kept = json.loads(path().read_text("utf-8"))
    except (OSError, ValueError):
        kept = {}
    if kept.get("sources") != sources() or len(catalogues()) > 1:
        return fresh()
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


def sources() -> dict[str, str]:
    """Return the SHA-256 of the ``runbook.py`` of every row, by path."""
    files = sorted(_root().glob("*/runbook.py"))
    return {str(file.relative_to(_root())): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _root() -> Path:
    import runbooks  # noqa: PLC0415 - the catalogue depends on the engine, never the other way round at import time

    return Path(runbooks.__path__[0])
