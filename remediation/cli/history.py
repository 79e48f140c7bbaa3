"""``runbook runs`` and ``audit``: what the journal knows. A list of ten thousand runs loads neither them nor the engine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from remediation.cli.completing import runs
from remediation.cli.console import say
from remediation.cli.layout import labelled
from remediation.cli.near_names import NearNames
from remediation.cli.options import full_option, store_options
from remediation.cli.session import Session
from remediation.model.commands import command
from remediation.verbs.history import Record, left_open_among

if TYPE_CHECKING:
    from remediation.model.diffing import State
    from remediation.model.errors import RunbookError
    from remediation.verbs import Run

_SHOWN = 50


@click.command("runs")
@click.argument("run", metavar="[RUN]", required=False, shell_complete=runs)
@click.option("--all", "every", is_flag=True, help=f"List all runs, not only the newest {_SHOWN}; -o json always does.")
@full_option
@store_options
def runs_command(run: str | None, every: bool, **options: Any) -> int:
    """List the runs in the journal, newest first, or show one with everything it did."""
    session = Session(options)
    if run is None:
        return _list(session, None if every or session.json else _SHOWN)
    return _show(session, session.records.record(session.found(session.records, run)))


def _list(session: Session, most: int | None) -> int:
    found = session.records.runs(most)
    if session.json:
        from remediation.cli.render import print_json_list  # noqa: PLC0415 - costs more than the rest of the list

        print_json_list("runs", found)
    elif found:
        from remediation.cli.run_list import table  # noqa: PLC0415 - only for people

        say("\n".join(table(found)))
        _say_more(session, len(found))
        _say_left_open(session, found)
    else:
        from remediation.cli.render import next_lines  # noqa: PLC0415 - only where there is nothing

        ways = (command("runbook", "list"), *session.sandbox_too(command("runbook", "runs")))
        say("\n".join(["no runs yet.", *next_lines(ways)]))
    return 0


def _say_more(session: Session, shown: int) -> None:
    older = session.records.journal.count_runs() - shown
    if older > 0:
        from remediation.cli.render import next_lines  # noqa: PLC0415 - only where there are many

        say("\n".join([f"and {older} older.", *next_lines((command("runbook", "runs", "--all"),))]))


def _say_left_open(session: Session, found: list[State]) -> None:
    """Say which of them were left half-way; most lists have none that could be, and load no engine."""
    left = left_open_among(session.records.journal, found)
    if left:
        from remediation.cli.half_way import notes  # noqa: PLC0415 - only where there are some

        say("\n".join(notes(left)))


def _print_json(value: Any) -> None:
    from remediation.cli.render import print_json  # noqa: PLC0415 - costs more than the rest of the list

    print_json(value)


def _show(session: Session, record: Record) -> int:
    if session.json:
        _print_json(record.as_json())
    elif record.run is not None:
        _say_run(record, record.run, full=bool(session.get("full")))
    elif record.problem is not None:
        _say_unread(record, record.problem)
    return 0


def _say_run(record: Record, run: Run, *, full: bool) -> None:
    from remediation.cli.plans import plan_text  # noqa: PLC0415 - the list does without
    from remediation.verbs import ended, who  # noqa: PLC0415

    label = f"{run.id}  {run.name}  {run.shown_status}  on "
    say("\n".join(labelled(label, " ".join(run.created["target"].values()))))
    say("\n".join(labelled("by ", who(run.created))))
    if run.shown_status == "applied" and (known := ended(run.verify)):
        say("\n".join(labelled("  ", known)))
    say(plan_text(run.created["plan"], full=full).text)
    for event in record.events[1:]:
        say("\n".join(labelled(f"  {_clock(event.time)}  {event.kind:<16} ", record.subject(event))))


def _say_unread(record: Record, problem: RunbookError) -> None:
    """Show the entries of a run that cannot be read as they are; it is no failure to have looked at them."""
    from remediation.cli.render import error_text  # noqa: PLC0415 - the list does without

    say(error_text(problem))
    for event in record.events:
        say(f"  {_clock(event.time)}  {event.kind}")


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))


@click.group("audit", cls=NearNames)
def audit_command() -> None:
    """Check that nobody changed the journal."""


@audit_command.command("verify")
@click.option("--anchor", default="", metavar="ANCHOR", help="One that was kept elsewhere: it has to be there still.")
@store_options
def audit_verify(anchor: str, **options: Any) -> int:
    """Look at every entry: none was changed, moved, added or taken away since it was written."""
    session = Session(options)
    found = session.records.audit(anchor)
    if session.json:
        said = {"status": "ok", "events": found.events, "runs": found.runs, "head": found.head}
        _print_json(said | {"store": found.store})
        return 0
    say(f"ok: {found.events} events of {found.runs} runs, none changed.")
    if not anchor:
        say(f"Who writes all of it anew is seen only by an anchor kept elsewhere; now it is\n{found.head}")
    return 0


@audit_command.command("anchor")
@store_options
def audit_anchor(**options: Any) -> int:
    """Print what stands for the journal as it is now, to be kept where nobody can change it."""
    session = Session(options)
    anchor, store = str(session.records.journal.anchor()), session.records.journal.where
    if session.json:
        _print_json({"status": "ok", "anchor": anchor, "store": store})
    else:
        say(anchor)
    return 0
