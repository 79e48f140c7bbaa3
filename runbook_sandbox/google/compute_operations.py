"""Compute Engine's operations: begun by a request, pending, running, and done some time later.

Source: https://cloud.google.com/compute/docs/reference/rest/v1/regionOperations and, for request ids,
https://cloud.google.com/compute/docs/regions-zones/request-ids
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from runbook_sandbox.google.faults import GoogleError

Json = dict[str, Any]
# Of the time that an operation takes it is first pending, then running.
_PENDING = 0.2


class ComputeError(GoogleError):
    """An answer of Compute Engine with an error status: ``word`` is its reason, ``resourceNotReady``."""

    def __init__(self, code: int, message: str, word: str, **more: str) -> None:
        super().__init__(code, message, **more)
        self.word = word

    def as_json(self) -> Json:
        """Return the body that Compute Engine sends: it has a list of errors, and a status only where others have one too."""
        body: Json = super().as_json()
        if not self.reason:
            del body["error"]["status"]
        body["error"]["errors"] = [{"message": self.message, "domain": "global", "reason": self.word}]
        return body


@dataclass
class Operation:
    """One operation; ``target`` is the path below the project of what it changes, ``fields`` what it sets there."""

    name: str
    kind: str
    target: str
    fields: Json
    user: str
    request: str = ""
    begun: float = 0.0
    seconds: float = 0.0
    error: Json = field(default_factory=dict)
    settled: bool = False

    @property
    def region(self) -> str:
        """Where it is."""
        return self.target.split("/")[1]

    def status(self, now: float) -> str:
        """Return ``PENDING``, ``RUNNING`` or ``DONE``."""
        gone = now - self.begun
        if gone >= self.seconds:
            return "DONE"
        return "PENDING" if gone < self.seconds * _PENDING else "RUNNING"

    def as_json(self, base: str, now: float) -> Json:
        """Return the operation as it is shown."""
        status = self.status(now)
        shown: Json = {
            "kind": "compute#operation",
            "id": str(_number(self.name)),
            "name": self.name,
            "operationType": self.kind,
            "targetLink": f"{base}/{self.target}",
            "targetId": str(_number(f"{base}/{self.target}")),
            "status": status,
            "user": self.user.partition(":")[2],
            "progress": self._progress(now),
            "insertTime": _written(self.begun),
            "region": f"{base}/regions/{self.region}",
            "selfLink": f"{base}/regions/{self.region}/operations/{self.name}",
        }
        shown |= {"clientOperationId": self.request} if self.request else {}
        shown |= {"startTime": _written(self.begun + self.seconds * _PENDING)} if status != "PENDING" else {}
        return shown | (self._end() if status == "DONE" else {})

    def _progress(self, now: float) -> int:
        return 100 if now - self.begun >= self.seconds else int(100 * (now - self.begun) / self.seconds)

    def _end(self) -> Json:
        end: Json = {"endTime": _written(self.begun + self.seconds)}
        if self.error:
            end |= {"error": {"errors": [self.error]}, "httpErrorStatusCode": 400, "httpErrorMessage": "BAD REQUEST"}
        return end


class Operations:
    """The operations of one project.

    Attributes:
        seconds: how long those take that are begun from now on.
        error: how they end, ``code`` and ``message``; well when empty.
    """

    def __init__(self, base: str, effect: Callable[[str, Json], None]) -> None:
        self.seconds, self.error = 0.0, dict[str, Any]()
        self._base, self._effect = base, effect
        self._known: list[Operation] = []

    def begin(self, kind: str, target: str, fields: Json, user: str, request: str = "") -> Json:
        """Begin an operation, or return the one that this request id has begun; raises ComputeError when another one runs."""
        self.settle()
        same = next((each for each in self._known if request and each.request == request), None)
        if same is None:
            if any(each.target == target and not each.settled for each in self._known):
                place = f"{self._base.partition('/v1/')[2]}/{target}"
                raise ComputeError(400, f"The resource '{place}' is not ready", "resourceNotReady")
            same = Operation(self._name(), kind, target, fields, user, request, time.time(), self.seconds, self.error)
            self._known.append(same)
        self.settle()
        return same.as_json(self._base, time.time())

    def _name(self) -> str:
        digest = hashlib.sha256(f"{self._base}{len(self._known)}".encode()).hexdigest()
        return f"operation-{time.time_ns() // 1_000_000}-{digest[:13]}-{digest[13:21]}-{digest[21:29]}"

    def settle(self) -> None:
        """Let everything take effect that has ended by now."""
        for each in self._known:
            if not each.settled and each.status(time.time()) == "DONE":
                each.settled = True
                if not each.error:
                    self._effect(each.target, each.fields)

    def get(self, region: str, name: str) -> Json | None:
        """Return one operation."""
        found = (each for each in self.list(region) if each["name"] == name)
        return next(found, None)

    def list(self, region: str) -> list[Json]:
        """Return the operations of a region, the newest first."""
        return [shown for where, shown in self.everywhere() if where == region]

    def everywhere(self) -> Sequence[tuple[str, Json]]:
        """Return the operations of all regions, each with its region, the newest first."""
        self.settle()
        now = time.time()
        return [(each.region, each.as_json(self._base, now)) for each in reversed(self._known)]

    def dump(self) -> Json:
        """Return them as JSON."""
        return {"seconds": self.seconds, "error": self.error, "known": [asdict(each) for each in self._known]}

    def load(self, kept: Json) -> None:
        """Take over what `dump` returned."""
        self.seconds, self.error = kept["seconds"], kept["error"]
        self._known = [Operation(**each) for each in kept["known"]]


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def _written(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")
