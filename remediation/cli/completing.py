"""What <TAB> offers: names that are known without loading the verb, for a person waits for each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from remediation.catalogue import index
from remediation.cli.environment import named_store, state_folder

Items = list[CompletionItem]


def runbooks(context: click.Context, parameter: Any, incomplete: str) -> Items:
    """Return the runbooks that begin so."""
    del context, parameter
    books = [(book["name"], book["summary"]) for book in index.entries()]
    return [CompletionItem(name, help=text) for name, text in books if name.startswith(incomplete)]


def runs(context: click.Context, parameter: Any, incomplete: str) -> Items:
    """Return ``last`` and the newest runs of the journal that this command line means, newest first."""
    from remediation.verbs import newest  # noqa: PLC0415 - only for verbs on runs

    del parameter
    found = newest(_journal(context.params))
    offered = [("last", "the newest one"), *found] if found else []
    return [CompletionItem(name, help=text) for name, text in offered if name.startswith(incomplete)]


def _journal(options: dict[str, Any]) -> str | Path:
    if store := named_store(options.get):
        return store
    if options.get("sandbox"):
        from runbook_sandbox.process import folder  # noqa: PLC0415 - only in the sandbox

        return folder(options["sandbox"]) / "journal.db"
    return state_folder() / "journal.db"


def scenarios(context: click.Context, parameter: Any, incomplete: str) -> Items:
    """Return what the sandbox can break."""
    from remediation.catalogue.scenarios import rehearsed  # noqa: PLC0415 - only for the sandbox

    del context, parameter
    return [
        CompletionItem(name, help=item.summary) for name, item in rehearsed().items() if name.startswith(incomplete)
    ]


_FIRST = {
    **dict.fromkeys(("show", "diagnose", "plan", "run", "rbac"), runbooks),
    **dict.fromkeys(("verify", "rollback", "resume", "runs"), runs),
}


class Unloaded(click.Command):
    """A verb of which nothing but its name was typed: its first argument is completed without it, options are not."""

    def __init__(self, name: str, load: Callable[[], click.Command]) -> None:
        super().__init__(name)
        self._load = load

    def shell_complete(self, ctx: click.Context, incomplete: str) -> Items:
        """Offer what comes first, or the options."""
        if not incomplete.startswith("-"):
            return _FIRST[str(self.name)](ctx, None, incomplete)
        verb = self._load()
        with verb.make_context(self.name, [], parent=ctx.parent, resilient_parsing=True) as inner:
            return verb.shell_complete(inner, incomplete)


def unloaded(name: str, load: Callable[[], click.Command]) -> click.Command | None:
    """Return a stand-in for a verb whose first argument is offered here, None for any other."""
    return Unloaded(name, load) if name in _FIRST else None
