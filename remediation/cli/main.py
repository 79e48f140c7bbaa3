"""The ``runbook`` command. Verbs are loaded when they are typed, so that help and lists answer at once."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remediation.cli import interrupting
from remediation.cli.console import guard, say
from remediation.cli.environment import named_catalogues, refuse_unknown
from remediation.cli.examples import examples
from remediation.cli.near_names import NameFirst, NearNames
from remediation.cli.options import accept_common
from remediation.cli.streams import outlive_readers, unwritten
from remediation.model.commands import command
from remediation.model.errors import Interrupted, RunbookError, UsageProblem

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_VERBS = {
    "list": ("listing", "List the runbooks."),
    "show": ("listing", "Show what a runbook does, when, and how it is undone."),
    "diagnose": ("diagnose", "Look for every fault that a runbook can fix. Read only."),
    "plan": ("new_run", "Show exactly what a run would change. Writes nothing."),
    "run": ("new_run", "Plan, apply and verify a runbook."),
    "verify": ("past_run", "Prove again that the symptom of a run is gone."),
    "rollback": ("past_run", "Undo exactly what a run changed."),
    "resume": ("past_run", "Finish a run that was interrupted."),
    "runs": ("history", "List the runs in the journal, or show one."),
    "audit": ("history", "Check that nobody changed the journal."),
    "pause": ("pause", "Refuse every run on this store until unpause."),
    "unpause": ("pause", "Allow runs again."),
    "rbac": ("rbac", "Print the least rights that a runbook needs."),
    "doctor": ("doctor", "Check credentials, reachability, permissions and clocks."),
    "sandbox": ("sandbox", "Start, break and stop the embedded cluster and cloud."),
    "new": ("new", "Write a new runbook with its test."),
    "completion": ("completion", "Print the completion script of a shell."),
}


class Verbs(NearNames, NameFirst):
    """A group whose commands live in modules that are imported when they are needed."""

    what = "the verb"
    list_all = command("runbook", "--help")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of use."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one verb."""
        return self._load(cmd_name) if cmd_name in _VERBS else None

    def _load(self, cmd_name: str) -> click.Command:
        module = importlib.import_module(f"remediation.cli.{_VERBS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name + "_command")
        command.epilog = examples(cmd_name)
        return accept_common(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """While a shell completes what follows the verb alone, do without the verb."""
        if ctx.resilient_parsing and len(args) == 1:
            from remediation.cli.completing import unloaded  # noqa: PLC0415 - only when a shell completes

            stand_in = unloaded(args[0], lambda: self._load(args[0]))
            if stand_in is not None:
                return args[0], stand_in, []
        return super().resolve_command(ctx, args)

    def _refuse_verb(self, ctx: click.Context, args: list[str], names: list[str]) -> None:
        """Say which verb may be meant; the name of a runbook is none."""
        from remediation.catalogue import index  # noqa: PLC0415 - only for a verb that is wrong

        if args[0] in index.names():
            meant = command("runbook", "plan", *args)
            raise UsageProblem(f"{args[0]} is a runbook; a verb comes before it", "nothing was changed", meant)
        super()._refuse_verb(ctx, args, names)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the verbs without importing them."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only when a shell completes

        return [CompletionItem(name, help=text) for name, (_, text) in _VERBS.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in _VERBS.items()])


_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 80, "show_default": True}


@click.group(cls=Verbs, epilog=examples(""), context_settings=_HELP)
@click.version_option(package_name="remediation-runbooks", prog_name="runbook")
def runbook() -> None:
    """Documented fixes for Kubernetes on Google Cloud: diagnose, diff, apply, prove, undo."""


def main() -> None:
    """Run the command line and exit with the code of the contract."""
    interrupting.install()
    name = "kubectl runbook" if os.path.basename(sys.argv[0]).startswith("kubectl-") else "runbook"
    sys.exit(_written(_run(name)))


def _written(code: int) -> int:
    """Fail where the outcome was not written; nothing that was begun has stopped for that."""
    problem = unwritten()
    if problem is None:
        return code
    say(f"error: the output could not be written: {problem.strerror}\nnext:  runbook runs", error=True)
    return code or 1


def _run(name: str) -> int:
    outlive_readers()
    guard()
    try:
        refuse_unknown(os.environ)
        if sys.argv[1:2] != ["new"]:  # which makes one
            _use(named_catalogues(sys.argv[1:]))
        result = runbook.main(prog_name=name, standalone_mode=False)
    except RunbookError as problem:
        return _tell(problem)
    except click.ClickException as problem:
        return _usage(problem)
    except (click.Abort, KeyboardInterrupt):
        return _tell(Interrupted("interrupted; no change was under way", next=command("runbook", "runs")))
    except OSError as problem:
        # The terminal went away while a question stood on it.
        return 1 if problem.errno == errno.EIO else _bug(problem)
    except Exception as problem:  # noqa: BLE001 - the last line of defence: a bug is told as one
        return _bug(problem)
    return result if isinstance(result, int) else 0


def _use(folders: list[Path]) -> None:
    if folders:
        from remediation.catalogue.sources import use_folder  # noqa: PLC0415 - most people have the usual catalogue

        for folder in folders:
            use_folder(folder)


def _tell(problem: RunbookError) -> int:
    from remediation.cli.render import error_text, print_json, refusal  # noqa: PLC0415 - only on errors

    if _wants_json():
        print_json(refusal(sys.argv[1:], problem))
    else:
        say(error_text(problem), error=True)
    return problem.exit_code


def _usage(problem: click.ClickException) -> int:
    """Tell a wrong option or argument, in the form that was asked for."""
    context = getattr(problem, "ctx", None)
    if not _wants_json():
        from remediation.cli.layout import without_hints  # noqa: PLC0415 - only on errors

        usage = f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n\n" if context else ""
        say(usage + without_hints(f"Error: {problem.format_message()}"), error=True)
        return 2
    words = context.command_path.split() if context else ["runbook"]
    return _tell(UsageProblem(problem.format_message(), "nothing was changed", command(*words, "--help")))


def _wants_json() -> bool:
    """Look for ``-o json`` in the words themselves: when they are wrong, nobody has parsed them."""
    words = sys.argv[1:]
    pairs = any(pair in (("-o", "json"), ("--output", "json")) for pair in pairwise(words))
    return pairs or "--output=json" in words or "-ojson" in words


def _bug(problem: Exception) -> int:
    """Name a bug by type and place; its text stays out, because it may quote a value."""
    if os.environ.get("RUNBOOK_DEBUG"):
        raise problem
    place: Any = problem.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}" if place else "?"
    run = next(iter(getattr(problem, "__notes__", [])), "")
    summary = f"bug: {type(problem).__name__} at {where}{' in ' + run if run else ''}; this is a fault of runbook, not of your cluster"
    begun = [("resume", run.split()[-1]), ("rollback", run.split()[-1])] if run else [("runs",)]
    return _tell(
        RunbookError(
            summary,
            "report it with the output of RUNBOOK_DEBUG=1",
            tuple(command("runbook", *words) for words in begun),
        )
    )
