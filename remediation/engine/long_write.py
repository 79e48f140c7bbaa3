"""Writes that an API carries out as an operation: submitted once, found again by any later process, waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, repeat
from uuid import uuid4

from tenacity import Retrying

from remediation.engine.asking import Observer
from remediation.engine.run import Run
from remediation.model.api import Api
from remediation.model.changes import Change, Intent, Written
from remediation.model.commands import command
from remediation.model.errors import Ambiguous, Interrupted, NotFound, OperationFailed, Throttled
from remediation.model.long_writes import LongWrites

_ATTEMPTS = 6
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0


def patiently(api: Api) -> Retrying:
    """Return the retry loop for requests whose fate can be established: throttled ones, and ambiguous ones after a look."""
    loop: Retrying = api.patience.retrying(Throttled, Ambiguous, attempts=_ATTEMPTS)
    return loop


def pauses() -> Iterator[float]:
    """Yield how many seconds to wait before each look: short ones first, for most waits are short."""
    return accumulate(repeat(1.5), lambda pause, factor: min(pause * factor, _LONGEST_PAUSE), initial=_FIRST_PAUSE)


@dataclass(frozen=True)
class LongWrite:
    """The change of one operation of a run, or its undo, that the API carries out as an operation of its own."""

    run: Run
    api: Api
    index: int
    resource: LongWrites
    change: Change
    undoing: bool = False

    @property
    def _intent(self) -> Intent:
        intents = self.run.undo_intents if self.undoing else self.run.intents
        return intents.get(self.index, Intent())

    @property
    def token(self) -> str:
        """The token of the write that was begun and may have been submitted; a new one where none was."""
        begun = self.run.progress_of(self.index) == ("undoing" if self.undoing else "intended")
        return (begun and self._intent.token) or str(uuid4())

    def find(self) -> str:
        """Return the name of the operation that was submitted, empty where there is none. Only reads."""
        known = self._intent
        if known.handle or not known.token:
            return known.handle
        asked = (self.api, self.change, known.token, known.server_time)
        return patiently(self.api)(self.resource.find, *asked) or ""

    def runs(self) -> bool:
        """Tell whether an operation was submitted and has not ended. Only reads."""
        try:
            return bool(name := self.find()) and not isinstance(self.resource.poll(self.api, name), Written)
        except (OperationFailed, NotFound):
            return False

    def submit(self) -> str:
        """Submit the write and return the name of the operation."""
        return self.resource.submit(self.api, self.change, self.run.id, self._intent.token)

    def landed(self, observer: Observer) -> Written | None:
        """Wait for the operation that was submitted and return what it left, None where there was none."""
        name = self.find()
        return self.follow(name, observer) if name else None

    def follow(self, name: str, observer: Observer) -> Written:
        """Record which operation it is, wait until it has ended, and return what it left.

        Raises:
            OperationFailed: it ended with an error.
            Conflict: it ended well, and somebody else has written there since.
            Interrupted: it takes longer than one process waits; a resume finds it again.
        """
        if self._intent.handle != name:
            self.run.submitted(self.index, name)
        started = time.monotonic()
        for pause in pauses():
            self.api.still_locked()
            try:
                told = patiently(self.api)(self.resource.poll, self.api, name)
            except NotFound as problem:
                return self._forgotten(name, problem)
            if isinstance(told, Written):
                return self.resource.ours(self.change, told)
            waited = time.monotonic() - started
            observer.underway(self.change, told, waited)
            if waited >= self.resource.longest:
                break
            self.api.stop.wait(pause)
        raise Interrupted(
            f"{name} has not ended after {waited:.0f} s", "it goes on", command("runbook", "resume", self.run.id)
        )

    def _forgotten(self, name: str, problem: NotFound) -> Written:
        """Judge an operation that the API does not remember by what it has left."""
        left = self.resource.left(self.api, self.change)
        if left is None or not self.change.landed(left.after):
            raise OperationFailed(
                f"{name} is not known any more, and the change is not in place", problem.summary
            ) from problem
        return left
