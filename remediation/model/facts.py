"""Facts: typed, cached, read-only questions to a cluster or a cloud."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

from remediation.model.api import Api
from remediation.model.rights import Permission

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Fact(Protocol, Generic[T_co]):
    """One question. Implementations are frozen dataclasses: equal questions are asked once."""

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Every right that asking takes."""

    def ask(self, facts: Facts) -> T_co:
        """Answer, from ``facts.api`` or from other facts."""


class Facts:
    """Ask facts once each; several at a time are asked concurrently."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._known: dict[Any, Any] = {}

    def __call__(self, fact: Fact[T]) -> T:
        """Return the answer to one fact; raises what the API raises."""
        if fact not in self._known:
            self._known[fact] = fact.ask(self)
        answer: T = self._known[fact]
        return answer

    def together(self, *facts: Fact[Any]) -> tuple[Any, ...]:
        """Ask several independent facts at the same time and return their answers in order."""
        missing = [fact for fact in facts if fact not in self._known]
        if len(missing) > 1:
            with ThreadPoolExecutor(len(missing)) as pool:
                self._known.update(zip(missing, pool.map(lambda fact: fact.ask(self), missing), strict=True))
        return tuple(self(fact) for fact in facts)
