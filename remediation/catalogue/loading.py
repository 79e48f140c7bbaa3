"""Find the runbooks: each is a folder of ``runbooks``, found without importing any cloud SDK."""

from __future__ import annotations

import importlib
import pkgutil

from remediation.catalogue.runbook import Runbook
from remediation.model.commands import command
from remediation.model.errors import UsageProblem


def load() -> dict[str, Runbook]:
    """Return every runbook by name."""
    books = [book for module in _modules().values() for book in _in_module(module)]
    return {book.name: book for book in sorted(books, key=lambda book: book.name)}


def packages() -> dict[str, str]:
    """Return the package of each folder of the catalogue by runbook name; none of them is imported."""
    import runbooks  # noqa: PLC0415 - the catalogue depends on the engine, never the other way round at import time

    rows = (module.name for module in pkgutil.iter_modules(runbooks.__path__) if module.ispkg)
    return {name.replace("_", "-"): f"runbooks.{name}" for name in rows}


def _modules() -> dict[str, str]:
    return {name: f"{package}.runbook" for name, package in packages().items()}


def _in_module(name: str) -> list[Runbook]:
    return [value for value in vars(importlib.import_module(name)).values() if isinstance(value, Runbook)]


def chosen(*names: str) -> list[Runbook]:
    """Return the runbooks of these names, or all of them; raises UsageProblem for a name that there is not."""
    return [find(name) for name in names] or list(load().values())


def find(name: str) -> Runbook:
    """Return the runbook called ``name`` or with that id; raises UsageProblem with near names."""
    module = _modules().get(name)
    books = {book.name: book for book in _in_module(module)} if module else load()
    for book in books.values():
        if name in (book.name, *book.formerly) or name.upper() in book.covers:
            return book
    import difflib  # noqa: PLC0415 - only for a name that is wrong

    near = difflib.get_close_matches(name, books, n=2, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(books)}"
    raise UsageProblem(f"there is no runbook {name!r}; {hint}", next=command("runbook", "list"))
