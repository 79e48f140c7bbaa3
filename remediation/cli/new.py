"""``runbook new``: a runbook that works, for somebody to make another one of."""

from __future__ import annotations

from pathlib import Path

import click

from remediation.cli.console import say
from remediation.cli.layout import labelled
from remediation.model.commands import command
from remediation.verbs.new import new_runbook


@click.command("new")
@click.argument("name")
@click.option(
    "--catalogue",
    metavar="DIR",
    default="runbooks",
    show_default=True,
    help="Folder that gets the folder of the runbook.",
)
@click.option(
    "--id", "row_id", metavar="ID", default="OWN-01", show_default=True, help="What it is called in a catalogue."
)
@click.option("--package", is_flag=True, help="Make DIR a project of its own, which others can install.")
def new_command(name: str, catalogue: str, row_id: str, package: bool) -> int:
    """Write a runbook with its scenarios and its test, ready to be made into another one."""
    folder = Path(catalogue)
    written = new_runbook(name, folder, row_id, package=package)
    for file in written:
        say(f"wrote  {file}")
    tests = command("python", "-m", "pytest", str(written[-1].parent))
    shown = command("runbook", "show", name, *(() if package else ("--catalogue", catalogue)))
    first = command("pip", "install", "-e", catalogue) if package else tests
    say(f"next:  {first}\n  or:  {tests if package else shown}")
    say("\n".join(labelled("note:  ", f"its scenarios are rehearsed with: runbook sandbox break {name}")))
    return 0
