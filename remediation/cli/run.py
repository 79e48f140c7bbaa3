"""``runbook plan`` and ``runbook run``."""

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
from remediation.cli.parameters import as_json
from remediation.cli.plans import plan_text
from remediation.cli.progress import Progress
from remediation.cli.question import confirmed
from remediation.cli.render import document, heading, outcome_text, print_json
from remediation.cli.session import Session
from remediation.engine.apply import apply_run
from remediation.engine.moved import since_plan
from remediation.engine.outcome import Outcome
from remediation.engine.permissions import require_permissions
from remediation.engine.plan import Plan, make_plan
from remediation.engine.run import Run
from remediation.engine.verify import prove
from remediation.model.api import Api
from remediation.model.commands import Hints, hints
from remediation.model.errors import Refused, StalePlan, Unhealthy
from remediation.model.status import Status
from remediation.model.targets import Target


def observer(session: Session, **bound: Any) -> Progress:
    """Return the progress display of this invocation."""
    return session.progress(**bound)


def _make(session: Session, book: Runbook, values: dict[str, Any]) -> tuple[Plan, Any]:
    target = session.target(book.target)
    api = session.api(target, book.target)
    plan = make_plan(book, target, as_json(book, values), values, api, accept_drift=bool(session.get("accept_drift")))
    return plan, api


def emit(session: Session, book: tuple[str, str | None], target: Target, outcome: Outcome) -> int:
    """Print an outcome and return the exit code; ``book`` is the name and the row of the runbook."""
    if session.json:
        print_json(document(*book, target.as_json(), outcome))
    else:
        say(outcome_text(outcome))
    return outcome.exit_code


def _heading(session: Session, plan: Plan, api: Api) -> str:
    first = heading(f"{plan.book.name} ({plan.book.id})", plan.target, plan.book.risk)
    return "\n".join([first, *half_way.notes(half_way.on(session, plan.target, api))])


def plan_verb(session: Session, book: Runbook, values: dict[str, Any]) -> int:
    """Make and show a plan; nothing is written."""
    plan, api = _make(session, book, values)
    return _show(session, book, plan, api, values)


def _show(session: Session, book: Runbook, plan: Plan, api: Api, values: dict[str, Any]) -> int:
    outcome = Outcome(Status.PLANNED if plan.changes else Status.ALREADY_OK, plan=plan.as_json())
    content = document(book.name, book.id, plan.target.as_json(), outcome) | {"parameters": as_json(book, values)}
    if session.get("out"):
        plan_files.save(session.get("out"), content | {"target_uid": api.target_uid()})
    if session.json:
        print_json(content | {"left_open": half_way.as_json(half_way.on(session, plan.target, api))})
    else:
        full = bool(session.get("full"))
        text = plan_text(outcome.plan or {}, full=full).text
        show("\n".join([_heading(session, plan, api), text, _after_plan(session, plan, content)]), full=full)
    return 10 if plan.changes and session.get("detailed_exitcode") else 0


def _after_plan(session: Session, plan: Plan, content: dict[str, Any]) -> str:
    if not plan.changes:
        return f"{style('already ok', fg='green', bold=True)}: nothing to change"
    count = f"{len(plan.changes)} change{'s' if len(plan.changes) > 1 else ''}; nothing was written. Plan {plan.fingerprint[7:19]}"
    following = (
        plan_files.run_command(session.get("out"), plan.book, plan.parameters, content["target"], session)
        if session.get("out")
        else plan_files.from_standard_input(again("run"), plan.parameters)
    )
    note = "\n       a plan holds no key: give its file again in place of KEY.json" if following.reads else ""
    return f"{count}\nnext:  {following}{note}"


def run_verb(session: Session, book: Runbook, values: dict[str, Any]) -> int:
    """Plan, ask, apply, verify."""
    saved = plan_files.read(session.get("plan"), book) if session.get("plan") is not None else None
    if saved is not None:
        values = saved.values(session, values)
        saved.require_target(session)
    if not session.get("dry_run"):
        session.require_named_target(book)
        session.require_unpaused()
    plan, api = _make(session, book, values)
    if saved is not None:
        saved.require_cluster(api, session)
        saved.require_same(plan, session)
    if session.get("dry_run"):
        return _show(session, book, plan, api, values)
    while _held_up(session, book, plan, api):
        plan, api = _make(session, book, values)
        if saved is not None:
            saved.require_same(plan, session)
    return _run(session, book, plan, api, values)


def _held_up(session: Session, book: Runbook, plan: Plan, api: Api) -> bool:
    """Wait for other runs on the same objects, and tell whether the plan has to be made again.

    Without --wait a plan that changes something is not held up here: its run takes the locks itself, and says who has them.
    """
    if plan.changes and session.get("wait") is None:
        return False
    return bool(api.await_others(plan.scopes, session.get("wait"), observer(session, runbook=book.name).held_up))


def _run(session: Session, book: Runbook, plan: Plan, api: Api, values: dict[str, Any]) -> int:
    if not plan.changes:
        return _already_ok(session, book, plan, api)
    require_permissions(plan)
    shown = plan_text(plan.as_json(), full=bool(session.get("full"))).under(_heading(session, plan, api))
    if not session.json:
        say(shown.text)
    if not session.get("yes"):
        plan, api = _confirmed(session, book, values, plan, shown.everything)
    run = _begin(session, plan, {"target_uid": api.target_uid()})
    watcher = observer(session, run_id=run.id, runbook=book.name)
    outcome = apply_run(run, api, watcher, decision(session), session.get("wait"))
    if isinstance(outcome.error, StalePlan) and not run.in_place:
        outcome.error.next = hints(again("run"))
    return emit(session, (book.name, book.id), plan.target, outcome)


def _begin(session: Session, plan: Plan, where: dict[str, Any]) -> Run:
    return Run.begin(session.journal, plan, session.about() | where)


def _already_ok(session: Session, book: Runbook, plan: Plan, api: Api) -> int:
    """Nothing to change: prove it with the checks that must hold, and record that it was looked at."""
    checked = prove(plan, api, observer(session, runbook=book.name), within=60)
    healthy = checked.status is not Status.UNHEALTHY and not _unknown_required(checked)
    outcome = Outcome(Status.ALREADY_OK, plan=plan.as_json(), verify=checked.verify) if healthy else checked
    run = _begin(session, plan, {})  # nothing was changed, so nothing is ever undone there
    outcome.run_id = run.id
    run.end(outcome.status, outcome.verify)
    if not session.json:
        shown = plan.as_json()
        shown["checks"] = [item for item in shown["checks"] if item["status"] not in ("planned", "missing")]
        say(_heading(session, plan, api) + "\n" + plan_text(shown).text)
    return emit(session, (book.name, book.id), plan.target, outcome)


def _unknown_required(checked: Outcome) -> bool:
    return any(item["required"] and item["status"] == "unknown" for item in (checked.verify or {}).get("checks", []))


def _confirmed(
    session: Session, book: Runbook, values: dict[str, Any], plan: Plan, everything: str
) -> tuple[Plan, Any]:
    """Ask the person, then look again: the world may have moved while they read."""
    unattended = _unattended(session, plan.parameters)
    if not confirmed(session, "Apply to", plan.as_json(), plan.target, unattended, everything):
        raise Refused("not confirmed", "nothing was changed", again("run" if session.get("plan") else "plan"))
    renewed, api = _make(session, book, values)
    if renewed.fingerprint != plan.fingerprint:
        raise StalePlan(
            "the target changed while the plan was read",
            f"{since_plan(plan.as_json(), renewed.as_json())}; nothing was changed",
            again("run"),
        )
    return renewed, api


def _unattended(session: Session, parameters: dict[str, Any]) -> Hints:
    """Return what to type where nobody can be asked; with a saved plan there is none to be saved."""
    reads = plan_files.KEY if plan_files.reads_key(parameters) else ""
    ways = [again("run", "--yes")] + ([] if session.get("plan") else [again("plan", "--out", "plan.json")])
    return tuple(replace(way, reads=reads) for way in ways)


def decision(session: Session) -> Callable[[Unhealthy], bool]:
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
        _EXIT,
    ],
)
