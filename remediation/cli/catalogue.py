"""``runbook list`` and ``runbook show``."""

from __future__ import annotations

import json
from typing import Any

import click

from remediation import index
from remediation.cli.options import output_option


@click.command("list")
@output_option
def list_command(output: str | None) -> int:
    """List the runbooks."""
    books = index.entries()
    if output == "json":
        click.echo(json.dumps({"runbooks": books}, indent=2, ensure_ascii=False))
        return 0
    width = max((len(book["name"]) for book in books), default=0)
    for book in books:
        click.echo(
            f"{click.style(book['name'].ljust(width), bold=True)}  {','.join(book['covers']):<16}  {book['risk']:<7} {book['summary']}"
        )
    click.echo("next:  runbook show NAME")
    return 0


@click.command("show")
@click.argument("name")
@output_option
def show_command(name: str, output: str | None) -> int:
    """Show what a runbook does, when, and how it is undone."""
    from remediation import catalogue  # noqa: PLC0415 - a list needs no runbook

    book = catalogue.find(name)
    if output == "json":
        _print(book.as_json() | {"description": book.description})
        return 0
    click.echo(
        f"{click.style(book.name, bold=True)}  {', '.join(book.covers)}  risk {book.risk}\n{book.summary}\n\n{book.description}\n\nParameters:"
    )
    for item in book.parameters:
        need = "required" if item.required else "repeatable" if item.repeatable else "optional"
        click.echo(f"  {item.flag_name + ' ' + item.option.metavar:<34} {need}; {item.option.help}")
    click.echo(f"\nSource: {book.source}\nnext:  runbook plan {book.name} …   runbook rbac {book.name}")
    return 0


def _print(value: Any) -> None:
    from remediation.cli.render import print_json  # noqa: PLC0415 - the renderer loads the engine

    print_json(value)
