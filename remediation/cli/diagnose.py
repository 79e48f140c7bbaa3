"""``runbook diagnose``: every applicable diagnosis on the target, and the command that fixes each finding."""

from __future__ import annotations

from typing import Any

import click

from remediation.catalogue.runbook import Runbook
from remediation.cli import half_way
from remediation.cli.completing import runbooks
from remediation.cli.findings import Told, findings_text
from remediation.cli.hints import here
from remediation.cli.options import full_option, target_options
from remediation.cli.paging import show
from remediation.cli.render import print_json
from remediation.cli.session import Session
from remediation.model.commands import Command, Hint, command
from remediation.model.steps import Finding
from remediation.model.targets import Project
from remediation.verbs import Diagnosis


@click.command("diagnose")
@click.argument("names", metavar="[NAME…]", nargs=-1, shell_complete=runbooks)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 when a fault was found.")
@full_option
@target_options
def diagnose_command(names: tuple[str, ...], detailed_exitcode: bool, **options: Any) -> int:
    """Look for every fault that a runbook can fix, or for those of the named runbooks. Read only."""
    session = Session(options)
    found = session.work.diagnose(*names)
    left = session.work.left_half_way(*names)
    if session.json:
        about = {"target": session.work.coordinates(*names), "left_open": half_way.as_json(left)}
        print_json(about | {"findings": [_as_json(session, item) for item in found]})
    else:
        full = bool(session.get("full"))
        told = [Told(item.book.name, item.finding, _following(session, item)) for item in found]
        show("\n".join([*half_way.notes(left), findings_text(told, full=full).text]), full=full)
    return _exit_code(found, detailed=detailed_exitcode)


def _exit_code(found: list[Diagnosis], *, detailed: bool) -> int:
    if detailed and any(item.finding.status == "fault" for item in found):
        return 10
    return 0 if any(item.asked for item in found) else 4


def _command(session: Session, item: Diagnosis) -> Command | None:
    """Return the exact command that plans the fix."""
    return command(*item.fix.words, *_same_target(session, item.book)) if item.fix else None


def _same_target(session: Session, book: Runbook) -> list[str]:
    store = ["--store", session.get("store")] if session.get("store") else []
    if session.get("sandbox"):
        return ["--sandbox" if session.get("sandbox") == "emulated" else "--sandbox=real", *store]
    names = ["project"] if book.target is Project else ["kubeconfig", "context", "project", "location", "cluster"]
    return [word for name in names if session.get(name) for word in (f"--{name}", session.get(name))] + store


def _as_json(session: Session, item: Diagnosis) -> dict[str, Any]:
    finding, fix, by_hand = item.finding, _command(session, item), _by_hand(item.finding)
    return {
        "runbook": item.book.name,
        "id": item.book.id,
        "status": finding.status,
        "summary": finding.summary,
        "resource": finding.resource,
        "evidence": list(finding.evidence),
        "confidence": finding.confidence,
        "excluded": list(finding.excluded),
        "parameters": finding.parameters,
        "fix": str(fix) if fix else None,
        "by_hand": None if by_hand is None else str(by_hand),
    }


def _following(session: Session, item: Diagnosis) -> Hint | None:
    return _command(session, item) or _by_hand(item.finding)


def _by_hand(finding: Finding) -> Hint | None:
    """Return what a person has to do, where no plan gets on."""
    return None if finding.by_hand is None else here((finding.by_hand,))[0]
