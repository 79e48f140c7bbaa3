#!/usr/bin/env python3
"""Write RUNBOOKS.md and the index of the catalogue from the catalogue; `scripts/docs.py --check` only compares."""

import json
import sys
from pathlib import Path

from remediation.catalogue import index
from remediation.catalogue.loading import load
from remediation.catalogue.runbook import Runbook
from remediation.cli.rbac import google_permissions, powers_of
from remediation.cli.rbac import roles as roles_of

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
Alerts: {", ".join(f"`{name}`" for name in book.alerts)}. Source: <{book.source}>

{book.description}

{table}

    runbook plan {book.name} {book.example}

Least rights: {_rights(book)}
{_powers(book)}"""


def _rights(book: Runbook) -> str:
    target = book.target(project="PROJECT")
    words = []
    for role in roles_of(book, target, {}):
        where = role["metadata"].get("namespace")
        for rule in role["rules"]:
            names = f" ({', '.join(rule['resourceNames'])})" if "resourceNames" in rule else ""
            words.append(f"{'/'.join(rule['verbs'])} {rule['resources'][0]}{names}" + (f" in {where}" if where else ""))
    return "; ".join(words + google_permissions(book, target, {})) + "."


def _powers(book: Runbook) -> str:
    """Return which of the rights are as good as much more."""
    found = powers_of(book, book.target(project="PROJECT"), {})
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
    """Write the files, or tell which are stale."""
    stale = [path for path, content in generated().items() if not path.exists() or path.read_text("utf-8") != content]
    for path in stale:
        if "--check" in sys.argv:
            print(f"{path.name} is stale; run: make docs")
        else:
            path.write_text(generated()[path], "utf-8")
            print(f"wrote {path.name}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
