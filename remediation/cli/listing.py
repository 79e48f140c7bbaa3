"""``runbook list`` and ``runbook show``."""

from __future__ import annotations

import json
from shlex import split
from typing import Any

import click

from remediation.catalogue import index
from remediation.cli.completing import runbooks
from remediation.cli.console import say, style
from remediation.cli.hints import here
from remediation.cli.layout import labelled, paragraphs
from remediation.cli.options import output_option
from remediation.model.commands import command


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
    say(f"{style(book.name, bold=True)}  {', '.join(book.covers)}  risk {book.risk}\n{book.summary}")
    say(f"\n{paragraphs(book.description)}\n\nParameters:")
    for item in book.parameters:
        say("\n".join(labelled(f"  {item.usage:<32} ", f"{item.need}; {item.option.help}")))
    plan, rights = here(
        (command("runbook", "plan", book.name, *split(book.example)), command("runbook", "rbac", book.name))
    )
    say(f"\nSource: {book.source}\nnext:  {plan}\n  or:  {rights}")
    return 0


def _print(value: Any) -> None:
    from remediation.cli.render import print_json  # noqa: PLC0415 - the renderer loads the engine

    print_json(value)
