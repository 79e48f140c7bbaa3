"""Plans in files: what was approved is what is run, or nothing."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from remediation.catalogue.runbook import Runbook
from remediation.cli.hints import target_words
from remediation.cli.parameters import as_json, as_words
from remediation.cli.question import place
from remediation.cli.session import Session
from remediation.engine.moved import since_plan
from remediation.engine.plan import Plan, plan_fingerprint
from remediation.model.api import Api
from remediation.model.commands import Command, command
from remediation.model.errors import Refused, StalePlan, UsageProblem
from remediation.model.limits import PLAN, kilobytes
from remediation.model.targets import Target

# Stands for the file whose content was piped into a plan.
KEY = "KEY.json"


def save(path: str, content: dict[str, Any]) -> None:
    """Write a plan; raises UsageProblem when the file cannot be written."""
    try:
        Path(path).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as problem:
        raise UsageProblem(
            f"--out {path!r} cannot be written: {problem.strerror}; allowed is a file in a folder you may write to"
        ) from None


@dataclass(frozen=True)
class SavedPlan:
    """A plan that was read from a file, whole and of this runbook."""

    path: str
    book: Runbook
    content: dict[str, Any]

    def values(self, session: Session, given: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of the plan; raises UsageProblem for one that was typed too and says something else."""
        saved, typed = self.content["parameters"], as_json(self.book, given)
        for item in self.book.parameters:
            if item.name in session.get("typed") and typed[item.name] != saved.get(item.name):
                raise UsageProblem(
                    f"{item.flag_name} is another one in the plan: {shlex.join(as_words(self.book, saved)) or 'none'}",
                    "with --plan the parameters come from the file; nothing was changed",
                    self.run_command(session),
                )
        try:
            return self.book.values(saved)
        except (ValueError, TypeError, AttributeError):
            raise self._bad("has a parameter that cannot be read") from None

    def require_target(self, session: Session) -> None:
        """Refuse a target that is not the one the plan was made for; raises Refused."""
        try:
            present = session.target(self.book.target).as_json()
        except UsageProblem as problem:
            problem.next = problem.next or (self.run_command(session),)
            raise
        if present != self.content["target"]:
            same_name = all(present.get(name) == value for name, value in self._named().items())
            raise Refused(
                f"this plan is for {place(self.content['target'])}, and you are on {place(present)}",
                "nothing was changed",
                self._plan_command(session) if same_name else self.run_command(session),
            )

    def require_cluster(self, api: Api, session: Session) -> None:
        """Refuse another cluster at the same address; raises Refused. Files of earlier versions know only the address."""
        saved = str(self.content.get("target_uid") or "")
        present = api.target_uid() if saved else ""
        if present and saved != present:
            raise Refused(
                f"this plan was made on cluster {saved:.8}, and {place(self.content['target'])} is cluster {present:.8} now",
                "nothing was changed",
                self._plan_command(session),
            )

    def require_same(self, plan: Plan, session: Session) -> None:
        """Refuse when the world has moved since, or the file says something else than what would be run."""
        saved, present = self.content["plan"], json.loads(json.dumps(plan.as_json()))
        if saved["fingerprint"] != present["fingerprint"]:
            raise StalePlan(
                "the target is no longer as the plan saw it",
                f"{since_plan(saved, present)}; nothing was changed",
                self._plan_command(session),
            )
        if saved["changes"] != present["changes"] or _planned(saved) != _planned(present):
            raise self._bad("was changed after it was made")

    def run_command(self, session: Session) -> Command:
        """Return the command that runs this plan where it was made."""
        return run_command(self.path, self.book, self.content["parameters"], self.content["target"], session)

    def _plan_command(self, session: Session) -> Command:
        words = as_words(self.book, self.content["parameters"])
        return command("runbook", "plan", self.book.name, *words, *target_words(self._named(), session.get))

    def _named(self) -> dict[str, str]:
        return {name: value for name, value in self.content["target"].items() if name != "server"}

    def _bad(self, what: str) -> UsageProblem:
        return bad_file(self.path, what)


def run_command(
    path: str, book: Runbook, parameters: dict[str, Any], target: dict[str, str], session: Session
) -> Command:
    """Return the command that runs a plan file; a key from standard input is in no file, and leaves nobody to ask."""
    words = ["runbook", "run", book.name, "--plan", path, *target_words(target, session.get)]
    return from_standard_input(Command(tuple(words)), parameters)


def from_standard_input(ours: Command, parameters: dict[str, Any]) -> Command:
    """Return a command that is given the key again, where its plan read one from standard input."""
    return replace(ours, words=(*ours.words, "--yes"), reads=KEY) if reads_key(parameters) else ours


def reads_key(parameters: dict[str, Any]) -> bool:
    """Tell whether a plan read standard input."""
    return "-" in parameters.values()


def bad_file(path: str, what: str) -> UsageProblem:
    """Return the error for a file that is not acceptable."""
    return UsageProblem(
        f"--plan {path!r} {what}; allowed is a file made by runbook plan --out, as it was made", "nothing was changed"
    )


def read(path: str, book: Runbook) -> SavedPlan:
    """Read a saved plan; raises UsageProblem for a file that is no plan of this runbook, or that was edited."""
    content = _content(path)
    if content["runbook"] != book.name:
        raise UsageProblem(
            f"--plan {path!r} is a plan of {content['runbook']!r}; allowed here is a plan of {book.name!r}"
        )
    _require_parameters(path, content["parameters"], book)
    named = (content["runbook"], content["target"], content["parameters"])
    if content["plan"]["fingerprint"] != plan_fingerprint(*named, content["plan"]):
        raise bad_file(path, "was changed after it was made")
    return SavedPlan(path, book, content)


def _content(path: str) -> dict[str, Any]:
    try:
        with Path(path).open("rb") as file:
            text = file.read(PLAN + 1)
    except OSError as problem:
        raise bad_file(path, f"cannot be read: {problem.strerror}") from None
    if len(text) > PLAN:
        raise bad_file(path, f"has more than {kilobytes(PLAN)}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not _is_plan(content):
        raise bad_file(path, "is not a plan")
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


def _require_parameters(path: str, saved: dict[str, Any], book: Runbook) -> None:
    unknown = sorted(set(saved) - {item.name for item in book.parameters})
    lacking = [item.name for item in book.parameters if item.required and saved.get(item.name) is None]
    for problem in [f"has a parameter {name!r}" for name in unknown] + [f"lacks {name!r}" for name in lacking]:
        raise UsageProblem(
            f"--plan {path!r} {problem}; allowed are those of {book.name}",
            "nothing was changed",
            command("runbook", "show", book.name),
        )


def _planned(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in plan["checks"] if item.get("status") == "planned"]
