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
from remediation.journal import Event
from remediation.model.addresses import shown_target
from remediation.model.commands import command
from remediation.model.errors import RunbookError, Tampered, Unreadable

if TYPE_CHECKING:
    from remediation.engine.run import Run
    from remediation.model.diffing import State

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
    from remediation.engine.run import Run  # noqa: PLC0415 - the list does without

    run_id = session.found(run)
    try:
        return _show(session, Run.load(session.journal, run_id))
    except (Unreadable, Tampered) as problem:
        return _show_unread(session, run_id, problem)


def _list(session: Session, most: int | None) -> int:
    from remediation.engine.overview import lines  # noqa: PLC0415 - only the list

    found = lines(session.journal, most)
    if session.json:
        from remediation.cli.render import print_json_list  # noqa: PLC0415 - costs more than the rest of the list

        print_json_list("runs", found)
    elif not found:
        from remediation.cli.render import next_lines  # noqa: PLC0415 - only where there is nothing

        say(
            "\n".join(
                [
                    "no runs yet.",
                    *next_lines((command("runbook", "list"), *session.sandbox_too(command("runbook", "runs")))),
                ]
            )
        )
    else:
        from remediation.cli.run_list import table  # noqa: PLC0415 - only for people

        say("\n".join(table(found)))
        _say_more(session, len(found))
        _say_left_open(session, found)
    return 0


def _say_more(session: Session, shown: int) -> None:
    older = session.journal.count_runs() - shown
    if older > 0:
        from remediation.cli.render import next_lines  # noqa: PLC0415 - only where there are many

        say("\n".join([f"and {older} older.", *next_lines((command("runbook", "runs", "--all"),))]))


def _say_left_open(session: Session, found: list[State]) -> None:
    """Say which of them were left half-way; most lists have none that could be, and load no engine."""
    shown = {line["run_id"] for line in found if line["status"] in ("interrupted", "failed", "unknown")}
    if shown:
        from remediation.cli.half_way import notes  # noqa: PLC0415 - only where there may be some
        from remediation.engine.left_open import left_open  # noqa: PLC0415

        for line in notes(left_open(session.journal, lambda run: run.id in shown)):
            say(line)


def _print_json(value: Any) -> None:
    from remediation.cli.render import print_json  # noqa: PLC0415 - costs more than the rest of the list

    print_json(value)


def _show(session: Session, record: Run) -> int:
    from remediation.cli.plans import plan_text  # noqa: PLC0415 - the list does without
    from remediation.engine.listed import ended, verbs, who  # noqa: PLC0415

    events = session.journal.events(record.id)
    if session.json:
        said = {name: record.created[name] for name in ("parameters", "plan")}
        more = {"verbs": verbs(events), **said, "events": _told(events)}
        _print_json(record.as_json() | more)
        return 0
    label = f"{record.id}  {record.name}  {record.shown_status}  on "
    say("\n".join(labelled(label, " ".join(record.created["target"].values()))))
    say("\n".join(labelled("by ", who(record.created))))
    if record.shown_status == "applied" and (known := ended(record.verify)):
        say("\n".join(labelled("  ", known)))
    say(plan_text(record.created["plan"], full=bool(session.get("full"))).text)
    for event in events[1:]:
        say("\n".join(labelled(f"  {_clock(event.time)}  {event.kind:<16} ", _subject(record, event.payload))))
    return 0


def _show_unread(session: Session, run_id: str, problem: RunbookError) -> int:
    """Show the entries of a run that cannot be read as they are; it is no failure to have looked at them."""
    from remediation.cli.render import error_text  # noqa: PLC0415 - the list does without
    from remediation.engine.listed import unread  # noqa: PLC0415

    events = session.journal.events(run_id)
    if session.json:
        _print_json(unread(events[0], problem) | {"events": _told(events)})
        return 0
    say(error_text(problem))
    for event in events:
        say(f"  {_clock(event.time)}  {event.kind}")
    return 0


def _told(events: list[Event]) -> list[State]:
    return [{"time": event.time, "kind": event.kind} | _content(event.payload) for event in events]


def _content(payload: Any) -> State:
    """Return what an entry says; one that somebody has damaged as the text that is left."""
    if not isinstance(payload, dict):
        return {"damaged": payload}
    return payload | {"target": shown_target(payload["target"])} if "target" in payload else payload


def _subject(record: Run, payload: dict[str, Any]) -> str:
    """Return what an event is about; most name a change by its number only."""
    from remediation.engine.listed import who  # noqa: PLC0415 - the list does without

    index = payload.get("index", -1)
    change = record.operations[index].change if 0 <= index < len(record.operations) else None
    return str(payload.get("check") or (change.address if change else "") or payload.get("status") or who(payload))


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))


@click.group("audit", cls=NearNames)
def audit_command() -> None:
    """Check that nobody changed the journal."""


@audit_command.command("verify")
@store_options
def audit_verify(**options: Any) -> int:
    """Recompute the hash chain over every event; says the last hash, to compare with one written down elsewhere."""
    session = Session(options)
    count, digest = session.journal.verify()
    if session.json:
        _print_json({"status": "ok", "events": count, "head": digest, "store": str(session.journal.path)})
    else:
        say(
            f"ok: {count} events, none changed. Last hash:\n{digest or '-'}\nA cut-off end shows only against a hash that was written down before."
        )
    return 0
