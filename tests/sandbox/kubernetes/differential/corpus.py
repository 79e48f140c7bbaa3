"""All requests of the differential test."""

from __future__ import annotations

from collections.abc import Iterator

from tests.sandbox.kubernetes.differential.asking import Ask
from tests.sandbox.kubernetes.differential.everyday import everyday
from tests.sandbox.kubernetes.differential.odd import odd


def corpus(namespace: str, *, every: bool = True) -> Iterator[Ask]:
    """Yield the requests in their order: every one, or those that the suite has time for."""
    yield from everyday(namespace, every=every)
    yield from odd(namespace)
