"""``runbook verify``, ``rollback``, ``resume``, ``runs`` and ``audit``: verbs on what the journal knows."""

from __future__ import annotations

from typing import Any

import click

from remediation.cli.completing import runs
from remediation.cli.layout import labelled
from remediation.cli.options import run_options, store_options, target_options
from remediation.cli.render import document, error_text, heading, next_lines, plan_text, print_json
from remediation.cli.run import decision, emit, observer
from remediation.cli.session import Session
from remediation.diffing import State
from remediation.engine.identity import require_same_target
from remediation.engine.listed import ended, unread, verbs, who
from remediation.engine.outcome import Outcome
from remediation.engine.resuming import resume_plan, resume_run
from remediation.engine.rollback import nothing_to_undo, rollback_plan, rollback_run
from remediation.engine.run import Run
from remediation.engine.verify import verify_run
from remediation.errors import Refused, RunbookError, Tampered, Unreadable
from remediation.journal import Event
from remediation.model import Status, Target


def _loaded(session: Session, run_id: str) -> tuple[Run, Target, Any]:
    """Return a run with its target and the clients; raises Refused on another cluster."""
    run = Run.load(session.journal, session.found(run_id))
    recorded = run.created["target"]
    for name in ("context", "project", "location", "cluster"):
        session.options[name] = session.get(name) or recorded.get(name)
    target = session.target(run.target_kind)
    api = session.api(target, run.target_kind)
    if unread := require_same_target(run, target, api, by_address=not session.get("sandbox")):
        click.echo(f"note:  {unread}", err=True)
    run.work_as(session.about())
    return run, target, api


def _ended(session: Session, run: Run, target: Target, outcome: Outcome) -> int:
    return emit(session, (run.name, run.created["id"]), target, outcome)


def _reporting(session: Session, run_id: str, verb: Any) -> int:
    try:
        return int(verb())
    except RunbookError as problem:
        if not session.json:
            raise
        run = _known(session, run_id)
        outcome = Outcome(Status(problem.status), problem.exit_code, run.id if run else None, error=problem)
        created = run.created if run else {"runbook": None, "id": None, "target": {}}
        print_json(document(created["runbook"], created["id"], created["target"], outcome))
        return problem.exit_code


def _known(session: Session, run_id: str) -> Run | None:
    try:
        return Run.load(session.journal, run_id)
    except RunbookError:
        return None  # it is told as the error of the verb


@click.command("verify")
@click.argument("run", metavar="RUN", shell_complete=runs)
@click.option(
    "--within",
    type=click.IntRange(0, 3600),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for each check.",
)
@target_options
def verify_command(run: str, within: int, **options: Any) -> int:
    """Prove again that the symptom of a run is gone. Read only. RUN is an id, the start of one, or last."""
    session = Session(options)

    def verb() -> int:
        record, target, api = _loaded(session, run)
        if record.status == "rolled_back":
            raise Refused(
                f"run {record.id} was rolled back, so its fix is not in place", "", f"runbook diagnose {record.name}"
            )
        outcome = verify_run(record, api, observer(session, run_id=record.id), within)
        return _ended(session, record, target, outcome)

    return _reporting(session, run, verb)


@click.command("rollback")
@click.argument("run", metavar="RUN", shell_complete=runs)
@click.option("--dry-run", is_flag=True, help="Show what would be undone. Writes nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@run_options
def rollback_command(run: str, dry_run: bool, yes: bool, **options: Any) -> int:
    """Undo exactly what a run changed, unless somebody has changed the same field since."""
    session = Session(options)

    def verb() -> int:
        record, target, api = _loaded(session, _last_change(session, run))
        if (done := nothing_to_undo(record)) is not None:
            return _ended(session, record, target, done)
        plan = rollback_plan(record, api)
        if not session.json:
            click.echo(f"{heading(f'rollback of {record.id} ({record.name})', target)}\n{plan_text(plan)}")
        if dry_run:
            return _previewed(session, record, target, plan, "rollback")
        session.require_unpaused()
        if not yes:
            _confirm(session, "Undo this?")
        outcome = rollback_run(record, api, observer(session, run_id=record.id), session.get("wait"))
        return _ended(session, record, target, outcome)

    return _reporting(session, run, verb)


def _previewed(session: Session, run: Run, target: Target, plan: State, verb: str) -> int:
    if session.json:
        return _ended(session, run, target, Outcome(Status.PLANNED, run_id=run.id, plan=plan))
    click.echo(f"nothing was written.\n{next_lines(f'runbook {verb} {run.id}')[0]}")
    return 0


def _last_change(session: Session, run_id: str) -> str:
    """Return what ``last`` means where something is to be undone: the last run that has changed anything."""
    if run_id != "last":
        return run_id
    newest = session.found(run_id)
    intended = reversed(session.journal.events(kind="change.intended"))
    begun = (found for found in dict.fromkeys(item.run_id for item in intended) if _has_begun(session, found))
    last = next(begun, newest)
    if last != newest:
        click.echo(f"run {newest} changed nothing; the last run that did is {last}", err=True)
    return last


def _has_begun(session: Session, run_id: str) -> bool:
    """Tell whether a run has changed anything; one that cannot be read may have."""
    try:
        return Run.load(session.journal, run_id).begun
    except Unreadable:
        return True


@click.command("resume")
@click.argument("run", metavar="RUN", shell_complete=runs)
@click.option("--dry-run", is_flag=True, help="Show what is still to be done. Writes nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--on-unhealthy", type=click.Choice(["rollback", "keep", "ask"]), help="What to do when the proof fails.")
@run_options
def resume_command(run: str, dry_run: bool, yes: bool, on_unhealthy: str | None, **options: Any) -> int:
    """Finish a run that was interrupted; what it did already is not done again."""
    session = Session(options | {"on_unhealthy": on_unhealthy})

    def verb() -> int:
        if not dry_run:
            session.require_unpaused()
        record, target, api = _loaded(session, run)
        plan = resume_plan(record, api)
        if not session.json:
            click.echo(f"{heading(f'rest of {record.id} ({record.name})', target)}\n{plan_text(plan)}")
        if dry_run:
            return _previewed(session, record, target, plan, "resume")
        if not yes:
            _confirm(session, "Finish this?")
        watcher = observer(session, run_id=record.id)
        outcome = resume_run(record, api, watcher, decision(session), session.get("wait"))
        return _ended(session, record, target, outcome)

    return _reporting(session, run, verb)


def _confirm(session: Session, question: str) -> None:
    if not session.interactive:
        raise Refused("nobody is here to confirm", "nothing was changed", "repeat with --yes")
    if not click.confirm(question, err=True):
        raise Refused("not confirmed", "nothing was changed", "runbook runs")


@click.command("runs")
@click.argument("run", metavar="[RUN]", required=False, shell_complete=runs)
@store_options
def runs_command(run: str | None, **options: Any) -> int:
    """List the runs in the journal, newest first, or show one with everything it did."""
    session = Session(options)
    if run is None:
        return _list(session)
    run_id = session.found(run)
    try:
        return _show(session, Run.load(session.journal, run_id))
    except (Unreadable, Tampered) as problem:
        return _show_unread(session, run_id, problem)


def _show(session: Session, record: Run) -> int:
    events = session.journal.events(record.id)
    if session.json:
        more = {
            "verbs": verbs(events),
            "parameters": record.created["parameters"],
            "plan": record.created["plan"],
            "events": _told(events),
        }
        print_json(record.as_json() | more)
        return 0
    label = f"{record.id}  {record.name}  {record.shown_status}  on "
    click.echo("\n".join(labelled(label, " ".join(record.created["target"].values()))))
    click.echo("\n".join(labelled("by ", who(record.created))))
    if record.shown_status == "applied" and (known := ended(record.verify)):
        click.echo("\n".join(labelled("  ", known)))
    click.echo(plan_text(record.created["plan"]))
    for event in events[1:]:
        click.echo("\n".join(labelled(f"  {_clock(event.time)}  {event.kind:<16} ", _subject(record, event.payload))))
    return 0


def _show_unread(session: Session, run_id: str, problem: RunbookError) -> int:
    """Show the entries of a run that cannot be read as they are; it is no failure to have looked at them."""
    events = session.journal.events(run_id)
    if session.json:
        print_json(unread(events[0], problem) | {"events": _told(events)})
        return 0
    click.echo(error_text(problem))
    for event in events:
        click.echo(f"  {_clock(event.time)}  {event.kind}")
    return 0


def _told(events: list[Event]) -> list[State]:
    return [{"time": event.time, "kind": event.kind, **event.payload} for event in events]


def _subject(record: Run, payload: dict[str, Any]) -> str:
    """Return what an event is about; most name a change by its number only."""
    index = payload.get("index", -1)
    change = record.operations[index].change if 0 <= index < len(record.operations) else None
    return str(payload.get("check") or (change.address if change else "") or payload.get("status") or who(payload))


def _list(session: Session) -> int:
    created = reversed(session.journal.events(kind="run.created"))
    records = [_line(session, event) for event in created]
    if session.json:
        print_json({"runs": [record if isinstance(record, dict) else record.as_json() for record in records]})
    elif not records:
        click.echo("\n".join(["no runs yet.", *next_lines("runbook list" + session.sandbox_too("runbook runs"))]))
    for record in records if not session.json else []:
        if isinstance(record, dict):
            reason = record["error"]["summary"].removeprefix(f"run {record['run_id']} ")
            label, where = f"{record['run_id']}  {record['started']}  ", reason
        else:
            where = record.created["target"].get("context") or record.created["target"].get("project") or ""
            label = f"{record.id}  {record.name:<24} {_in_short(record):<16} "  # an id begins with the time
        click.echo("\n".join(labelled(label, where)))
    return 0


def _in_short(record: Run) -> str:
    """Return the status; of a run that not everything proved, how much did."""
    counted = (ended(record.verify) or "").partition(" proven")[0]
    return f"{record.shown_status}, {counted}" if record.shown_status == "applied" and counted else record.shown_status


def _line(session: Session, created: Event) -> Run | State:
    """Return a run, or what can be said of one that cannot be read."""
    try:
        return Run.load(session.journal, created.run_id)
    except RunbookError as problem:
        return unread(created, problem)


def _clock(seconds: float) -> str:
    import time  # noqa: PLC0415

    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))


@click.group("audit")
def audit_command() -> None:
    """Check that nobody changed the journal."""


@audit_command.command("verify")
@store_options
def audit_verify(**options: Any) -> int:
    """Recompute the hash chain over every event; says the last hash, to compare with one written down elsewhere."""
    session = Session(options)
    count, digest = session.journal.verify()
    if session.json:
        print_json({"status": "ok", "events": count, "head": digest, "store": str(session.journal.path)})
    else:
        click.echo(
            f"ok: {count} events, none changed. Last hash:\n{digest or '-'}\nA cut-off end shows only against a hash that was written down before."
        )
    return 0
