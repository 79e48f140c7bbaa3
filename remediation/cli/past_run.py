"""``runbook verify``, ``rollback`` and ``resume``: verbs on a run that the journal knows."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from remediation.cli.completing import runs
from remediation.cli.console import say
from remediation.cli.hints import remember_runbook, remember_target
from remediation.cli.layout import labelled
from remediation.cli.new_run import emit, when_unhealthy
from remediation.cli.options import ON_UNHEALTHY, full_option, run_options, target_options
from remediation.cli.plans import plan_text
from remediation.cli.question import confirmed
from remediation.cli.render import heading, next_lines, outcome_document, print_json
from remediation.cli.session import Session
from remediation.model.commands import command, repeat
from remediation.model.diffing import State
from remediation.model.errors import RunbookError
from remediation.model.status import Status
from remediation.model.targets import Target
from remediation.verbs import Outcome, Recorded, Run
from remediation.verbs.settings import COORDINATES


def _reached(session: Session, run_id: str) -> Recorded:
    """Return a run on its target; raises Refused on another cluster."""
    run = session.work.load(session.found(session.work, run_id))
    remember_runbook(run.name)
    there = session.work.at(run)
    if not session.get("sandbox"):
        remember_target(**{name: getattr(there.settings, name) for name in COORDINATES})
    found = there.recorded(run)
    if found.caution:
        say("\n".join(labelled("note:  ", found.caution)), error=True)
    return found


def _ended(session: Session, found: Recorded, outcome: Outcome) -> int:
    return emit(session, (found.run.name, found.run.created["id"]), found.target, outcome)


def _reporting(session: Session, run_id: str, verb: Any) -> int:
    try:
        return int(verb())
    except RunbookError as problem:
        if not session.json:
            raise
        run = _known(session, run_id)
        outcome = Outcome(Status(problem.status), problem.exit_code, run.id if run else None, error=problem)
        created = run.created if run else {"runbook": None, "id": None, "target": {}}
        print_json(outcome_document(created["runbook"], created["id"], created["target"], outcome))
        return problem.exit_code


def _known(session: Session, run_id: str) -> Run | None:
    try:
        return session.work.load(run_id)
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
        found = _reached(session, run)
        return _ended(session, found, found.verify(within))

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
        found = _reached(session, _last_change(session, run))
        if (done := found.nothing_to_undo()) is not None:
            return _ended(session, found, done)
        plan = found.rollback_plan()
        everything = _show(session, heading(f"rollback of {found.run.id} ({found.run.name})", found.target), plan)
        if dry_run:
            return _previewed(session, found, plan, "rollback")
        confirm = None if yes else partial(_yes, session, "Undo on", plan, found.target, everything)
        return _ended(session, found, found.rollback(confirm, session.get("wait")))

    return _reporting(session, run, verb)


def _show(session: Session, first: str, plan: State) -> str:
    """Print a plan, and return all of it where that is more than was printed."""
    shown = plan_text(plan, full=bool(session.get("full"))).under(first)
    if not session.json:
        say(shown.text)
    return shown.everything


def _previewed(session: Session, found: Recorded, plan: State, verb: str) -> int:
    if session.json:
        return _ended(session, found, Outcome(Status.PLANNED, run_id=found.run.id, plan=plan))
    say(f"nothing was written.\n{next_lines((command('runbook', verb, found.run.id),))[0]}")
    return 0


def _last_change(session: Session, run_id: str) -> str:
    """Return what ``last`` means where something is to be undone: the last run that has changed anything."""
    if run_id != "last":
        return run_id
    last, newest = session.sandbox_known(session.work.last_change)
    if last != newest:
        say("\n".join(labelled("", f"run {newest} changed nothing; the last run that did is {last}")), error=True)
    return last


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
            session.work.require_unpaused()
        found = _reached(session, run)
        plan = found.resume_plan()
        everything = _show(session, heading(f"rest of {found.run.id} ({found.run.name})", found.target), plan)
        if dry_run:
            return _previewed(session, found, plan, "resume")
        confirm = None if yes else partial(_yes, session, "Finish on", plan, found.target, everything)
        return _ended(session, found, found.resume(confirm, when_unhealthy(session), session.get("wait")))

    return _reporting(session, run, verb)


def _yes(session: Session, verb: str, plan: State, target: Target, everything: str) -> bool:
    return confirmed(session, verb, plan, target, repeat("--yes"), everything)
