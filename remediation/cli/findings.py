"""What a diagnosis found, as a person reads it: of many alike, the first ones and how many more there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from remediation.cli.brevity import SEVERAL, Shown, fitted
from remediation.cli.console import style
from remediation.cli.layout import labelled
from remediation.model.commands import Command, Hint
from remediation.model.remarks import few
from remediation.model.steps import Finding

_MARKS = {
    "fault": ("FAULT", "red"),
    "healthy": ("ok", "green"),
    "unknown": ("unknown", "yellow"),
    "not_applicable": ("not here", None),
}
_BELOW = "         "


@dataclass(frozen=True)
class Told:
    """A finding of a runbook, and the command that plans its fix, or what a person has to do."""

    runbook: str
    finding: Finding
    fix: Hint | None = None


def findings_text(found: list[Told], *, full: bool = False) -> Shown:
    """Return findings in their order: all of each where that is asked for or fits a screen, else in brief."""
    return fitted(lambda brief: list(_lines(found, brief=brief)), full=full)


def _lines(found: list[Told], *, brief: bool) -> Iterator[str]:
    for _, group in groupby(found, key=_likeness):
        same = list(group)
        shown = same[: SEVERAL - 1] if brief and len(same) > SEVERAL else same
        for item in shown:
            yield from _finding(item, brief=brief)
        if left := same[len(shown) :]:
            resources = few(item.finding.resource for item in left)
            yield from _first(left[0], f"{len(left)} more like this: {resources}")


def _likeness(item: Told) -> tuple[str, str, str]:
    """Return what findings have in common that differ in the name of the resource only."""
    name = item.finding.resource.rpartition("/")[2]
    return item.runbook, item.finding.status, item.finding.summary.replace(name, "") if name else item.finding.summary


def _first(item: Told, text: str) -> list[str]:
    mark, colour = _MARKS[item.finding.status]
    return labelled(f"{style(f'{mark:<8}', fg=colour, bold=True)} ", f"{item.runbook}: {text}")


def _finding(item: Told, *, brief: bool) -> Iterator[str]:
    finding = item.finding
    yield from _first(item, finding.summary)
    if finding.status == "fault":
        yield from labelled(_BELOW, f"{finding.resource}, {finding.confidence}")
    for text in _evidence(finding.evidence) if brief else finding.evidence:
        yield from labelled(_BELOW, text)
    if finding.status == "fault":
        for text in finding.excluded:
            yield from labelled(f"{_BELOW}ruled out: ", text)
        yield from _following(item)


def _following(item: Told) -> list[str]:
    """Return the command as it is typed, on one line; what a person has to do in words, on several."""
    if isinstance(item.fix, Command):
        return [f"{_BELOW}next:  {style(str(item.fix), bold=True)}"]
    return labelled(f"{_BELOW}next:  ", str(item.fix))


def _evidence(texts: Iterable[str]) -> Iterator[str]:
    """Yield evidence; of many that differ in numbers, addresses and the like only, the first ones."""
    for _, group in groupby(texts, key=_shape):
        same = list(group)
        shown = same[: SEVERAL - 1] if len(same) > SEVERAL else same
        yield from shown
        if len(shown) < len(same):
            yield f"+{len(same) - len(shown)} more like this"


def _shape(text: str) -> str:
    return " ".join("#" if any(map(str.isdigit, word)) else word for word in text.split())
