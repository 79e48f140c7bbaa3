"""Verbs whose first argument is a runbook, with that runbook's parameters as options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from remediation.catalogue import index, loading
from remediation.catalogue.runbook import Runbook
from remediation.cli.console import say, style
from remediation.cli.examples import block
from remediation.cli.hints import remember_runbook
from remediation.cli.layout import labelled
from remediation.cli.near_names import AllMissing, NameFirst
from remediation.cli.options import accept_common, parameter_option
from remediation.cli.render import outcome_document, print_json
from remediation.cli.session import Session
from remediation.model.errors import NotApplicable, RunbookError
from remediation.model.status import Status
from remediation.verbs import Outcome


class ByRunbook(NameFirst):
    """A verb whose first argument is a runbook, with that runbook's parameters as options."""

    def __init__(
        self,
        *,
        verb: Callable[[Session, Runbook, dict[str, Any]], int],
        shared: Callable[[Any], Any],
        extra: list[click.Option],
        **more: Any,
    ) -> None:
        super().__init__(**more, subcommand_metavar="NAME [OPTIONS]")
        self._verb, self._shared, self._extra = verb, shared, extra

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the catalogue."""
        return index.names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Make the command of one runbook; raises UsageProblem with near names for an unknown one."""
        book = loading.find(cmd_name)

        def call(**values: Any) -> int:
            remember_runbook(book.name)
            given = {item.name: values.pop(item.name) for item in book.parameters}
            return _reported(Session(values | {"typed": _typed()}), book, given, self._verb)

        options = [parameter_option(item) for item in book.parameters]
        command = AllMissing(
            book.name,
            one_of=book.one_of,
            callback=self._shared(call),
            help=book.summary + "\n\n" + book.description,
            epilog=block((f"runbook {ctx.info_name} {book.name} {book.example}".strip(),))
            + f"\n\n\b\nSource: {book.source}",
        )
        shared = getattr(command.callback, "__click_params__", [])
        command.params = [*options, *self._extra, *reversed(shared)]
        return accept_common(command)


def _reported(
    session: Session, book: Runbook, values: dict[str, Any], verb: Callable[[Session, Runbook, dict[str, Any]], int]
) -> int:
    """Run a verb and print its errors in the form that was asked for."""
    try:
        return verb(session, book, values)
    except RunbookError as problem:
        if not session.json and not isinstance(problem, NotApplicable):
            raise
        outcome = Outcome(Status(problem.status), problem.exit_code, error=problem)
        if session.json:
            print_json(outcome_document(book.name, book.id, _target_json(session, book), outcome))
        else:
            say("\n".join(labelled(f"{style('not applicable', bold=True)}: ", problem.summary)))
        return problem.exit_code


def _target_json(session: Session, book: Runbook) -> dict[str, str]:
    try:
        return session.work.target(book.target).as_json()
    except RunbookError:
        return {name: session.get(name) for name in ("context", "project", "location", "cluster") if session.get(name)}


def _typed() -> set[str]:
    """Return the names of what was given on the command line, and is not a default."""
    context = click.get_current_context()
    return {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


def require_nothing(context: click.Context, option: click.Parameter, path: str | None) -> str | None:
    """Let a saved plan stand for every parameter of the runbook."""
    for item in context.command.params if path is not None else ():
        item.required = False
    return path
