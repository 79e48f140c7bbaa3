#!/usr/bin/env python3
"""Write the surveys, RUNBOOKS.md and the index of the catalogue; `scripts/docs.py --check` only compares."""

import json
import sys
from pathlib import Path

from remediation.catalogue import index
from remediation.catalogue.loading import load
from remediation.catalogue.runbook import Runbook
from remediation.catalogue.surveyed import surveys as surveyed_of
from remediation.model.status import RowClass
from remediation.testing.survey import surveys
from remediation.verbs.rights import rights_of

ROOT = Path(__file__).parent.parent
HEAD = """# Runbooks

Generated from the catalogue by `make docs`. `runbook show NAME` prints the same; `runbook rbac NAME` prints the roles for `kubectl apply`.
"""


def chapter(book: Runbook) -> str:
    """Return the chapter of one runbook."""
    rows = [f"| `{item.usage}` | {item.need} | {item.option.help} |" for item in book.parameters]
    table = "\n".join(["| parameter | | |", "|---|---|---|", *rows]) if rows else "It has no parameters but the target."
    return f"""
## {book.name}

{book.summary} Rows {", ".join(book.covers)}, class {book.cls}, risk **{book.risk}**.
{_alerts(book)}Source: <{book.source}>

{book.description}

{table}

    {_first(book)}

Least rights: {_rights(book)}
{_powers(book)}"""


def _alerts(book: Runbook) -> str:
    return f"Alerts: {', '.join(f'`{name}`' for name in book.alerts)}. " if book.alerts else ""


def _first(book: Runbook) -> str:
    """Return what a person types first: a row that only looks has no plan."""
    return f"runbook diagnose {book.name}" if book.cls is RowClass.DIAG else f"runbook plan {book.name} {book.example}"


def _rights(book: Runbook) -> str:
    found, words = rights_of(book, book.target(project="PROJECT"), {}), []
    for role in found.kubernetes:
        where = role["metadata"].get("namespace")
        for rule in role["rules"]:
            names = f" ({', '.join(rule['resourceNames'])})" if "resourceNames" in rule else ""
            words.append(f"{'/'.join(rule['verbs'])} {rule['resources'][0]}{names}" + (f" in {where}" if where else ""))
    return "; ".join(words + found.google) + "."


def _powers(book: Runbook) -> str:
    """Return which of the rights are as good as much more."""
    found = rights_of(book, book.target(project="PROJECT"), {}).powers
    return "".join(["\nOf these are as good as much more:\n\n", *(f"- {power}.\n" for power in found)]) if found else ""


def generated() -> dict[Path, str]:
    """Return what the generated files should contain."""
    books = load().values()
    kept = {"sources": index.sources(), "runbooks": [book.as_json() for book in books]}
    return {
        ROOT / "RUNBOOKS.md": HEAD + "".join(chapter(book) for book in books),
        index.path(): json.dumps(kept, indent=1, ensure_ascii=False) + "\n",
    }


def main() -> int:
    """Write the files, or tell which are stale; tell every step that no scenario reaches."""
    surveyed, problems = surveys(load().values())
    problems += _written(surveyed)  # the others are made from these
    surveyed_of.cache_clear()
    problems += _written(generated())
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


def _written(files: dict[Path, str]) -> list[str]:
    stale = [path for path, content in files.items() if not path.exists() or path.read_text("utf-8") != content]
    if "--check" in sys.argv:
        return [f"{path.relative_to(ROOT)} is stale; run: make docs" for path in stale]
    for path in stale:
        path.write_text(files[path], "utf-8")
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return []


if __name__ == "__main__":
    sys.exit(main())
