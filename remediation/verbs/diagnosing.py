"""Diagnose: is a fault that a runbook can fix really here? Read only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from remediation.catalogue.runbook import Runbook
from remediation.engine.left_open import left_open, on_target
from remediation.engine.run import Run
from remediation.model.commands import Command, command
from remediation.model.errors import ApiError, RunbookError
from remediation.model.facts import Facts
from remediation.model.status import RowClass
from remediation.model.steps import Finding
from remediation.model.targets import Project, Target
from remediation.verbs.place import Place


@dataclass(frozen=True)
class Diagnosis:
    """What one runbook found.

    Attributes:
        book: the runbook.
        finding: what it found; of status ``unknown`` where it could not ask.
        asked: whether it could ask.
    """

    book: Runbook
    finding: Finding
    asked: bool = True

    @property
    def fix(self) -> Command | None:
        """The command that plans the fix on a target that is known otherwise; None where no plan gets on."""
        if self.finding.status != "fault" or self.finding.by_hand is not None or self.book.cls is RowClass.DIAG:
            return None
        words = ["runbook", "plan", self.book.name]
        if self.book.target is not Project:
            for name, value in self.finding.parameters.items():
                words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        given = self.finding.parameters
        required = [item for item in self.book.parameters if item.required and item.flag_name[2:] not in given]
        words += [word for item in required for word in (item.flag_name, item.option.metavar)]
        return command(*words)


def diagnoses(place: Place, books: Sequence[Runbook], *, named: bool) -> Iterator[Diagnosis]:
    """Ask each diagnosis; one list of pods serves all of a cluster. What cannot be asked is unknown, never healthy.

    ``named`` says that somebody asked for these runbooks; else those of a project are asked only where one is known.
    """
    shared: dict[type[Target], Facts] = {}
    for book in books:
        if book.diagnose is None:
            continue
        if book.target is Project and not named and not place.settings.known("project"):
            yield _not_asked(book, "not looked at: no --project was given")
            continue
        target = place.target(book.target)
        facts = shared.get(book.target) or Facts(place.api(target))
        shared[book.target] = facts
        try:
            for finding in book.diagnose(target, facts):
                yield Diagnosis(book, _plain(finding))
        except ApiError as problem:
            yield _not_asked(book, f"could not be asked: {problem.summary}")


def _not_asked(book: Runbook, why: str) -> Diagnosis:
    return Diagnosis(book, Finding("unknown", why), asked=False)


def _plain(finding: Finding) -> Finding:
    return replace(finding, evidence=distinct(finding), excluded=tuple(dict.fromkeys(finding.excluded)))


def distinct(finding: Finding) -> tuple[str, ...]:
    """Return the evidence, each of it once: neither what the summary says nor the inner half of a longer message."""
    texts = dict.fromkeys(finding.evidence)
    whole = (finding.summary, *texts)
    inner = {text for text in texts if text == finding.summary or any(other.endswith(f": {text}") for other in whole)}
    return tuple(text for text in texts if text not in inner)


def coordinates(place: Place, books: Sequence[Runbook]) -> dict[str, str]:
    """Return the coordinates of every target of these runbooks that is named."""
    found: dict[str, str] = {}
    for book in books:
        with suppress(RunbookError):
            found |= place.target(book.target).as_json()
    return found


def left_half_way(place: Place, books: Sequence[Runbook]) -> list[Run]:
    """Return the runs that were left half-way on the targets of these runbooks that are named."""
    found: list[Run] = []
    for kind in dict.fromkeys(book.target for book in books):
        with suppress(RunbookError):  # a target that is not named, or cannot be
            target = place.target(kind)
            found += left_open(place.journal, on_target(target, place.api(target)))
    return found
