"""``runbook plan`` and ``runbook run``: show the plan, ask, show how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from remediation.catalogue.runbook import Runbook
from remediation.cli import half_way, plan_files
from remediation.cli.by_runbook import ByRunbook, require_nothing
from remediation.cli.console import asked, say, style
from remediation.cli.hints import again
from remediation.cli.layout import labelled
from remediation.cli.options import ON_UNHEALTHY, run_options, target_options
from remediation.cli.paging import show
from remediation.cli.plans import plan_text
from remediation.cli.question import confirmed
from remediation.cli.render import following, heading, outcome_document, outcome_text, print_json
from remediation.cli.session import Session
from remediation.model.commands import Hints
from remediation.model.diffing import State
from remediation.model.errors import Unhealthy
from remediation.model.targets import Target
from remediation.verbs import Consent, Outcome, Planned, Request


def plan_verb(session: Session, book: Runbook, values: dict[str, Any]) -> int:
    """Make and show a plan; nothing is written."""
    return _show_plan(session, session.work.preview(_request(session, book, values)))


def run_verb(session: Session, book: Runbook, values: dict[str, Any]) -> int:
    """Plan, ask, apply, verify."""
    request = _request(session, book, values)
    if session.get("dry_run"):
        return _show_plan(session, session.work.preview(request))
    plan = session.work.ready(request, session.get("wait"))
    if not plan.changes:
        outcome = session.work.carry_out(plan)
        _say_unchanged(session, plan)
    else:
        plan.require_permissions()
        outcome = _run(session, plan)
    return emit(session, (book.name, book.id), plan.target, outcome)


def _request(session: Session, book: Runbook, values: dict[str, Any]) -> Request:
    consent = Consent(tuple(session.get("irreversible") or ()), session.get("accept") or "")
    request = session.work.request(book, values, consent, accept_drift=bool(session.get("accept_drift")))
    if session.get("plan") is None:
        return request
    return request.as_saved(plan_files.read(session.get("plan"), book, session), *session.get("typed"))


def emit(session: Session, book: tuple[str, str | None], target: Target, outcome: Outcome) -> int:
    """Print an outcome and return the exit code; ``book`` is the name and the row of the runbook."""
    if session.json:
        print_json(outcome_document(*book, target.as_json(), outcome))
    else:
        say(outcome_text(outcome))
    return outcome.exit_code


def _heading(plan: Planned) -> str:
    first = heading(f"{plan.book.name} ({plan.book.id})", plan.target, plan.book.risk)
    return "\n".join([first, *half_way.notes(plan.left_open())])


def _show_plan(session: Session, plan: Planned) -> int:
    outcome = plan.outcome
    content = plan.document(following)
    if session.get("out"):
        plan_files.save(session.get("out"), plan.saved(following))
    if session.json:
        print_json(content | {"left_open": half_way.as_json(plan.left_open())})
    else:
        full = bool(session.get("full"))
        text = plan_text(outcome.plan or {}, full=full).text
        show("\n".join([_heading(plan), text, _after_plan(session, plan, content)]), full=full)
    return 10 if plan.changes and session.get("detailed_exitcode") else outcome.exit_code


def _after_plan(session: Session, plan: Planned, content: State) -> str:
    if plan.outcome.error:
        return outcome_text(plan.outcome)
    if plan.plan.advice:
        return f"{style('advice', fg='cyan', bold=True)}: a person does it; nothing was written"
    if not plan.changes:
        return f"{style('already ok', fg='green', bold=True)}: nothing to change"
    parameters = content["parameters"]
    count = f"{len(plan.changes)} change{'s' if len(plan.changes) > 1 else ''}; nothing was written. Plan {plan.fingerprint[7:19]}"
    following = (
        plan_files.run_command(session.get("out"), plan.book, parameters, content["target"], session)
        if session.get("out")
        else plan_files.from_standard_input(again("run"), parameters)
    )
    note = "\n       a plan holds no key: give its file again in place of KEY.json" if following.reads else ""
    return f"{count}\nnext:  {following}{note}"


def _run(session: Session, plan: Planned) -> Outcome:
    """Show what would be changed, and carry it out once somebody said yes, here or beforehand."""
    shown = plan_text(plan.as_json(), full=bool(session.get("full"))).under(_heading(plan))
    if not session.json:
        say(shown.text)
    how = when_unhealthy(session), session.get("wait")
    if session.get("yes"):
        return session.work.carry_out(plan, *how)
    return session.work.run(plan, lambda plan: _confirmed(session, plan, shown.everything), *how)


def _confirmed(session: Session, plan: Planned, everything: str) -> bool:
    unattended = _unattended(session, plan.request.parameters)
    return confirmed(session, "Apply to", plan.as_json(), plan.target, unattended, everything)


def _say_unchanged(session: Session, plan: Planned) -> None:
    if session.json:
        return
    shown = plan.as_json()
    shown["checks"] = [item for item in shown["checks"] if item["status"] not in ("planned", "missing")]
    say(_heading(plan) + "\n" + plan_text(shown).text)


def _unattended(session: Session, parameters: dict[str, Any]) -> Hints:
    """Return what to type where nobody can be asked; with a saved plan there is none to be saved."""
    reads = plan_files.KEY if plan_files.reads_key(parameters) else ""
    ways = [again("run", "--yes")] + ([] if session.get("plan") else [again("plan", "--out", "plan.json")])
    return tuple(replace(way, reads=reads) for way in ways)


def when_unhealthy(session: Session) -> Callable[[Unhealthy], bool]:
    """Return who decides what happens when the proof fails: the option, or the person."""

    def decide(problem: Unhealthy) -> bool:
        choice = session.get("on_unhealthy") or ("ask" if session.interactive else "keep")
        if choice == "ask" and session.interactive:
            say("\n".join(labelled("", f"{problem.summary}: {problem.detail}")), error=True)
            return asked("Roll back?")
        return bool(choice == "rollback")

    return decide


_FULL = click.Option(["--full"], is_flag=True, help="Show all of it, also what is long or many of a kind.")
_DRIFT = click.Option(["--accept-drift"], is_flag=True, help="Change objects that another controller owns.")
_IRREVERSIBLE = click.Option(
    ["--irreversible"], metavar="ADDRESS", multiple=True, help="Change this for good; once for each address."
)
_ACCEPT = click.Option(["--accept"], metavar="DANGER", help="Accept the danger that the runbook names.")
_EXIT = click.Option(["--detailed-exitcode"], is_flag=True, help="Exit 10 when changes are pending.")

plan_command = ByRunbook(
    name="plan",
    verb=plan_verb,
    shared=target_options,
    help="Show exactly what a run would change. Writes nothing.",
    extra=[
        click.Option(["--out"], metavar="FILE", help="Save the plan, to run exactly it later."),
        _FULL,
        _DRIFT,
        _EXIT,
    ],
)
run_command = ByRunbook(
    name="run",
    verb=run_verb,
    shared=run_options,
    help="Plan, apply and verify a runbook.",
    extra=[
        click.Option(["--yes", "-y"], is_flag=True, help="Do not ask."),
        click.Option(["--dry-run"], is_flag=True, help="Like plan: writes nothing."),
        click.Option(
            ["--plan"],
            metavar="FILE",
            is_eager=True,
            callback=require_nothing,
            help="Run exactly this saved plan, or nothing; it has the parameters.",
        ),
        click.Option(["--on-unhealthy"], **ON_UNHEALTHY),
        _FULL,
        _DRIFT,
        _IRREVERSIBLE,
        _ACCEPT,
        _EXIT,
    ],
)
