"""The clock of Google's APIs, as their answers tell it: in the Date header, or in the metadata of a gRPC answer."""

from __future__ import annotations

import time
from typing import Any

from remediation.access import headers


class Clock:
    """How far Google's clock is from ours; until an answer has told it, ours is taken."""

    def __init__(self) -> None:
        self._offset = 0.0

    def now(self) -> float:
        """Return Google's clock in seconds since 1970, as of its last answer."""
        return time.time() + self._offset

    def heard(self, date: str | None) -> None:
        """Take note of the date of an answer; one that cannot be read tells nothing."""
        told = headers.date({"Date": date or ""})
        if told is not None:
            self._offset = told - time.time()

    def of_rest(self, answer: Any, **_: Any) -> None:
        """Listen to a ``requests`` answer, as one of a session's hooks."""
        self.heard(answer.headers.get("Date"))

    def of_grpc(self, channel: Any, token: str = "") -> Any:
        """Return a gRPC channel whose answers are listened to; a token goes with each call where the channel has none."""
        import grpc  # noqa: PLC0415 - only keys are made over gRPC

        clock = self

        class _Listening(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc is untyped
            def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
                call = continuation(_with_token(details, token) if token else details, request)
                clock.heard(dict(call.initial_metadata() or ()).get("date"))
                return call

        return grpc.intercept_channel(channel, _Listening())


def _with_token(details: Any, token: str) -> Any:
    """Return the details of a call that says who calls: gRPC sends no credentials over a channel without TLS by itself."""
    return details._replace(metadata=[*(details.metadata or ()), ("authorization", f"Bearer {token}")])
