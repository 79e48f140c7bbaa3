"""Find the scenarios: every `Scenario` in the ``scenarios.py`` of a runbook's folder, named nowhere else."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import replace

from remediation.catalogue.loading import packages
from remediation.model.commands import command
from remediation.model.errors import UsageProblem
from remediation.model.scenarios import Scenario


def load() -> dict[str, Scenario]:
    """Return every scenario by name; raises UsageProblem when two have the same."""
    found: dict[str, Scenario] = {}
    for scenario in (item for name in packages() for item in of(name)):
        if scenario.name in found:
            first = found[scenario.name].runbook
            raise UsageProblem(f"two scenarios are called {scenario.name!r}: one of {first}, one of {scenario.runbook}")
        found[scenario.name] = scenario
    return dict(sorted(found.items()))


def rehearsed() -> dict[str, Scenario]:
    """Return those that ``runbook sandbox break`` offers."""
    return {name: item for name, item in load().items() if item.rehearsed}


def of(runbook: str) -> list[Scenario]:
    """Return the scenarios in the folder of a runbook, in their order there."""
    name = f"{packages()[runbook]}.scenarios"
    if importlib.util.find_spec(name) is None:
        return []
    values = vars(importlib.import_module(name)).values()
    return [replace(item, runbook=item.runbook or runbook) for item in values if isinstance(item, Scenario)]


def find(name: str) -> Scenario:
    """Return a scenario that is offered; raises UsageProblem with near names."""
    offered = rehearsed()
    if name not in offered:
        import difflib  # noqa: PLC0415 - only for a name that is wrong

        near = difflib.get_close_matches(name, offered, n=2, cutoff=0.4)
        every = [*near, *(other for other in offered if other not in near)]
        raise UsageProblem(
            f"there is no scenario {name!r}; allowed: {', '.join(every)}", next=command("runbook", "sandbox", "break")
        )
    return offered[name]
