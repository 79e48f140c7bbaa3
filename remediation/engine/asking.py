"""Ask checks, and wait until they pass."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from remediation.model.api import Api
from remediation.model.changes import Change
from remediation.model.diffing import State
from remediation.model.errors import ApiError, Forbidden, Refused
from remediation.model.long_writes import Underway
from remediation.model.steps import Ensure, Verdict

_POLL_SECONDS = 2.0
# What a check is given for its first question, however short it may wait.
_LEAST_SECONDS = 15.0
# Who waits is told so often; what they are told may take requests of its own, which a short wait is spared.
_TELL_SECONDS = 1.0


class Observer(Protocol):
    """What is told about progress; the command line draws it."""

    def changing(self, change: Change) -> None:
        """A change is about to be made or undone."""

    def waiting(self, ensure: Ensure, verdict: Verdict, seconds: float) -> None:
        """A check is not passed yet after ``seconds``."""

    def answered(self, ensure: Ensure, verdict: Verdict) -> None:
        """A check has its final answer."""

    def underway(self, change: Change, operation: Underway, seconds: float) -> None:
        """The operation of a change has not ended after ``seconds``."""

    def held_up(self, who: str, seconds: float, limit: float) -> None:
        """A lock has been waited for so long, and will be for ``limit`` seconds at most."""


def wait_for(ensure: Ensure, api: Api, observer: Observer) -> Verdict:
    """Ask a check until it passes or its time is over; returns the last answer."""
    with api.patience.limited(max(ensure.within, _LEAST_SECONDS)):
        verdict = ask(ensure, api)
        if verdict.status != "ok" and not verdict.final and ensure.within > 0:
            verdict = _watched(ensure, api, observer, verdict)
        verdict = explained(ensure, api, verdict)
    observer.answered(ensure, verdict)
    return verdict


def _watched(ensure: Ensure, api: Api, observer: Observer, verdict: Verdict) -> Verdict:
    started = told = time.monotonic()
    for _ in _moments(ensure, api, started + ensure.within):
        api.still_locked()
        verdict = ask(ensure, api)
        if verdict.status == "ok" or verdict.final:
            break
        if time.monotonic() - told >= _TELL_SECONDS:
            told = time.monotonic()
            observer.waiting(ensure, explained(ensure, api, verdict), told - started)
    return verdict


def _moments(ensure: Ensure, api: Api, deadline: float) -> Iterator[None]:
    """Yield when the answer may have changed; where that cannot be told, the check is asked again and again."""
    try:
        yield from ensure.check.moments(api, ensure.within)
    except (ApiError, Refused):
        while (left := deadline - time.monotonic()) > 0:
            api.stop.wait(min(_POLL_SECONDS, left))
            yield None


def ask(ensure: Ensure, api: Api) -> Verdict:
    """Ask a check once. What the API makes of the question is no answer: unknown, never healthy and never failing.

    A permission does not come by waiting, so a forbidden question has its final answer.
    """
    try:
        return ensure.check.ask(api)
    except Forbidden as problem:
        return Verdict("unknown", problem.summary, final=True)
    except (ApiError, Refused) as problem:
        return Verdict("unknown", problem.summary)


def explained(ensure: Ensure, api: Api, verdict: Verdict) -> Verdict:
    """Return a failing answer with what a person wants to know; where that cannot be had, as it is."""
    if verdict.status != "failing":
        return verdict
    with suppress(ApiError, Refused):
        return ensure.check.explained(api, verdict)
    return verdict


def result(ensure: Ensure, verdict: Verdict) -> State:
    """Return the line of ``verify.checks`` for one answered check."""
    return {
        "check": ensure.check.description,
        "status": verdict.status,
        "detail": verdict.detail,
        "required": ensure.check.required,
    }
