"""What a run says of itself since it was begun: which runbook, on what, by whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property

from remediation.catalogue import loading
from remediation.catalogue.runbook import Runbook
from remediation.engine.plan import Plan
from remediation.engine.reading import target_kind
from remediation.journal.holder import holder
from remediation.model import versions
from remediation.model.commands import command
from remediation.model.diffing import State
from remediation.model.errors import StalePlan, UsageProblem
from remediation.model.steps import Steps
from remediation.model.targets import Target


def described(plan: Plan, about: State) -> State:
    """Return everything that a later day needs to finish or undo a run; ``about`` says who and why."""
    created = about | {
        "runbook": plan.book.name,
        "id": plan.book.id,
        "target": plan.target.as_json(),
        "target_kind": plan.book.target.kind,
        "parameters": plan.parameters,
        "plan": plan.as_json(),
        "operations": [item.as_json() for item in plan.operations],
        "undo": [item.as_json() for item in plan.undo],
        "already_ok": plan.already_ok,
        "own_undo": plan.book.undo is not None,
    }
    return versions.stamped("run.created", created)


@dataclass
class Created:
    """A run as its first entry tells it.

    Attributes:
        created: the content of that entry, with the holder of whoever has worked on it last.
    """

    id: str
    created: State

    @cached_property
    def book(self) -> Runbook:
        """The runbook, as it is now; raises StalePlan when this version does not have it."""
        try:
            return loading.find(self.name)
        except UsageProblem as problem:
            raise self._needs(f"the runbook {self.name!r}") from problem

    @property
    def undo_steps(self) -> Callable[..., Steps] | None:
        """The steps that the runbook adds to the undo, None when it adds none; raises StalePlan when they are not known."""
        if self.created["own_undo"] and self.book.undo is None:
            raise self._needs(f"the undo of {self.name!r}")
        return self.book.undo if self.created["own_undo"] else None

    def _needs(self, what: str) -> StalePlan:
        summary = f"run {self.id} needs {what}, which this version does not have"
        return StalePlan(
            summary, "use the version that made the run", command("runbook", "runs", self.id, "-o", "json")
        )

    @property
    def name(self) -> str:
        """What the runbook was called when the run was made."""
        return str(self.created["runbook"])

    @property
    def target_kind(self) -> type[Target]:
        """What the run was made for: a cluster or a project."""
        return target_kind(self.created)

    @property
    def target(self) -> Target:
        """The coordinates that the run was made for."""
        known = {item.name for item in fields(self.target_kind)}
        return self.target_kind(**{name: value for name, value in self.created["target"].items() if name in known})

    @cached_property
    def holder(self) -> str:
        """Who holds the locks of this run while this process works on it."""
        return holder(self.id, self.created.get("actor") or "unknown", self.created["runbook"])
