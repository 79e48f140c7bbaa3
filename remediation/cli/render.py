"""What a person reads: plans, checks, outcomes and errors, at 80 columns, coloured only on a terminal."""

from __future__ import annotations

import json
from itertools import chain, repeat
from typing import Any

from remediation.catalogue import index
from remediation.cli.console import one_line, say, style
from remediation.cli.hints import here, ways_from
from remediation.cli.layout import labelled
from remediation.cli.plans import check_lines
from remediation.model.commands import Command, Hint, Hints, command, joined
from remediation.model.diffing import State
from remediation.model.errors import RunbookError
from remediation.model.status import Status
from remediation.model.targets import Target
from remediation.verbs import Outcome
from remediation.verbs.documents import document

_COLOURS = {
    Status.VERIFIED: "green",
    Status.ALREADY_OK: "green",
    Status.ROLLED_BACK: "green",
    Status.PLANNED: "cyan",
    Status.ADVICE: "cyan",
    Status.APPLIED: "yellow",
}
_UNTOUCHED = "nothing was changed"
_THEN = {
    Status.VERIFIED: ("verify", "rollback"),
    Status.APPLIED: ("verify", "rollback"),
    Status.ROLLED_BACK: ("runs",),
}


def error_text(problem: RunbookError) -> str:
    """Return an error in three parts: what, why, what to type next; that nothing was changed is no reason, and stands apart."""
    lines = labelled(style("error: ", fg="red", bold=True), problem.summary)
    parts = problem.detail.split("; ")
    if why := "; ".join(part for part in parts if part not in (_UNTOUCHED, "")):
        lines += labelled("why:   ", why)
    if _UNTOUCHED in parts:
        lines += [f"       {_UNTOUCHED}"]
    return "\n".join([*lines, *next_lines(ways_from(problem))])


def heading(what: str, target: Target, risk: str = "") -> str:
    """Return the first lines of a plan: what is done, and where."""
    first = style(one_line(what), bold=True) + (f", risk {risk}" if risk else "")
    return "\n".join([first, *labelled("on ", str(target))])


def next_lines(ways: Hints) -> list[str]:
    """Return what to type next: a command on one line, so that it can be copied, and a sentence like any other."""
    labels = chain(["next:  "], repeat("  or:  "))
    return [line for label, way in zip(labels, here(ways), strict=False) for line in _way(label, way)]


def _way(label: str, way: Hint) -> list[str]:
    return [label + style(str(way), bold=True)] if isinstance(way, Command) else labelled(label, str(way))


def outcome_text(outcome: Outcome) -> str:
    """Return how a verb ended: the checks, the status, and what to type next."""
    lines = list(check_lines((outcome.verify or {}).get("checks", [])))
    lines += [line for note in outcome.notes for line in labelled("  ", note)]
    if outcome.error:
        lines.append(error_text(outcome.error))
    status = style(str(outcome.status).replace("_", " "), fg=_COLOURS.get(outcome.status, "red"), bold=True)
    run = f"  run {outcome.run_id}" if outcome.run_id else ""
    lines += labelled(f"{status}, ", half_proven(outcome) + run) if half_proven(outcome) else [status + run]
    return "\n".join([*lines, *([] if outcome.error else next_lines(_next(outcome)))])


def half_proven(outcome: Outcome) -> str:
    """Return what is proven and what is not, where a run ended well and not everything is."""
    verify = outcome.verify or {}
    well = outcome.status in (Status.APPLIED, Status.ALREADY_OK)
    return str(verify.get("summary", "")) if well and verify.get("status") != "ok" else ""


def _next(outcome: Outcome) -> Hints:
    if outcome.following is not None:
        return outcome.following
    verbs = _THEN.get(outcome.status, ())
    return tuple(command("runbook", verb, outcome.run_id) for verb in verbs if outcome.run_id)


def following(problem: RunbookError) -> str:
    """Return what to type next after an error, for a document."""
    return joined(here(ways_from(problem)))


def outcome_document(name: str | None, row: str | None, target: State, outcome: Outcome) -> State:
    """Return the one JSON document of this invocation."""
    return document(name, row, target, outcome, following)


def refusal(words: list[str], problem: RunbookError) -> State:
    """Return the document for a command line that ended before a target was known."""
    named = next((book for book in index.entries() if book["name"] in words), {})
    outcome = Outcome(Status(problem.status), problem.exit_code, error=problem)
    return outcome_document(named.get("name"), named.get("id"), {}, outcome)


def print_json_list(name: str, items: list[State]) -> None:
    """Print a document that is one list, an element on each line: a long one takes a tenth of the time."""
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    say(f'{{"{name}": [\n{lines}\n]}}')


def print_json(value: Any) -> None:
    """Print the one document of this invocation."""
    say(json.dumps(value, indent=2, ensure_ascii=False))
