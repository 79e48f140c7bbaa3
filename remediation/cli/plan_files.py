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
        fits = (
            content["runbook"] == book.name
            and isinstance(content["plan"]["fingerprint"], str)
            and isinstance(content["parameters"], dict)
        )
    except OSError as problem:
        raise UsageProblem(
            f"--plan {path!r} cannot be read: {problem.strerror}; allowed is a file made by runbook plan --out"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise UsageProblem(f"--plan {path!r} is not a plan; allowed is a file made by runbook plan --out") from None
    if not fits:
        raise UsageProblem(
            f"--plan {path!r} is a plan of {content['runbook']!r}; allowed here is a plan of {book.name!r}"
        )
    return dict(content)
