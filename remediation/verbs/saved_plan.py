"""Saved plans: what was approved is what is run, or nothing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from remediation.engine.moved import since_plan
from remediation.engine.plan import Plan, plan_fingerprint
from remediation.model.addresses import target_in_words
from remediation.model.commands import Hints, command
from remediation.model.errors import Refused, StalePlan, UsageProblem
from remediation.model.limits import PLAN, kilobytes
from remediation.model.targets import Target
from remediation.verbs.parameters import as_words

if TYPE_CHECKING:
    from remediation.catalogue.runbook import Runbook
    from remediation.model.api import Api
    from remediation.verbs.place import Place


@dataclass(frozen=True)
class SavedPlan:
    """A plan that was saved, whole and of this runbook.

    Attributes:
        book: the runbook.
        content: the document of the plan, as `Planned.saved` returns it.
        source: how a person names it, in errors.
        run_again: what to type to run it where it was made.
        plan_again: what to type to make it anew where it was made.
    """

    book: Runbook
    content: dict[str, Any]
    source: str
    run_again: Hints = ()
    plan_again: Hints = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that it was made with."""
        found: dict[str, Any] = self.content["parameters"]
        return found

    @property
    def target(self) -> dict[str, str]:
        """The coordinates that it was made for."""
        found: dict[str, str] = self.content["target"]
        return found

    def values(self, given: dict[str, Any], typed: Collection[str] = ()) -> dict[str, Any]:
        """Return its parameters, parsed; raises UsageProblem for one that was typed too and says something else."""
        saved = self.parameters
        for item in self.book.parameters:
            if item.name in typed and given[item.name] != saved.get(item.name):
                raise UsageProblem(
                    f"{item.flag_name} is another one in the plan: {shlex.join(as_words(self.book, saved)) or 'none'}",
                    "with --plan the parameters come from the file; nothing was changed",
                    self.run_again,
                )
        try:
            return self.book.values(saved)
        except (ValueError, TypeError, AttributeError):
            raise unusable(self.source, "has a parameter that cannot be read") from None

    def require_target(self, place: Place) -> None:
        """Refuse a target that is not the one the plan was made for; raises Refused."""
        try:
            present = place.target(self.book.target).as_json()
        except UsageProblem as problem:
            problem.next = problem.next or self.run_again
            raise
        if present != self.target:
            same_name = all(present.get(name) == value for name, value in self.target.items() if name != "server")
            raise Refused(
                f"this plan is for {target_in_words(self.target)}, and you are on {target_in_words(present)}",
                "nothing was changed",
                self.plan_again if same_name else self.run_again,
            )

    def require_cluster(self, api: Api) -> None:
        """Refuse another cluster at the same address; raises Refused. Plans of earlier versions know only the address."""
        saved = str(self.content.get("target_uid") or "")
        present = api.target_uid() if saved else ""
        if present and saved != present:
            raise Refused(
                f"this plan was made on cluster {saved:.8}, and {target_in_words(self.target)} is cluster {present:.8} now",
                "nothing was changed",
                self.plan_again,
            )

    def require_same(self, plan: Plan) -> None:
        """Refuse when the world has moved since, or the plan says something else than what would be run."""
        saved, present = self.content["plan"], json.loads(json.dumps(plan.as_json()))
        if saved["fingerprint"] != present["fingerprint"]:
            raise StalePlan(
                "the target is no longer as the plan saw it",
                f"{since_plan(saved, present)}; nothing was changed",
                self.plan_again,
            )
        if saved["changes"] != present["changes"] or _planned(saved) != _planned(present):
            raise unusable(self.source, "was changed after it was made")


def unusable(source: str, what: str) -> UsageProblem:
    """Return the error for something that is not acceptable as a saved plan."""
    return UsageProblem(
        f"{source} {what}; allowed is a file made by runbook plan --out, as it was made", "nothing was changed"
    )


def read_saved(text: bytes, book: Runbook, source: str) -> SavedPlan:
    """Return a saved plan; raises UsageProblem for what is no plan of this runbook, or was edited."""
    content = _content(text, source)
    if content["runbook"] != book.name:
        raise UsageProblem(f"{source} is a plan of {content['runbook']!r}; allowed here is a plan of {book.name!r}")
    _require_parameters(source, content["parameters"], book)
    named = (content["runbook"], content["target"], content["parameters"])
    if content["plan"]["fingerprint"] != plan_fingerprint(*named, content["plan"]):
        raise unusable(source, "was changed after it was made")
    return SavedPlan(book, content, source)


def _content(text: bytes, source: str) -> dict[str, Any]:
    if len(text) > PLAN:
        raise unusable(source, f"has more than {kilobytes(PLAN)}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not _is_plan(content):
        raise unusable(source, "is not a plan")
    return dict(content)


def _is_plan(content: Any) -> bool:
    try:
        plan = content["plan"]
        whole = isinstance(plan["fingerprint"], str) and isinstance(content["runbook"], str)
        lists = all(isinstance(item, dict) for item in [*plan["changes"], *plan["checks"]])
        return whole and lists and isinstance(content["parameters"], dict) and _is_target(content["target"])
    except (KeyError, TypeError, AttributeError):
        return False


def _is_target(said: Any) -> bool:
    """Tell whether these are coordinates and nothing else: they become options of the command that is told next."""
    known = {item.name for item in fields(Target)}
    values = all(isinstance(value, str) and value and not value.startswith("-") for value in said.values())
    return set(said) <= known and values


def _require_parameters(source: str, saved: dict[str, Any], book: Runbook) -> None:
    unknown = sorted(set(saved) - {item.name for item in book.parameters})
    lacking = [item.name for item in book.parameters if item.required and saved.get(item.name) is None]
    for problem in [f"has a parameter {name!r}" for name in unknown] + [f"lacks {name!r}" for name in lacking]:
        raise UsageProblem(
            f"{source} {problem}; allowed are those of {book.name}",
            "nothing was changed",
            command("runbook", "show", book.name),
        )


def _planned(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in plan["checks"] if item.get("status") == "planned"]
