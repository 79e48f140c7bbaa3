"""What a runbook is: its steps, its diagnosis, and what the decorator says of them.

::

    @dataclass(frozen=True)
    class Situation:                                   # what is looked at, once, for diagnosis and steps alike
        target: Cluster
        agent: Agent

        @classmethod
        def look(cls, target: Cluster, facts: Facts) -> Situation:
            return cls(target, facts(MasqueradeAgent()))

    def findings(now: Situation) -> Iterator[Finding]: ...

    @runbook(id="NET-02", risk=Risk.HIGH, diagnose=findings, source="https://…", example="--masquerade 10.1.0.0/16")
    def ip_masq_agent(now: Situation, masquerade: Annotated[Cidrs, "destinations that must see node addresses"]) -> Steps:
        '''Masquerade pod traffic to networks that cannot route to pod addresses.

        Symptoms: …   Cause: …   Impact: …   Rollback: …
        '''
        agent = need(now.agent.daemonset, "no agent runs here", next=command("kubectl", "get", "daemonsets"))
        yield KubernetesObject(…)                      # what is wanted, in the order in which it is done
        yield Ensure(AgentUsesConfig(…), within=30)    # what proves it

Steps, diagnosis and undo name what they want: ``target``, ``facts``, and any class with a classmethod ``look``, which
names what it wants in turn, parameters of the runbook among it (they have their defaults in a diagnosis). Every other
parameter of the steps is an option, see `values`. What does not hold ends in `need` (the world's fault, exit 3),
`allow` (the caller's, exit 2) or `applies` (nothing for this target). The name of the function is that of the runbook.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from remediation.catalogue.asking import Asking
from remediation.catalogue.parameters import Parameter
from remediation.catalogue.surveyed import declared
from remediation.model.facts import Facts
from remediation.model.rights import Permission
from remediation.model.status import Risk, RowClass
from remediation.model.steps import Finding, Steps
from remediation.model.targets import Target


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
    covers: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    diagnose: Callable[..., Iterator[Finding]] | None = None
    undo: Callable[..., Steps] | None = None
    formerly: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    cls: RowClass = RowClass.FIX
    danger: str = ""
    because: str = ""
    # Called like `needs`, for a runbook whose folder has no survey: one that a test or the survey makes.
    declares: Callable[..., Sequence[_Needs]] | None = None

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.steps) or "").split("\n", 1)[0]

    @property
    def description(self) -> str:
        """The docstring without its first line."""
        return (inspect.getdoc(self.steps) or "").partition("\n")[2].strip()

    def may_lack(self, name: str) -> bool:
        """Tell whether a call may come without a value that a survey has marked: a parameter, or ``target.cluster``."""
        kind, _, rest = name.rpartition(".")
        if kind:
            return kind == "target" and (self.target.kind, rest) != ("project", "project")
        found = next(item for item in self.parameters if item.name == name)
        return not (found.required or found.repeatable) and found.default is None

    def needs(self, target: Target, facts: Facts | None = None, **values: Any) -> Sequence[_Needs]:
        """Return what the runbook asks and touches with these values, see `surveyed.declared`."""
        return (self.declares or partial(declared, self))(target, facts, **values)

    def permissions(self, target: Target, parameters: dict[str, Any]) -> list[Permission]:
        """Return every right that any verb of the runbook takes with these parameters."""
        each = [{right for item in items for right in item.permissions} for items in self._either(target, parameters)]
        return sorted(set.intersection(*each))

    def scopes(self, target: Target, parameters: dict[str, Any]) -> list[str]:
        """Return the lock scopes of everything that the runbook writes with these parameters."""
        each = [{getattr(item, "scope", "") for item in items} for items in self._either(target, parameters)]
        return sorted(set.intersection(*each) - {""})

    def _either(self, target: Target, parameters: dict[str, Any]) -> Iterator[Sequence[_Needs]]:
        """Yield what is declared; for each of the parameters of which one has to be given, while none of them is."""
        open_ones = [item for item in self.parameters if item.name in self.one_of]
        words = {item.name: item.word for item in open_ones if not parameters.keys() & set(self.one_of)}
        for more in [{name: word} for name, word in words.items()] or [{}]:
            yield self.needs(target, **parameters | more)

    def values(self, recorded: dict[str, Any]) -> dict[str, Any]:
        """Return parameter values as the steps want them, from those of a journal or a plan file."""
        return {item.name: item.value(recorded.get(item.name, item.default)) for item in self.parameters}

    def as_json(self) -> dict[str, Any]:
        """Return the catalogue entry as ``runbook list -o json`` prints it."""
        return {
            "name": self.name,
            "id": self.id,
            "class": str(self.cls),
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
    covers: Sequence[str] = (),
    alerts: Sequence[str] = (),
    diagnose: Callable[..., Iterator[Finding]] | None = None,
    undo: Callable[..., Steps] | None = None,
    formerly: Sequence[str] = (),
    one_of: Sequence[str] = (),
    cls: RowClass = RowClass.FIX,
    danger: str = "",
) -> Callable[[Callable[..., Steps]], Runbook]:
    """Make a generator function a runbook of the catalogue; the module shows one.

    Args:
        id: the catalogue row, ``NET-02``.
        risk: what a run can break.
        source: the public page that documents the fix.
        example: parameters as one types them, for the help.
        covers: every row the runbook covers, when more than one.
        alerts: alert names that this fixes.
        diagnose: yields findings.
        undo: called with ``made`` too, what the run has made by address, and no parameters, whose names may change;
            yields the steps to take on rollback for effects that no API object shows.
        formerly: names that it had before, under which it is still found.
        one_of: parameters of which one is given, told together with what else is missing.
        cls: ADVISE for a row whose steps end in advice.
        danger: ``widens-access``, a word for what a run may do to others: it runs attended only, with ``--accept`` and it.

    Raises:
        TypeError: an annotation is not understood, or nothing says what the target is.
    """
    shown = (tuple(covers) or (id,), tuple(alerts))

    def register(function: Callable[..., Steps]) -> Runbook:
        steps, said = Asking(function), (function.__name__.replace("_", "-"), id, risk, source, example)
        functions, more = (diagnose and Asking(diagnose), undo and Asking(undo)), (tuple(formerly), tuple(one_of))
        return Runbook(*said, steps, steps.parameters, steps.target, *shown, *functions, *more, cls, danger)

    return register
