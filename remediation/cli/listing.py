"""``runbook list`` and ``runbook show``."""

from __future__ import annotations

import json
from shlex import split
from typing import TYPE_CHECKING, Any

import click

from remediation.catalogue import index
from remediation.cli.completing import runbooks
from remediation.cli.console import say, style
from remediation.cli.hints import here
from remediation.cli.layout import labelled, paragraphs
from remediation.cli.options import output_option
from remediation.model.commands import command

if TYPE_CHECKING:
    from remediation.catalogue.runbook import Runbook


@click.command("list")
@output_option
def list_command(output: str | None) -> int:
    """List the runbooks."""
    books = index.entries()
    if output == "json":
        say(json.dumps({"runbooks": books}, indent=2, ensure_ascii=False))
        return 0
    width = max((len(book["name"]) for book in books), default=0)
    for book in books:
        label = f"{style(book['name'].ljust(width), bold=True)}  {book['risk']:<6}  "
        say("\n".join(labelled(label, f"{book['summary']} ({', '.join(book['covers'])})")))
    say(f"next:  {here((command('runbook', 'show', books[0]['name']),))[0]}")
    return 0


@click.command("show")
@click.argument("name", shell_complete=runbooks)
@output_option
def show_command(name: str, output: str | None) -> int:
    """Show what a runbook does, when, and how it is undone."""
    from remediation.catalogue import loading  # noqa: PLC0415 - a list needs no runbook

    book = loading.find(name)
    if output == "json":
        _print(book.as_json() | {"description": book.description})
        return 0
    say("\n".join(labelled(f"{style(book.name, bold=True)}  ", f"{', '.join(book.covers)}  {_kind(book)}")))
    say(book.summary)
    say(f"\n{paragraphs(book.description)}")
    if book.parameters:
        say("\nParameters:")
    for item in book.parameters:
        say("\n".join(labelled(f"  {item.usage:<32} ", f"{item.need}; {item.option.help}")))
    verb = "diagnose" if book.because else "plan"
    first, rights = here(
        (command("runbook", verb, book.name, *split(book.example)), command("runbook", "rbac", book.name))
    )
    say(f"\nSource: {book.source}\nnext:  {first}\n  or:  {rights}")
    return 0


def _kind(book: Runbook) -> str:
    """Return what a row does about its fault, where it does not mend it, and what it risks."""
    if book.because:
        return f"only looks: {book.because}"
    return f"risk {book.risk}" + (f", {book.danger}" if book.danger else "")


def _print(value: Any) -> None:
    from remediation.cli.render import print_json  # noqa: PLC0415 - the renderer loads the engine

    print_json(value)
