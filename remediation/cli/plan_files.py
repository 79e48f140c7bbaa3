"""Plans in files: what was approved is what is run, or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from remediation.catalogue import Runbook
from remediation.errors import UsageProblem


def save(path: str, content: dict[str, Any]) -> None:
    """Write a plan; raises UsageProblem when the file cannot be written."""
    try:
        Path(path).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as problem:
        raise UsageProblem(
            f"--out {path!r} cannot be written: {problem.strerror}; allowed is a file in a folder you may write to"
        ) from None


def read(path: str | None, book: Runbook) -> dict[str, Any] | None:
    """Read a saved plan; raises UsageProblem for a file that is no plan of this runbook."""
    if path is None:
        return None
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        whole = isinstance(content["plan"]["fingerprint"], str) and isinstance(content["parameters"], dict)
        name = str(content["runbook"])
    except OSError as problem:
        raise UsageProblem(
            f"--plan {path!r} cannot be read: {problem.strerror}; allowed is a file made by runbook plan --out"
        ) from None
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise UsageProblem(f"--plan {path!r} is not a plan; allowed is a file made by runbook plan --out")
    if name != book.name:
        raise UsageProblem(f"--plan {path!r} is a plan of {name!r}; allowed here is a plan of {book.name!r}")
    unknown = sorted(set(content["parameters"]) - {item.name for item in book.parameters})
    if unknown:
        raise UsageProblem(
            f"--plan {path!r} has a parameter {unknown[0]!r}; allowed are those of {book.name}",
            "nothing was changed",
            f"runbook show {book.name}",
        )
    return dict(content)
