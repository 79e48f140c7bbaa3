"""Functions of a row are called with what they name: the target, the facts, a situation, values of parameters."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Generator, Iterator
from typing import Any

from remediation.catalogue.parameters import Parameter
from remediation.model.facts import Facts
from remediation.model.targets import Target

_GIVEN = ("target", "facts", "made")


class Asking:
    """Steps, a diagnosis or an undo, called with ``target``, ``facts`` and values by name; what it does not name it does not get.

    Raises:
        TypeError: an annotation is not understood.
    """

    def __init__(self, function: Callable[..., Iterator[Any]]) -> None:
        functools.update_wrapper(self, function)
        self._function, self._names = function, inspect.signature(function).parameters
        self._hints = typing.get_type_hints(function, include_extras=True)

    def __call__(self, target: Target, facts: Facts, **values: Any) -> Generator[Any, None, None]:
        """Yield what the function yields; nothing is looked at before the first is taken."""
        yield from self._function(**self._arguments({"target": target, "facts": facts} | values))

    def _arguments(self, known: dict[str, Any]) -> dict[str, Any]:
        looks = {name: look(**_named(look, known)) for name, look in self._looks.items()}
        return _named(self._function, known) | looks

    @functools.cached_property
    def _looks(self) -> dict[str, Callable[..., Any]]:
        """How each situation that the function names is looked at."""
        found = {name: getattr(self._hints.get(name), "look", None) for name in self._names}
        return {name: look for name, look in found.items() if look}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a person gives."""
        own = [name for name in self._names if name not in (*_GIVEN, *self._looks)]
        try:
            return tuple(Parameter.of(self._names[name], self._hints.get(name)) for name in own)
        except TypeError as problem:
            raise TypeError(f"{self._function.__name__}: {problem}") from None

    @property
    def target(self) -> type[Target]:
        """The class of its target, told by the function or by a situation; raises TypeError where nothing tells it."""
        hints = [self._hints, *map(typing.get_type_hints, self._looks.values())]
        if found := [hint["target"] for hint in hints if "target" in hint]:
            return typing.cast("type[Target]", found[0])
        raise TypeError(
            f"{self._function.__name__}: nothing says what its target is; allowed is target: Cluster or Project"
        )


def _named(function: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return what of the known values the function names."""
    return {name: known[name] for name in inspect.signature(function).parameters if name in known}
