"""What can go wrong with a request to either API, and when."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from remediation.testing.worlds import EmulatedWorld
from runbook_sandbox.google import Fault as CloudFault
from runbook_sandbox.kubernetes import Fault, Response

# The kind of fault that the request with this number meets; nothing when it is empty.
Choose = Callable[[int], str]


def answer(code: int, reason: str, **headers: str) -> Fault:
    """Return a Status of the Kubernetes API instead of an effect."""
    about = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    status = about | {"message": f"injected {reason}", "reason": reason, "code": code}
    return Fault(answer=Response(code, status, headers=headers))


FAULTS = {
    "409": answer(409, "Conflict"),
    "422": answer(422, "Invalid"),
    "429": answer(429, "TooManyRequests", **{"Retry-After": "1"}),
    "500": answer(500, "InternalError"),
    "503": answer(503, "ServiceUnavailable"),
    "401": answer(401, "Unauthorized"),
    "reset before": Fault(close="before"),
    "reset after": Fault(close="after"),
    "slow": Fault(delay=0.3),
}
# After which a cluster's run goes on as if nothing had been.
HEALS = {"401", "429", "500", "503", "reset before", "reset after", "slow"}
# Google says for each of these that the request had no effect, or closes the connection.
CLOUD = {
    "409": CloudFault(code=409),
    "422": CloudFault(code=400),
    "429": CloudFault(code=429),
    "500": CloudFault(code=500),
    "503": CloudFault(code=503),
    "401": CloudFault(code=401),
    "reset before": CloudFault(close="before"),
    "reset after": CloudFault(close="after"),
    "slow": CloudFault(delay=0.3),
}
# The second fault comes at once, where the first is being repaired, or later.
_GAPS = (1, 2, 5)


class Faults:
    """Count the requests to both APIs together, and decide by their number what goes wrong with each.

    Attributes:
        count: how many requests there were.
        met: how many of them failed.
        clouded: how many of these were for the cloud.
    """

    def __init__(self, world: EmulatedWorld, choose: Choose = lambda _: "") -> None:
        self.world, self.choose = world, choose
        self.count, self.met, self.clouded = 0, 0, 0
        self._guard = threading.Lock()

    def _next(self, *, cloud: bool) -> str:
        with self._guard:
            kind = self.choose(self.count)
            self.count += 1
            self.met += bool(kind)
            self.clouded += bool(kind) and cloud
        return kind

    def __enter__(self) -> Faults:
        self.world.cluster.faults = lambda *_: FAULTS.get(self._next(cloud=False))
        self.world.cloud.faults = lambda *_: CLOUD.get(self._next(cloud=True))
        return self

    def __exit__(self, *_: object) -> None:
        self.world.cluster.faults = self.world.cloud.faults = None


def at(*planned: tuple[int, str]) -> Choose:
    """Let each of these faults happen to one request."""
    kinds = dict(planned)
    return lambda number: kinds.get(number, "")


def storm(kind: str, first: int, *, requests: int = 0, seconds: float = 0.0) -> Choose:
    """Let so many requests fail from one on, or all of them for so many seconds."""
    begun: list[float] = []

    def choose(number: int) -> str:
        if number < first:
            return ""
        begun.append(time.monotonic())
        raging = number < first + requests if requests else begun[-1] - begun[0] < seconds
        return kind if raging else ""

    return choose


def pairs(requests: int) -> list[tuple[tuple[int, str], tuple[int, str]]]:
    """Return pairs of faults, in an order that is always the same and spreads over kinds and requests."""
    starts, kinds = range(requests), list(itertools.product(FAULTS, FAULTS))
    found = [
        ((number, first), (number + gap, second))
        for number, (first, second), gap in itertools.product(starts, kinds, _GAPS)
    ]
    random.Random(requests).shuffle(found)  # noqa: S311 - an order, no secret
    return found


def sampled(items: Sequence[Any], most: int, salt: str = "") -> list[Any]:
    """Return at most so many items, evenly spread and the same ones each time; another salt begins elsewhere."""
    if len(items) <= most:
        return list(items)
    stride = len(items) / most
    offset = sum(map(ord, salt)) % max(1, int(stride))
    return [items[min(int(number * stride) + offset, len(items) - 1)] for number in range(most)]
