"""Every error this product raises on purpose, as one tree.

::

    RunbookError                 exit 1   failed
    ├── UsageProblem             exit 2   refused            an option or a file is not acceptable
    ├── Refused                  exit 3   refused            the world is not as the runbook needs it; nothing changed
    │   ├── StalePlan                                        the world moved after the plan
    │   ├── Locked                                           another run holds the target
    │   ├── LeftBehind                                       another run has made what this one would make
    │   ├── Unreadable                                       a run was recorded in a way this version does not know
    │   └── MissingPermission                                the caller may not do what the plan needs
    ├── NotApplicable            exit 0   not_applicable     this target does not have what the runbook fixes
    ├── ApiError                 exit 4   failed             an API did not do what was asked
    │   ├── Unauthorized         exit 3   refused            401
    │   ├── Forbidden            exit 3   refused            403
    │   ├── Invalid              exit 3   refused            400 or 422: the content is rejected
    │   ├── NotFound                                         404
    │   ├── Expired                                          410: a version or a page is too old
    │   ├── Conflict                                         409 or 412: somebody was faster
    │   ├── Throttled                                        429: the request was not looked at
    │   ├── Occupied             exit 3   refused            something else is going on there, and ends by itself
    │   │   └── BudgetSpent                                  a disruption budget allows no eviction now
    │   ├── OperationFailed      exit 3   refused            an operation ended with an error
    │   └── Ambiguous                                        a write may or may not have happened
    │       └── Unavailable                                  no usable answer: connection, 5xx, garbage
    ├── Unhealthy                exit 5   unhealthy          applied, but the proof failed
    │   └── Unproven             exit 5   unknown            applied, and nobody could tell whether it helped
    ├── RollbackRefused          exit 6   rollback_refused   the run is not undone
    │   ├── Drifted                                          somebody changed what the run had changed
    │   ├── Lingering                                        it is marked for deletion, and kept by somebody's finalizer
    │   └── Irreversible                                     it changed what cannot be put back
    ├── Interrupted              exit 1   failed             stopped half-way; the run can be resumed
    │   ├── Stopped                                          somebody asked for its end
    │   └── LockLost                                         another run may be at work: nothing is written any more
    ├── Tampered                 exit 1   failed             the journal does not hash to what it says
    └── StoreProblem             exit 1   failed             the journal cannot be read or written

Each says what happened (``summary``), why (``detail``) and the next command to type (``next``).
Anything else that escapes is a bug and is shown as one.
"""

from typing import ClassVar

from remediation.model.commands import Hint, Hints, hints
from remediation.model.limits import message


class RunbookError(Exception):
    """Base of all errors with a sentence for the person on call."""

    exit_code: ClassVar[int] = 1
    status: ClassVar[str] = "failed"

    def __init__(self, summary: str, detail: str = "", next: Hint | Hints = ()) -> None:  # noqa: A002 - the JSON key is `next`
        super().__init__(summary)
        self.summary, self.detail, self.next = message(summary), message(detail), hints(next)


class UsageProblem(RunbookError):
    """An option, parameter, configuration key or input file is not acceptable."""

    exit_code, status = 2, "refused"


class Refused(RunbookError):
    """The runbook will not act here; nothing was changed."""

    exit_code, status = 3, "refused"


class StalePlan(Refused):
    """The target is no longer what the plan was made from."""


class Locked(Refused):
    """Another run holds the lock of this target."""


class Unreadable(Refused):
    """A run, or one record of it, says less or other than this version can work with."""


class LeftBehind(Refused):
    """What a run would make is there already, from another run; ``run_id`` says from which, empty where nothing does."""

    run_id: str = ""


class MissingPermission(Refused):
    """The caller lacks permissions that the plan needs."""


class NotApplicable(RunbookError):
    """The target does not have the thing that the runbook repairs."""

    exit_code, status = 0, "not_applicable"


class ApiError(RunbookError):
    """An API answered with an error. ``code`` is the HTTP status, 0 when there was no answer.

    ``since`` is when the repeated request was first asked to wait, on the monotonic clock; 0 while nobody has repeated it.
    """

    exit_code = 4
    since: float = 0.0

    def __init__(
        self,
        summary: str,
        detail: str = "",
        next: Hint | Hints = (),  # noqa: A002 - the JSON key is `next`
        code: int = 0,
        retry_after: float = 0,
    ) -> None:
        super().__init__(summary, detail, next)
        self.code, self.retry_after = code, retry_after


class Unauthorized(ApiError):
    """401: the credentials were not accepted."""

    exit_code, status = 3, "refused"


class Forbidden(ApiError):
    """403: the identity is known and may not do this."""

    exit_code, status = 3, "refused"


class NotFound(ApiError):
    """404: the object does not exist."""


class Expired(ApiError):
    """410: the server no longer has the version or the page that was asked for; asked from the beginning, it answers."""


class Conflict(ApiError):
    """409 or 412, or a failed ``test`` of a JSON patch: somebody was faster."""


class Invalid(ApiError):
    """400 or 422: the server understood and rejects the content."""

    exit_code, status = 3, "refused"


class Throttled(ApiError):
    """429: the server did not look at the request; ``retry_after`` seconds were asked for."""


class Occupied(ApiError):
    """The API carries out something else there, and takes the request when that has ended. Nothing was begun."""

    exit_code, status = 3, "refused"


class BudgetSpent(Occupied):
    """A disruption budget allows no eviction before another of its pods is ready; no throttling, whatever the number says."""


class OperationFailed(ApiError):
    """An operation was begun and ended with an error; the summary is the API's own reason. It is not repeated."""

    exit_code, status = 3, "refused"


class Ambiguous(ApiError):
    """A write may or may not have taken effect; only reading tells."""


class Unavailable(Ambiguous):
    """No usable answer: connection refused or reset, time-out, 5xx, or not the expected protocol."""


class Unhealthy(RunbookError):
    """The change is in place, but the symptom is not proven gone."""

    exit_code, status = 5, "unhealthy"


class Unproven(Unhealthy):
    """The change is in place, and a check that has to pass could not be answered. That is no reason to undo it."""

    status = "unknown"


class RollbackRefused(RunbookError):
    """Undoing the run would do harm, or is not possible."""

    exit_code, status = 6, "rollback_refused"


class Drifted(RollbackRefused):
    """Somebody else has changed the same field since; undoing would overwrite their work."""


class Lingering(RollbackRefused):
    """What the run had made is marked for deletion and still there: a finalizer keeps it. Undoing can go on later."""


class Irreversible(RollbackRefused):
    """A change of the run is in place and cannot be put back, so the others stay too: all of the plan, or none of it."""


class Interrupted(RunbookError):
    """The run stopped half-way on purpose and can be resumed."""


class Stopped(Interrupted):
    """Somebody asked for an end, and nothing further is begun."""


class LockLost(Interrupted):
    """The run may not write any more: its lock is gone, somebody else's, or could not be renewed in time."""


class Tampered(RunbookError):
    """An entry of the journal was changed, added or taken away after it was written."""


class StoreProblem(RunbookError):
    """The journal cannot be opened, read or written: locked, full, damaged or gone."""
