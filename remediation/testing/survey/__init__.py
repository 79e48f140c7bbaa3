"""Play the scenarios of a row, and tell what it asks and touches, and which of its steps no scenario reaches.

``python -m remediation.testing.survey [NAME…]`` writes what is found into ``surveyed.json`` beside each runbook; with ``--check`` it
only says what is stale.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from remediation.catalogue import scenarios
from remediation.catalogue.runbook import Runbook
from remediation.catalogue.surveyed import FILE, Json
from remediation.model.rights import Permission
from remediation.model.scenarios import Scenario
from remediation.model.targets import Target
from remediation.testing.guards import guarded, without
from remediation.testing.survey.merging import merged
from remediation.testing.survey.playing import play, targets
from remediation.testing.survey.reached import Reached
from remediation.testing.survey.templates import Entry, Templates
from remediation.testing.survey.watching import Seen
from remediation.testing.survey.words import words_of
from remediation.testing.worlds import EmulatedWorld


@dataclass(frozen=True)
class Survey:
    """What the scenarios of one runbook have shown; ``missed`` are steps that none of them reaches."""

    found: Json
    missed: tuple[str, ...]


def survey(world: EmulatedWorld, book: Runbook, plays: Iterable[Scenario]) -> Survey:
    """Play each scenario on every form of target, and once without each right that a fact takes: a refusal is an answer too.

    Raises:
        Doubtful: the values of a scenario are not told apart by their text.
    """
    reached, entries = Reached(_folder(book)), list[list[Entry]]()
    facts: Json = {}
    refused: set[Permission] = set()
    words = words_of(_folder(book))
    forms = targets(book.target, world.server.url)

    def keep(recorded: Json, target: Target, *, runs: bool = False) -> Seen:
        with reached.watching():
            seen = play(world, book, target, recorded, runs=runs)
        told = Templates(book, target, recorded, seen, words)
        rights = [entry for fact in seen.facts for entry in told.rights(fact)]
        entries.append([*rights, *map(told.record, seen.records)])
        facts.update(told.facts)
        return seen

    for scenario in plays:
        recorded = scenario.values(world.places)
        world.set_back()
        scenario.breaks(world)
        world.settle()
        asked = [fact for target in forms for fact in keep(recorded, target).facts]
        for right in sorted({right for fact in asked for right in fact.permissions} - refused):
            refused.add(right)
            with guarded(world, without(right)):
                keep(recorded, forms[-1])
        keep(recorded, forms[-1], runs=True)
    every = merged(entries, book.may_lack)
    kinds = {kind: [item for item in every if kind in item] for kind in ("right", "record")}
    found = {"facts": facts, "rights": kinds["right"], "records": kinds["record"]}
    return Survey(found, tuple(reached.missed()))


def surveys(books: Iterable[Runbook]) -> tuple[dict[Path, str], list[str]]:
    """Return the file of each folder as it should be, and a sentence for each step that no scenario reaches."""
    found: dict[Path, dict[str, Json]] = {}
    problems = []
    every = scenarios.load().values()
    with TemporaryDirectory() as folder, closing(EmulatedWorld(Path(folder), secure=False)) as world:
        for book in books:
            mine = [item for item in every if item.runbook == book.name and "emulated" in item.servers]
            result = survey(world, book, mine)
            found.setdefault(_folder(book) / FILE, {})[book.name] = result.found
            problems += [f"no scenario of {book.name} reaches {step}" for step in result.missed]
    return {path: written(content) for path, content in found.items()}, problems


def written(content: Json) -> str:
    """Return what was found as a file that people read in a review: one line for each right, resource and check."""
    parts = [f"{_line(name)}: {{\n{_parts(found)}\n }}" for name, found in sorted(content.items())]
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def _parts(found: Json) -> str:
    facts = [f"   {_line(word)}: {_line(fact)}" for word, fact in sorted(found["facts"].items())]
    lists = [
        f'  "{kind}": [\n' + ",\n".join(f"   {_line(item)}" for item in found[kind]) + "\n  ]"
        for kind in ("rights", "records")
    ]
    return ",\n".join(['  "facts": {\n' + ",\n".join(facts) + "\n  }" if facts else '  "facts": {}', *lists])


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _folder(book: Runbook) -> Path:
    return Path(importlib.import_module(book.steps.__module__).__file__ or "").parent
