"""The question before a write: how much is changed, where, and what happens then."""

from __future__ import annotations

from collections import Counter
from functools import partial

from remediation.cli.console import asked, say
from remediation.cli.layout import labelled
from remediation.cli.paging import show
from remediation.cli.session import Session
from remediation.model.addresses import target_in_words
from remediation.model.commands import Hint, Hints
from remediation.model.diffing import State
from remediation.model.errors import Refused
from remediation.model.targets import Target

_SIGNS = {"create": "+", "update": "~", "delete": "-"}


def confirmed(
    session: Session, verb: str, plan: State, target: Target, unattended: Hint | Hints, everything: str = ""
) -> bool:
    """Ask whether to make these changes; raises Refused, with what to type instead, where nobody can be asked.

    Args:
        session: this invocation.
        verb: ``Apply to``, ``Undo on`` or ``Finish on``.
        plan: what would be done.
        target: where.
        unattended: the way to do it without a person.
        everything: the plan in full, where it was shown in brief.
    """
    if not session.interactive:
        raise Refused("nobody is here to confirm", "nothing was changed", unattended)
    say("\n".join(labelled("", size(plan, target.as_json()))), error=True)
    return asked(f"{verb} {name(target.as_json())}?", partial(show, everything) if everything else None)


def size(plan: State, target: State) -> str:
    """Return a plan in one sentence: ``2 changes on context t (https://…): ~configmap ~daemonset, 3 agents restart``."""
    changes = plan["changes"]
    about = [_what(changes), *plan.get("impact", []), *_qualified(changes)]
    short = {key: value for key, value in target.items() if key in ("context", "server")}
    return f"{_count(len(changes))} on {target_in_words(short or {'project': name(target)})}" + (
        f": {', '.join(about)}" if changes else ""
    )


def _count(number: int) -> str:
    return f"{number} change{'' if number == 1 else 's'}"


def _what(changes: list[State]) -> str:
    """Return signs and kinds, those that repeat counted: ``~node x3 +configmap``."""
    found = Counter(_SIGNS[change["action"]] + str(change["address"]).partition("/")[0] for change in changes)
    return " ".join(kind + (f" x{times}" if times > 1 else "") for kind, times in found.items())


def _qualified(changes: list[State]) -> list[str]:
    temporary = sum(bool(change.get("temporary")) for change in changes)
    final = sum(not change["reversible"] for change in changes)
    share = "all" if temporary == len(changes) else f"{temporary} of them"
    return [f"{share} for the time of the run"] * bool(temporary) + [f"{final} IRREVERSIBLE"] * bool(final)


def name(target: State) -> str:
    """Return the one word that people call a target by."""
    return str(target.get("context") or target.get("project") or "this target")
