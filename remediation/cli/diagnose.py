"""``runbook diagnose``: every applicable diagnosis on the target, and the command that fixes each finding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import click

from remediation.catalogue import loading
from remediation.catalogue.runbook import Runbook
from remediation.cli import half_way
from remediation.cli.completing import runbooks
from remediation.cli.findings import Told, findings_text
from remediation.cli.hints import here
from remediation.cli.options import full_option, target_options
from remediation.cli.paging import show
from remediation.cli.render import print_json
from remediation.cli.session import Session
from remediation.engine.run import Run
from remediation.model.commands import Command, Hint, command
from remediation.model.errors import ApiError, RunbookError
from remediation.model.facts import Facts
from remediation.model.steps import Finding
from remediation.model.targets import Project


@click.command("diagnose")
@click.argument("names", metavar="[NAME…]", nargs=-1, shell_complete=runbooks)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 when a fault was found.")
@full_option
@target_options
def diagnose_command(names: tuple[str, ...], detailed_exitcode: bool, **options: Any) -> int:
    """Look for every fault that a runbook can fix, or for those of the named runbooks. Read only."""
    session = Session(options)
    books = [loading.find(name) for name in names] or list(loading.load().values())
    found = [(book, finding) for book, finding in _findings(session, books, named=bool(names))]
    left = _left_open(session, books)
    if session.json:
        findings = [_as_json(session, *item) for item in found]
        about = {"target": _coordinates(session, books), "left_open": half_way.as_json(left)}
        print_json(about | {"findings": findings})
    else:
        full = bool(session.get("full"))
        told = [Told(book.name, item, _command(session, book, item) or _by_hand(item)) for book, item in found]
        show("\n".join([*half_way.notes(left), findings_text(told, full=full).text]), full=full)
    return _exit_code([finding for _, finding in found], detailed=detailed_exitcode)


class _NotAsked(Finding):
    """A diagnosis that could not be made."""


def _exit_code(findings: list[Finding], *, detailed: bool) -> int:
    if detailed and any(finding.status == "fault" for finding in findings):
        return 10
    return 4 if all(isinstance(finding, _NotAsked) for finding in findings) else 0


def _coordinates(session: Session, books: list[Runbook]) -> dict[str, str]:
    found: dict[str, str] = {}
    for book in books:
        try:
            found |= session.target(book.target).as_json()
        except RunbookError:
            continue
    return found


def _left_open(session: Session, books: list[Runbook]) -> list[Run]:
    """Return the runs that were left half-way on the targets that are named."""
    found: list[Run] = []
    for kind in dict.fromkeys(book.target for book in books):
        with suppress(RunbookError):  # a target that is not named, or cannot be
            found += half_way.on(session, session.target(kind), session.api(session.target(kind), kind))
    return found


def _findings(session: Session, books: list[Runbook], *, named: bool) -> Iterator[tuple[Runbook, Finding]]:
    """Ask each diagnosis; one list of pods serves all of a cluster. What cannot be asked is unknown, never healthy."""
    shared: dict[type, Facts] = {}
    for book in books:
        if book.diagnose is None:
            continue
        if book.target is Project and not named and not session.get("sandbox") and not session.get("project"):
            yield book, _NotAsked("unknown", "not looked at: no --project was given")
            continue
        target = session.target(book.target)
        facts = shared.setdefault(book.target, Facts(session.api(target, book.target)))
        try:
            for finding in book.diagnose(target, facts):
                yield (
                    book,
                    replace(finding, evidence=_distinct(finding), excluded=tuple(dict.fromkeys(finding.excluded))),
                )
        except ApiError as problem:
            yield book, _NotAsked("unknown", f"could not be asked: {problem.summary}")


def _distinct(finding: Finding) -> tuple[str, ...]:
    """Return the evidence, each of it once: neither what the summary says nor the inner half of a longer message."""
    texts = dict.fromkeys(finding.evidence)
    whole = (finding.summary, *texts)
    inner = {text for text in texts if text == finding.summary or any(other.endswith(f": {text}") for other in whole)}
    return tuple(text for text in texts if text not in inner)


def _command(session: Session, book: Runbook, finding: Finding) -> Command | None:
    """Return the exact command that plans the fix."""
    if finding.status != "fault" or finding.by_hand is not None:
        return None
    words = ["runbook", "plan", book.name]
    if book.target is not Project:
        for name, value in finding.parameters.items():
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    required = [item for item in book.parameters if item.required and item.flag_name[2:] not in finding.parameters]
    words += [word for item in required for word in (item.flag_name, item.option.metavar)]
    return command(*words, *_same_target(session, book))


def _same_target(session: Session, book: Runbook) -> list[str]:
    store = ["--store", session.get("store")] if session.get("store") else []
    if session.get("sandbox"):
        return ["--sandbox" if session.get("sandbox") == "emulated" else "--sandbox=real", *store]
    names = ["project"] if book.target is Project else ["kubeconfig", "context", "project", "location", "cluster"]
    return [word for name in names if session.get(name) for word in (f"--{name}", session.get(name))] + store


def _as_json(session: Session, book: Runbook, finding: Finding) -> dict[str, Any]:
    fix = _command(session, book, finding)
    return {
        "runbook": book.name,
        "id": book.id,
        "status": finding.status,
        "summary": finding.summary,
        "resource": finding.resource,
        "evidence": list(finding.evidence),
        "confidence": finding.confidence,
        "excluded": list(finding.excluded),
        "parameters": finding.parameters,
        "fix": str(fix) if fix else None,
        "by_hand": None if (by_hand := _by_hand(finding)) is None else str(by_hand),
    }


def _by_hand(finding: Finding) -> Hint | None:
    """Return what a person has to do, where no plan gets on."""
    return None if finding.by_hand is None else here((finding.by_hand,))[0]
