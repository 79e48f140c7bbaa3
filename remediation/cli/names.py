"""Groups whose subcommand is a name: what to say when options come before it."""

from __future__ import annotations

from typing import ClassVar

import click

from remediation.commands import Command, command
from remediation.errors import UsageProblem


class NameFirst(click.Group):
    """A group that has no options of its own, and says where they belong when they come before the name."""

    what: ClassVar[str] = "the runbook's name"
    list_all: ClassVar[Command] = command("runbook", "list")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse options before the name with the command that was meant."""
        own = {word for item in self.get_params(ctx) for word in item.opts}
        if args and args[0].startswith("-") and args[0] not in own and not ctx.resilient_parsing:
            self._refuse(ctx, args)
        return super().parse_args(ctx, args)

    def _refuse(self, ctx: click.Context, args: list[str]) -> None:
        names = self.list_commands(ctx)
        place = next((number for number, word in enumerate(args) if word in names), None)
        if place is None:
            raise UsageProblem(f"{self.what} is missing; it comes before the options", "", self.list_all)
        meant = command(*ctx.command_path.split(), *args[place:], *args[:place])
        raise UsageProblem(f"options come after {self.what}: {meant}", "nothing was changed", meant)
