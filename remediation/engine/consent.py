"""What a run needs beside a yes: a person, where it cannot be undone or endangers others, who says by name what they accept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from remediation.catalogue.runbook import Runbook
from remediation.model.commands import command, repeat_as
from remediation.model.errors import Refused, UsageProblem
from remediation.model.status import RowClass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from remediation.engine.plan import Plan
    from remediation.engine.run import Run

_NOTHING = "nothing was changed"


@dataclass(frozen=True)
class Consent:
    """What somebody has accepted by name: addresses that are changed for good, and the danger of a runbook."""

    irreversible: tuple[str, ...] = ()
    danger: str = ""


def require_fixing(book: Runbook) -> None:
    """Raise Refused for a row that only looks."""
    if book.cls is RowClass.DIAG:
        raise Refused(f"{book.name} only looks: {book.because}", _NOTHING, command("runbook", "diagnose", book.name))


def require_applicable(plan: Plan) -> None:
    """Raise Refused for a plan that is advice: a person does it."""
    for step in plan.advice:
        told = "; ".join([*step.consequences, "it is left to a person", _NOTHING])
        raise Refused(step.summary, told, step.commands)


def require_consent(plan: Plan, consent: Consent, *, attended: bool) -> None:
    """Refuse what nobody has accepted by name, and what is done only while a person is there.

    Raises:
        UsageProblem: something was accepted that the plan does not do.
        Refused: something is not accepted, or nobody is there.
    """
    final = [change.address for change in plan.changes if not change.reversible]
    _require_known(plan, consent, final)
    lacking = [address for address in final if address not in consent.irreversible]
    if lacking:
        words = [word for address in lacking for word in ("--irreversible", address)]
        why = f"a rollback would be refused as a whole; {_NOTHING}"
        raise Refused(
            f"what nothing brings back is confirmed by name: {', '.join(lacking)}", why, repeat_as("run", *words)
        )
    if plan.book.danger and not consent.danger:
        again = repeat_as("run", "--accept", plan.book.danger)
        raise Refused(f"{plan.book.name} {_words(plan.book.danger)}, which is accepted by name", _NOTHING, again)
    if (final or plan.book.danger) and not attended:
        raise unattended(final, plan.book.danger)


def require_attended(run: Run) -> None:
    """Refuse to finish a run unattended that would still do what is only done while a person is there."""
    ahead = [index for index in range(len(run.operations)) if run.progress_of(index) in ("untouched", "intended")]
    changes = [change for index in ahead if (change := run.operations[index].change)]
    final = [change.address for change in changes if not change.reversible]
    if final or (changes and run.book.danger):
        raise unattended(final, run.book.danger)


def unattended(final: Iterable[str], danger: str) -> Refused:
    """Return the refusal of what is done only while a person is there."""
    what = ", ".join(final)
    why = f"nothing brings back {what}" if what else f"it {_words(danger)}"
    return Refused("this is never done without a person at a terminal", f"{why}; {_NOTHING}", repeat_as("plan"))


def _require_known(plan: Plan, consent: Consent, final: list[str]) -> None:
    if strange := [address for address in consent.irreversible if address not in final]:
        told = f"irreversible is: {', '.join(final) or 'nothing'}; {_NOTHING}"
        raise UsageProblem(f"this plan changes no {strange[0]} for good", told, repeat_as("plan"))
    if consent.danger not in ("", plan.book.danger):
        told = f"its danger is: {plan.book.danger or 'none'}; {_NOTHING}"
        raise UsageProblem(f"{plan.book.name} does not say that it {_words(consent.danger)}", told, repeat_as("plan"))


def _words(danger: str) -> str:
    return danger.replace("-", " ")
