"""What is asked for: a runbook with its parameters, and the saved plan that it must come to, if any."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from remediation.engine.consent import Consent
from remediation.model.commands import command
from remediation.model.errors import UsageProblem
from remediation.verbs.parameters import as_json

if TYPE_CHECKING:
    from remediation.access.material import Material
    from remediation.catalogue.parameters import Parameter
    from remediation.catalogue.runbook import Runbook
    from remediation.verbs.saved_plan import SavedPlan


@dataclass(frozen=True)
class Request:
    """A runbook to be carried out.

    Attributes:
        book: the runbook.
        values: its parameters, parsed.
        accept_drift: change objects that another controller owns too.
        consent: what cannot be undone, or endangers others, and is accepted by name.
        saved: what has to come of it, or nothing is done.
        material: the secrets that were read for it: what can be read only once is there for the second look.
    """

    book: Runbook
    values: dict[str, Any] = field(default_factory=dict)
    accept_drift: bool = False
    consent: Consent = field(default_factory=Consent)
    saved: SavedPlan | None = None
    material: Material | None = field(default=None, compare=False, repr=False)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as the journal keeps them."""
        return as_json(self.book, self.values)

    def as_saved(self, saved: SavedPlan, *typed: str) -> Request:
        """Return the request for exactly a saved plan; raises UsageProblem where a parameter in ``typed`` says something else."""
        return replace(self, values=saved.values(self.parameters, typed), saved=saved)


def parsed(book: Runbook, given: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as the steps want them, from what a program gives: texts, or what is parsed already.

    Raises:
        UsageProblem: a parameter is unknown, missing or not allowed.
    """
    names = {item.name for item in book.parameters}
    unknown = sorted(set(given) - names)
    lacking = [item.name for item in book.parameters if item.required and given.get(item.name) is None]
    for problem in [f"has no parameter {name!r}" for name in unknown] + [f"wants {name!r}" for name in lacking]:
        raise UsageProblem(f"{book.name} {problem}", "nothing was changed", command("runbook", "show", book.name))
    return {item.name: _value(item, given.get(item.name, item.default)) for item in book.parameters}


def _value(item: Parameter, given: Any) -> Any:
    try:
        if item.repeatable:
            return tuple(_parsed(item, one) for one in given or ())
        return _parsed(item, given)
    except ValueError as problem:
        raise UsageProblem(f"{item.name}: {problem}", "nothing was changed") from None


def _parsed(item: Parameter, given: Any) -> Any:
    return item.option.parse(given) if isinstance(given, str) else given
