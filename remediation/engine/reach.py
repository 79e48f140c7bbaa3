"""What a runbook with its parameters may touch: the resources and checks that its survey has found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from remediation.catalogue.parameters import Parameter
from remediation.catalogue.runbook import Runbook
from remediation.model.changes import Change
from remediation.model.errors import RunbookError
from remediation.model.facts import Facts
from remediation.model.records import identity
from remediation.model.steps import Resource
from remediation.model.targets import Target

if TYPE_CHECKING:
    from remediation.engine.operations import Operation


_MOST_READINGS = 500


class Reach:
    """The resources and checks that a runbook declares."""

    def __init__(self, declared: Iterable[Any]) -> None:
        self._declared = list(declared)

    @classmethod
    def of(cls, books: Iterable[Runbook], target: Target, recorded: dict[str, Any], facts: Facts) -> Reach:
        """Ask runbooks what they touch with these parameters; what that takes to know of the target is read."""
        declared = [
            item
            for book in books
            for values in _readings(book.parameters, recorded)
            for item in book.needs(target, facts=facts, **values)
        ]
        return cls(declared)

    def problem(self, operation: Operation) -> str:
        """Return why an operation cannot come from this runbook, empty when it can."""
        match operation.kind:
            case "change" if operation.resource is not None and operation.change is not None:
                return self._problem(operation.resource, operation.change)
            case "restore" | "undo":
                return "" if operation.resource is None else self._unknown(operation.resource)
            case "ensure" if operation.ensure is not None:
                return self._unknown(operation.ensure.check)
            case "collect" if operation.collect is not None:
                return self._unknown(operation.collect.artefact)
        return f"it holds a {operation.kind} of nothing"

    def require(self, operations: Sequence[Operation]) -> None:
        """Raise AssertionError when a runbook plans what it does not declare: its run could never be undone."""
        for problem in filter(None, map(self.problem, operations)):
            raise AssertionError(f"{problem}; a scenario has to show what a runbook plans")

    def strange_programs(self, operation: Operation) -> str:
        """Return what an operation would make the target run that the runbook does not, empty when there is nothing."""
        resource = operation.resource
        if resource is None or operation.kind != "change":
            return ""
        known = {name for item in self._like(resource) for name in item.programs}
        return ", ".join(sorted(set(resource.programs) - known))

    def _unknown(self, recorded: Any) -> str:
        known = self._like(recorded) or self._like(getattr(recorded, "about", None))
        return "" if known else f"{_shown(recorded)} is nothing that it touches with these parameters"

    def _problem(self, resource: Resource, change: Change) -> str:
        known = [item for item in self._like(resource) if set(resource.permissions) <= set(item.permissions)]
        if not known:
            return self._unknown(resource) or f"it has no such rights on {resource.address}"
        if change.address != resource.address:
            return f"{resource.address} is called {change.address} there"
        if change.after is None:
            return f"it never removes {resource.address}"
        outside = min((item.foreign(change) for item in known), key=len)
        return f"it never changes {outside[0]} of {resource.address}" if outside else ""

    def _like(self, recorded: Any) -> list[Any]:
        return [
            item for item in self._declared if type(item) is type(recorded) and identity(item) == identity(recorded)
        ]


def _readings(parameters: Sequence[Parameter], recorded: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what the recorded parameters can mean: one whose name is not known may be any that has none."""
    strange = [value for name, value in recorded.items() if name not in {item.name for item in parameters}]
    choices = [_meanings(item, recorded, strange) for item in parameters]
    for chosen in islice(product(*choices), _MOST_READINGS):
        values = {item.name: value for item, value in zip(parameters, chosen, strict=True)}
        yield {name: value for name, value in values.items() if value not in (None, ())}


def _meanings(parameter: Parameter, recorded: dict[str, Any], strange: list[Any]) -> list[Any]:
    if parameter.name in recorded:
        return _parsed(parameter, [recorded[parameter.name]]) or [parameter.default]
    return [parameter.default, *_parsed(parameter, strange)]


def _parsed(parameter: Parameter, values: list[Any]) -> list[Any]:
    """Return the values that the parameter takes, as the steps want them."""
    found = []
    for value in values:
        if isinstance(value, list) is parameter.repeatable and isinstance(value, bool) is parameter.flag:
            with suppress(ValueError, TypeError, AttributeError):
                found.append(parameter.value(value))
    return found


def _shown(recorded: Any) -> str:
    """Return the address of a resource that may be made up of anything, or the kind of a check."""
    try:
        return str(recorded.address)
    except (TypeError, ValueError, AttributeError):
        return f"a {type(recorded).__name__}"


def unlike(operation: Operation, wanted: Sequence[Resource]) -> str:
    """Return why an operation that is still to be carried out is not what the runbook wants now, empty when it is.

    Args:
        operation: as it is recorded.
        wanted: what the steps of the runbook yield now. A lasting update that they no longer yield is still finished:
            some steps are wanted only because of the one before.
    """
    resource, change = operation.resource, operation.change
    if resource is None or change is None:
        return ""
    same = [item for item in wanted if type(item) is type(resource) and identity(item) == identity(resource)]
    if same and not any(item.says_the_same(resource) for item in same):
        return f"{change.address} has to become something else by now"
    if not same and (change.temporary or change.action != "update"):
        return f"{change.address} need not be changed any more"
    return "" if _plans(resource, change) else f"{change.address} is recorded with a change that nobody planned"


def _plans(resource: Resource, change: Change) -> bool:
    try:
        return resource.plans(change)
    except (RunbookError, LookupError, TypeError, AttributeError, ValueError):
        return False  # the state before it is none that it could start from
