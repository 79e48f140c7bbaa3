"""The registry of runbooks: what the decorator knows, found without importing any cloud SDK."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from remediation.model.rights import Permission
from remediation.model.status import Risk
from remediation.model.steps import Finding, Steps
from remediation.model.targets import Target

Parse = Callable[[str], Any]


@dataclass(frozen=True)
class Option:
    """How a runbook parameter looks on the command line; used inside ``Annotated``.

    ``parse`` turns the text into the value and raises ValueError with one sentence that says what is allowed.
    """

    metavar: str
    help: str
    parse: Parse = str
    name: str = ""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a runbook, read from its signature."""

    name: str
    option: Option
    repeatable: bool
    flag: bool
    required: bool
    default: Any

    @property
    def flag_name(self) -> str:
        """The command-line option, ``--service-account``."""
        return "--" + (self.option.name or self.name.replace("_", "-"))

    def value(self, recorded: Any) -> Any:
        """Return the value that a JSON value stands for."""
        if self.repeatable:
            return tuple(self.option.parse(text) for text in recorded or ())
        return self.option.parse(recorded) if isinstance(recorded, str) else recorded

    @property
    def usage(self) -> str:
        """What a person types: ``--masquerade CIDR``, or both ways to say it for a flag that is on by default."""
        both = f"/--no-{self.flag_name[2:]}" if self.flag and self.default else ""
        return f"{self.flag_name}{both} {self.option.metavar}".strip()

    @property
    def need(self) -> str:
        """Whether and how often it is given, and what holds when it is not."""
        if self.required:
            return "required"
        if self.repeatable or self.default in (None, False):
            return "repeatable" if self.repeatable else "optional"
        return "on unless told otherwise" if self.flag else f"{self.default} unless given"

    def as_json(self) -> dict[str, Any]:
        """Return what ``runbook list -o json`` says of it."""
        return {
            "name": self.name,
            "option": self.flag_name,
            "metavar": self.option.metavar,
            "help": self.option.help,
            "required": self.required,
            "repeatable": self.repeatable,
            "flag": self.flag,
            "default": list(self.default) if isinstance(self.default, tuple) else self.default,
        }


class _Needs(typing.Protocol):
    @property
    def permissions(self) -> tuple[Permission, ...]: ...


@dataclass(frozen=True)
class Runbook:
    """One catalogue entry: the steps function, its diagnosis and what the decorator said."""

    name: str
    id: str
    risk: Risk
    source: str
    example: str
    steps: Callable[..., Steps]
    parameters: tuple[Parameter, ...]
    target: type[Target]
    needs: Callable[..., Sequence[_Needs]]
    covers: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    diagnose: Callable[..., Iterator[Finding]] | None = None
    undo: Callable[..., Steps] | None = None
    formerly: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    @property
    def cls(self) -> str:
        """The class of the catalogue row: every runbook here has an apply step."""
        return "FIX"

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.steps) or "").split("\n", 1)[0]

    @property
    def description(self) -> str:
        """The docstring without its first line."""
        return (inspect.getdoc(self.steps) or "").partition("\n")[2].strip()

    def permissions(self, target: Target, parameters: dict[str, Any]) -> list[Permission]:
        """Return every right that any verb of the runbook takes with these parameters."""
        return sorted({right for item in self.needs(target, **parameters) for right in item.permissions})

    def scopes(self, target: Target, parameters: dict[str, Any]) -> list[str]:
        """Return the lock scopes of everything that the runbook writes with these parameters."""
        found = {getattr(item, "scope", "") for item in self.needs(target, **parameters)}
        return sorted(found - {""})

    def values(self, recorded: dict[str, Any]) -> dict[str, Any]:
        """Return parameter values as the steps want them, from those of a journal or a plan file."""
        return {item.name: item.value(recorded.get(item.name, item.default)) for item in self.parameters}

    def as_json(self) -> dict[str, Any]:
        """Return the catalogue entry as ``runbook list -o json`` prints it."""
        return {
            "name": self.name,
            "id": self.id,
            "class": self.cls,
            "risk": str(self.risk),
            "summary": self.summary,
            "covers": list(self.covers),
            "alerts": list(self.alerts),
            "source": self.source,
            "example": self.example,
            "parameters": [parameter.as_json() for parameter in self.parameters],
        }


def runbook(
    id: str,  # noqa: A002 - reads well at the one place it is used
    *,
    risk: Risk,
    source: str,
    example: str,
    needs: Callable[..., Sequence[Any]],
    covers: Sequence[str] = (),
    alerts: Sequence[str] = (),
    diagnose: Callable[..., Iterator[Finding]] | None = None,
    undo: Callable[..., Steps] | None = None,
    formerly: Sequence[str] = (),
    one_of: Sequence[str] = (),
) -> Callable[[Callable[..., Steps]], Runbook]:
    """Make a generator function a runbook of the catalogue.

    Args:
        id: the catalogue row, ``NET-02``.
        risk: what a run can break.
        source: the public page that documents the fix.
        example: parameters as one types them, for the help.
        needs: called like the runbook, facts or none; returns what it asks and touches, for rights and records alike.
        covers: every row the runbook covers, when more than one.
        alerts: alert names that this fixes.
        diagnose: called with ``target, facts``; yields findings.
        undo: called with ``target, facts`` and ``made``, what the run has made by address; yields the steps to take on
            rollback for effects that no API object shows. It knows no parameters: those may have other names by then.
        formerly: names that it had before, under which it is still found.
        one_of: parameters of which one is given, told together with what else is missing.
    """
    shown = (tuple(covers) or (id,), tuple(alerts))

    def register(function: Callable[..., Steps]) -> Runbook:
        parameters, target = _signature(function)
        name, said = function.__name__.replace("_", "-"), (id, risk, source, example)
        return Runbook(
            name, *said, function, parameters, target, needs, *shown, diagnose, undo, tuple(formerly), tuple(one_of)
        )

    return register


def _signature(function: Callable[..., Any]) -> tuple[tuple[Parameter, ...], type[Target]]:
    hints = typing.get_type_hints(function, include_extras=True)
    names = inspect.signature(function).parameters
    parameters = tuple(_parameter(item, hints[name]) for name, item in names.items() if name not in ("target", "facts"))
    return parameters, hints["target"]


def _parameter(item: inspect.Parameter, hint: Any) -> Parameter:
    base, option = typing.get_args(hint)
    required = item.default is inspect.Parameter.empty
    default = None if required else item.default
    return Parameter(item.name, option, typing.get_origin(base) is tuple, base is bool, required, default)
