"""Writes that an API carries out as an operation of its own: submitted in a moment, ended minutes later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from remediation.model.api import Api
from remediation.model.changes import Change, Intent, Written
from remediation.model.errors import Conflict, NotFound, OperationFailed
from remediation.model.steps import ResourceDefaults


@dataclass(frozen=True)
class Underway:
    """An operation that has not ended. ``state`` is the API's word, ``percent`` 0 to 100, None where the API does not say."""

    state: str = ""
    percent: float | None = None


class LongWrites(ResourceDefaults, ABC):
    """A resource whose write is an operation of the API: what it has in place of ``write``. Its undo is one as well.

    The engine records the token before the first request and the handle as soon as there is one, so that the operation is
    found again by any later process.

    Attributes:
        longest: how many seconds one process waits for an operation; it goes on after that, and can be resumed.
    """

    longest: ClassVar[float] = 3600.0

    @abstractmethod
    def submit(self, api: Api, change: Change, run_id: str, token: str) -> str:
        """Begin exactly this change, guarded, and return the name of the operation.

        ``token`` is a UUID that is the same for every repeat of this write: where the API takes one (Compute's ``requestId``),
        it begins one operation for it at most.

        Raises:
            Conflict: the resource is not at ``change.before``; nothing was begun.
            Occupied: another operation runs there; nothing was begun, and it is asked again later.
        """

    @abstractmethod
    def poll(self, api: Api, handle: str) -> Underway | Written:
        """Ask once how far an operation is; when it has ended, return what is there now.

        Raises:
            OperationFailed: it ended with an error, in the words of the API.
            NotFound: the API does not remember it any more.
        """

    @abstractmethod
    def find(self, api: Api, change: Change, token: str, since: float) -> str | None:
        """Return the name of the operation that a lost answer was about, None where nothing was begun.

        ``since`` is what the API's clock said just before it was submitted, in seconds since 1970.
        """

    def left(self, api: Api, change: Change) -> Written | None:
        """Return what an operation that failed, or that nobody remembers, has left of its change; None for nothing.

        Raises:
            Conflict: what is there now is neither from before nor from the change.
        """
        seen = self.look(api)
        return self.ours(change, Written(seen.state, seen.identity)) if self.drifted(change, seen) else None

    def ours(self, change: Change, written: Written) -> Written:
        """Return what an operation has left; raises Conflict where somebody else has written there since."""
        if others := change.mixed(written.after):
            raise Conflict(f"{change.address} was changed by somebody else at {', '.join(others)}")
        return written

    def write(self, api: Api, change: Change, run_id: str, identity: str = "") -> Written:
        """Refuse: the engine submits it, for only so is it found again."""
        raise AssertionError(f"{change.address} is written by an operation")

    def settle(self, api: Api, change: Change, run_id: str, intent: Intent) -> Written | None:
        """Return what an operation has left that has ended, None where there is none, or where it has not ended yet."""
        del run_id
        handle = intent.handle or self.find(api, change, intent.token, intent.server_time)
        if handle is None:
            return None
        try:
            told = self.poll(api, handle)
        except (OperationFailed, NotFound):
            return self.left(api, change)
        return self.ours(change, told) if isinstance(told, Written) else None
