"""Groups whose subcommand is a name, and commands that want several options: what to say of what is wrong or missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import click

from remediation.model.commands import Command, command
from remediation.model.errors import UsageProblem


class NearNames(click.Group):
    """A group that answers a misspelt verb with the command line that was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raise UsageProblem with near names for a verb that there is not."""
        names = self.list_commands(ctx)
        if args[0] not in names and not ctx.resilient_parsing:
            self._refuse_verb(ctx, args, names)
        return super().resolve_command(ctx, args)

    def _refuse_verb(self, ctx: click.Context, args: list[str], names: list[str]) -> None:
        import difflib  # noqa: PLC0415 - only for a name that is wrong

        near = difflib.get_close_matches(args[0], names, n=2, cutoff=0.5)
        words = f"{ctx.command_path} has no verb {args[0]!r}"
        if near:
            meant = command(*ctx.command_path.split(), near[0], *args[1:])
            raise UsageProblem(f"{words}; did you mean {' or '.join(near)}?", "nothing was changed", meant)
        whole = command(*ctx.command_path.split(), "--help")
        raise UsageProblem(f"{words}; there are: {', '.join(names)}", "nothing was changed", whole)


class AllMissing(click.Command):
    """A command that names everything that is missing at once.

    Args:
        one_of: names of parameters of which one has to be given.
    """

    def __init__(self, name: str, *, one_of: tuple[str, ...] = (), **more: Any) -> None:
        super().__init__(name, **more)
        self._one_of = one_of

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; raise UsageError that names all required options that were not given."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter:
            lacking = list(self._lacking(ctx, given))
            if len(lacking) < 2:
                raise
            raise click.UsageError(f"Missing options: {', '.join(lacking)}.", ctx) from None

    def _lacking(self, ctx: click.Context, args: list[str]) -> Iterator[str]:
        found, _, _ = self.make_parser(ctx).parse_args(args)
        options = [item for item in self.params if isinstance(item, click.Option)]
        values = {item: item.consume_value(ctx, found)[0] for item in options}
        absent = [item for item in options if values[item] is None or item.value_is_missing(values[item])]
        yield from (_usage(item) for item in absent if item.required)
        either = [_usage(item) for item in absent if item.name in self._one_of]
        if self._one_of and len(either) == len(self._one_of):
            yield " or ".join(either)


def _usage(option: click.Option) -> str:
    return f"{option.opts[0]} {option.metavar or ''}".strip()


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
        text = f"options come after {self.what}: {meant}"
        raise UsageProblem(
            text, "nothing was changed", meant if self._takes(ctx, args, place) else self._help(ctx, args[place])
        )

    def _takes(self, ctx: click.Context, args: list[str], place: int) -> bool:
        """Tell whether the named command has every option that was given."""
        verb = self.get_command(ctx, args[place])
        if isinstance(verb, click.Group):  # which one it is comes later
            return True
        known = {word for item in verb.params for word in (*item.opts, *item.secondary_opts)} if verb else set()
        return all(word.partition("=")[0] in known for word in args if word.startswith("--"))

    def _help(self, ctx: click.Context, name: str) -> Command:
        return command(*ctx.command_path.split(), name, "--help")
