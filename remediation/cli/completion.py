"""``runbook completion``: the completion script of a shell, as click makes it."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from remediation.cli.console import say


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> int:
    """Print the completion script of a shell."""
    from remediation.cli.main import runbook  # noqa: PLC0415 - main loads this module

    found = get_completion_class(shell)
    if found is not None:
        say(found(runbook, {}, "runbook", "_RUNBOOK_COMPLETE").source())
    return 0
