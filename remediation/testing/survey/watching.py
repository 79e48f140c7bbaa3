"""A runbook that tells what it asks and names while the engine drives it like any other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from remediation.catalogue.runbook import Runbook
from remediation.model.api import Api
from remediation.model.artefacts import Artefact, Collect
from remediation.model.facts import Fact, Facts, T
from remediation.model.steps import Check, During, Ensure, Finding, Resource, Steps, WhenUndone
from remediation.model.targets import Target


@dataclass
class Seen:
    """What one play has shown: facts with their answers, and every resource and check."""

    facts: dict[Any, Any] = field(default_factory=dict)
    records: list[Resource | Check | Artefact] = field(default_factory=list)

    def step(self, step: Any) -> None:
        """Keep what a step names."""
        match step:
            case Ensure():
                self.records.append(step.check)
            case During():
                self.records += [*step.resources, step.until.check]
            case Collect():
                self.records.append(step.artefact)
            case WhenUndone():
                self.records += [ensure.check for ensure in step.then]
            case _ if hasattr(step, "permissions"):
                self.records.append(step)


class WatchedFacts(Facts):
    """Facts that keep what a runbook itself asks; what a fact asks for its answer, its own permissions tell."""

    def __init__(self, api: Api, seen: Seen) -> None:
        super().__init__(api)
        self._seen, self._inside, self._thread = seen, 0, threading.get_ident()

    def __call__(self, fact: Fact[T]) -> T:
        """Return the answer to one fact."""
        with self._told(fact) as keep:
            answer = super().__call__(fact)
            keep(answer)
        return answer

    def together(self, *facts: Fact[Any]) -> tuple[Any, ...]:
        """Ask several facts at the same time."""
        with self._told(*facts) as keep:
            answers = super().together(*facts)
            keep(*answers)
        return answers

    @contextmanager
    def _told(self, *facts: Fact[Any]) -> Iterator[Any]:
        """Keep facts, also when they cannot be answered; those that are asked by others, on the way or in threads, are not."""
        outside = not self._inside and threading.get_ident() == self._thread
        if outside:
            self._seen.facts.update(dict.fromkeys(facts))
        self._inside += outside
        try:
            yield lambda *answers: outside and self._seen.facts.update(zip(facts, answers, strict=True))
        finally:
            self._inside -= outside


def watched(book: Runbook, seen: Seen) -> Runbook:
    """Return the runbook with ears: the engine drives it as always, and it declares what was seen of it so far."""

    def steps(target: Target, *, facts: Facts, **values: Any) -> Steps:
        yield from _heard(book.steps(target, facts=WatchedFacts(facts.api, seen), **values), seen)

    def diagnose(look: Callable[..., Iterator[Finding]], target: Target, *, facts: Facts) -> Iterator[Finding]:
        yield from look(target, facts=WatchedFacts(facts.api, seen))

    def undo(back: Callable[..., Steps], target: Target, *, facts: Facts, made: Any) -> Steps:
        yield from _heard(back(target, facts=WatchedFacts(facts.api, seen), made=made), seen)

    return replace(
        book,
        steps=steps,
        diagnose=book.diagnose and partial(diagnose, book.diagnose),
        undo=book.undo and partial(undo, book.undo),
        declares=lambda *_, **__: seen.records,
    )


def _heard(steps: Steps, seen: Seen) -> Steps:
    for step in steps:
        seen.step(step)
        yield step
