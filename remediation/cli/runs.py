"""``runbook verify``, ``rollback`` and ``resume``: verbs on a run that the journal knows."""

from __future__ import annotations

from typing import Any

import click

from remediation.cli.completing import runs
from remediation.cli.console import say
from remediation.cli.hints import remember_runbook, remember_target
from remediation.cli.layout import labelled
from remediation.cli.options import ON_UNHEALTHY, full_option, run_options, target_options
from remediation.cli.plans import plan_text
from remediation.cli.question import confirmed
from remediation.cli.render import document, heading, next_lines, print_json
from remediation.cli.run import decision, emit, observer
from remediation.cli.session import Session
from remediation.engine.identity import require_same_target
from remediation.engine.outcome import Outcome
from remediation.engine.resuming import resume_plan, resume_run
from remediation.engine.rollback import nothing_to_undo, rollback_plan, rollback_run
from remediation.engine.run import Run
from remediation.engine.verify import verify_run
from remediation.model.commands import command, repeat
from remediation.model.diffing import State
from remediation.model.errors import Refused, RunbookError, Unreadable
from remediation.model.status import Status
from remediation.model.targets import Target


def _loaded(session: Session, run_id: str) -> tuple[Run, Target, Any]:
    """Return a run with its target and the clients; raises Refused on another cluster."""
    run = Run.load(session.journal, session.found(run_id))
    remember_runbook(run.name)
    recorded = run.created["target"]
    for name in ("context", "project", "location", "cluster"):
        session.options[name] = session.get(name) or recorded.get(name)
    if not session.get("sandbox"):
        remember_target(**{name: session.get(name) for name in ("project", "location", "cluster")})
    target = session.target(run.target_kind)
    api = session.api(target, run.target_kind)
    if unread := require_same_target(run, target, api, by_address=not session.get("sandbox")):
        say("\n".join(labelled("note:  ", unread)), error=True)
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
                f"run {record.id} was rolled back, so its fix is not in place",
                "",
                command("runbook", "diagnose", record.name),
            )
        outcome = verify_run(record, api, observer(session, run_id=record.id), within)
        return _ended(session, record, target, outcome)

    return _reporting(session, run, verb)


@click.command("rollback")
@click.argument("run", metavar="RUN", shell_complete=runs)
@click.option("--dry-run", is_flag=True, help="Show what would be undone. Writes nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@full_option
@run_options
def rollback_command(run: str, dry_run: bool, yes: bool, **options: Any) -> int:
    """Undo exactly what a run changed, unless somebody has changed the same field since."""
    session = Session(options)

    def verb() -> int:
        record, target, api = _loaded(session, _last_change(session, run))
        if (done := nothing_to_undo(record)) is not None:
            return _ended(session, record, target, done)
        plan = rollback_plan(record, api)
        everything = _show(session, heading(f"rollback of {record.id} ({record.name})", target), plan)
        if dry_run:
            return _previewed(session, record, target, plan, "rollback")
        session.require_unpaused()
        if not yes:
            _require_yes(session, "Undo on", plan, target, everything)
        outcome = rollback_run(record, api, observer(session, run_id=record.id), session.get("wait"))
        return _ended(session, record, target, outcome)

    return _reporting(session, run, verb)


def _show(session: Session, first: str, plan: State) -> str:
    """Print a plan, and return all of it where that is more than was printed."""
    shown = plan_text(plan, full=bool(session.get("full"))).under(first)
    if not session.json:
        say(shown.text)
    return shown.everything


def _previewed(session: Session, run: Run, target: Target, plan: State, verb: str) -> int:
    if session.json:
        return _ended(session, run, target, Outcome(Status.PLANNED, run_id=run.id, plan=plan))
    say(f"nothing was written.\n{next_lines((command('runbook', verb, run.id),))[0]}")
    return 0


def _last_change(session: Session, run_id: str) -> str:
    """Return what ``last`` means where something is to be undone: the last run that has changed anything."""
    if run_id != "last":
        return run_id
    newest = session.found(run_id)
    begun = (found for found in session.journal.with_entry("change.intended") if _has_begun(session, found))
    last = next(begun, newest)
    if last != newest:
        say("\n".join(labelled("", f"run {newest} changed nothing; the last run that did is {last}")), error=True)
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
@click.option("--on-unhealthy", **ON_UNHEALTHY)
@full_option
@run_options
def resume_command(run: str, dry_run: bool, yes: bool, on_unhealthy: str | None, **options: Any) -> int:
    """Finish a run that was interrupted; what it did already is not done again."""
    session = Session(options | {"on_unhealthy": on_unhealthy})

    def verb() -> int:
        if not dry_run:
            session.require_unpaused()
        record, target, api = _loaded(session, run)
        plan = resume_plan(record, api)
        everything = _show(session, heading(f"rest of {record.id} ({record.name})", target), plan)
        if dry_run:
            return _previewed(session, record, target, plan, "resume")
        if not yes:
            _require_yes(session, "Finish on", plan, target, everything)
        watcher = observer(session, run_id=record.id)
        outcome = resume_run(record, api, watcher, decision(session), session.get("wait"))
        return _ended(session, record, target, outcome)

    return _reporting(session, run, verb)


def _require_yes(session: Session, verb: str, plan: State, target: Target, everything: str) -> None:
    if not confirmed(session, verb, plan, target, repeat("--yes"), everything):
        raise Refused("not confirmed", "nothing was changed", command("runbook", "runs"))
