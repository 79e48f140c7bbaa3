"""Find the runbooks: each is a folder of a catalogue, found without importing any cloud SDK."""

from __future__ import annotations

import importlib

from remediation.catalogue import sources
from remediation.catalogue.runbook import Runbook
from remediation.model.commands import command
from remediation.model.errors import UsageProblem


def load() -> dict[str, Runbook]:
    """Return every runbook by name; raises UsageProblem for one that cannot be loaded, or whose row another has."""
    books = [book for module in _modules().values() for book in _in_module(module)]
    _refuse_repeated(books)
    return {book.name: book for book in sorted(books, key=lambda book: book.name)}


def packages() -> dict[str, str]:
    """Return the package of each runbook's folder by name, in every catalogue; none of them is imported.

    Raises:
        UsageProblem: two folders are called the same.
    """
    found: dict[str, str] = {}
    for catalogue, folder in sources.catalogues().items():
        for row in sources.rows(folder):
            name = row.replace("_", "-")
            if name in found:
                raise UsageProblem(f"two runbooks are called {name!r}: {found[name]} and {catalogue}.{row}")
            found[name] = f"{catalogue}.{row}"
    return found


def _refuse_repeated(books: list[Runbook]) -> None:
    """Raise UsageProblem where two runbooks say that they are the same row of the catalogue, or have one name."""
    modules: dict[str, str] = {}
    for book in books:
        if other := modules.get(book.name):
            raise UsageProblem(f"two runbooks are called {book.name!r}: in {other} and {book.steps.__module__}")
        modules[book.name] = book.steps.__module__
    known: dict[str, str] = {}
    for row, name in ((row, book.name) for book in books for row in book.covers):
        if other := known.get(row):
            raise UsageProblem(f"two runbooks have the id {row}: {other} and {name}; each row has one")
        known[row] = name


def _modules() -> dict[str, str]:
    return {name: f"{package}.runbook" for name, package in packages().items()}


def _in_module(name: str) -> list[Runbook]:
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as problem:  # whatever goes wrong in it, the others are not at fault
        raise UsageProblem(f"the runbook in {name} cannot be loaded: {type(problem).__name__}: {problem}") from problem
    return [value for value in vars(module).values() if isinstance(value, Runbook)]


def prepare(name: object) -> None:
    """Import one runbook, if there is one of this name, so that what its runs have recorded is known without all the others."""
    if isinstance(name, str) and (module := _modules().get(name)):
        _in_module(module)


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
