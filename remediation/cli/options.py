"""Options that verbs share, and options made from a runbook's parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from remediation.catalogue.parameters import Parameter

F = TypeVar("F", bound=Callable[..., Any])

_OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default=None,
    show_default="text",
    help="How to print the result.",
)
_TARGET = [
    click.option(
        "--kubeconfig", metavar="FILE", show_default="$KUBECONFIG, or ~/.kube/config", help="kubeconfig to use."
    ),
    click.option(
        "--context", metavar="NAME", show_default="the current one", help="kubeconfig context of the cluster."
    ),
    click.option("--project", metavar="ID", help="Google Cloud project."),
    click.option("--location", metavar="ZONE|REGION", help="Location of the GKE cluster."),
    click.option("--cluster", metavar="NAME", help="Name of the GKE cluster."),
    click.option(
        "--sandbox",
        metavar="[real]",
        is_flag=False,
        flag_value="emulated",
        default=None,
        help="Use the embedded cluster and cloud; =real for a real control plane.",
    ),
]
# Its value is read before any verb is, see `settings.named_catalogues`: the names of verbs' arguments depend on it.
_CATALOGUE = click.option(
    "--catalogue",
    metavar="DIR",
    multiple=True,
    expose_value=False,
    show_default="$RUNBOOK_CATALOGUE",
    help="Folder with more runbooks.",
)
_FULL = click.option("--full", is_flag=True, help="Show all of it, also what is long or many of a kind.")
_STORE = click.option(
    "--store",
    metavar="FILE",
    show_default="$RUNBOOK_STORE, or runbook/journal.db in the state folder",
    help="The journal.",
)
_WHO = [
    click.option("--actor", metavar="NAME", show_default="$USER", help="Who runs this, for the journal."),
    click.option("--ticket", metavar="ID", help="Change or incident, for the journal."),
    click.option("--reason", metavar="TEXT", help="Why, for the journal."),
]
_WAIT = click.option(
    "--wait",
    type=click.IntRange(0, 86400),
    default=None,
    metavar="SECONDS",
    show_default="0",
    help="Wait so long for other runs on the same objects.",
)
_LOG = click.option(
    "--log", type=click.Choice(["off", "console", "json"]), default=None, show_default="off", help="Log to stderr."
)
# How `--on-unhealthy` looks.
ON_UNHEALTHY: dict[str, Any] = {
    "type": click.Choice(["rollback", "keep", "ask"]),
    "show_default": "ask on a terminal, else keep",
    "help": "What to do when the proof fails.",
}


def _apply(function: F, options: list[Any]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def accept_common(command: click.Command) -> click.Command:
    """Let a verb take every common option, also those that mean nothing to it: scripts pass the same ones everywhere."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            accept_common(inner)
        return command
    known = {word for item in command.params for word in item.opts}
    command.params += [item for item in _common() if item.opts[0] not in known]
    return command


def _common() -> list[click.Option]:
    names = ("--kubeconfig", "--context", "--project", "--location", "--cluster", "--store", "--actor", "--ticket", "--reason")  # fmt: skip
    hidden: dict[str, Any] = {"hidden": True, "expose_value": False}
    return [
        *(click.Option([name], **hidden) for name in names),
        click.Option(["--sandbox"], is_flag=False, flag_value="emulated", default=None, **hidden),
        click.Option(["--catalogue"], multiple=True, **hidden),
        click.Option(["--detailed-exitcode"], is_flag=True, **hidden),
    ]


def output_option(function: F) -> F:
    """Add ``-o``."""
    return _apply(function, [_OUTPUT])


def full_option(function: F) -> F:
    """Add ``--full``."""
    return _apply(function, [_FULL])


def store_options(function: F) -> F:
    """Add what reading the journal takes."""
    return _apply(function, [_STORE, _TARGET[-1], _OUTPUT])


def target_options(function: F) -> F:
    """Add what reading a target takes."""
    return _apply(function, [*_TARGET, _CATALOGUE, _STORE, _LOG, _OUTPUT])


def run_options(function: F) -> F:
    """Add what changing a target takes."""
    return _apply(function, [*_TARGET, _STORE, *_WHO, _WAIT, _LOG, _OUTPUT])


class ParsedBy(click.ParamType[Any] if TYPE_CHECKING else click.ParamType):  # type: ignore[misc] # generic only for the type checker
    """A click type from a function that raises ValueError with a sentence."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name, self._parse = name, parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse a text; anything else is parsed already."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


def parameter_option(parameter: Parameter) -> click.Option:
    """Return the command-line option of a runbook parameter."""
    name, option = parameter.flag_name, parameter.option
    if parameter.flag:
        return click.Option(
            [parameter.usage, parameter.name],
            default=parameter.default,
            is_flag=True,
            help=option.help,
        )
    # Click takes a default of None for a value, and would not ask for a required option that has one.
    more = {} if parameter.required or parameter.repeatable else {"default": parameter.default}
    return click.Option(
        [name, parameter.name],
        metavar=option.metavar,
        help=option.help,
        multiple=parameter.repeatable,
        type=ParsedBy(option.metavar, option.parse),
        required=parameter.required,
        **more,
    )
