"""All requests of the differential test."""

from __future__ import annotations

from collections.abc import Iterator

from tests.sandbox.kubernetes.differential.asking import Ask
from tests.sandbox.kubernetes.differential.everyday import everyday


def corpus(namespace: str) -> Iterator[Ask]:
    """Yield all requests in their order."""
    yield from everyday(namespace)
