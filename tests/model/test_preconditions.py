"""What has to hold before a runbook does anything: it gives its value back, or ends the plan with a way on."""

from __future__ import annotations

from typing import Any

import pytest

from remediation import allow, applies, command, need, repeat
from remediation.model.commands import SHOW, for_runbook
from remediation.model.errors import NotApplicable, Refused, RunbookError, UsageProblem


@pytest.mark.parametrize("ask", [need, allow, applies])
def test_what_holds_is_given_back(ask: Any) -> None:
    """The value goes on into the steps as it is."""
    value = {"kind": "Namespace"}
    assert ask(value, "there is none") is value


@pytest.mark.parametrize("nothing", [None, False, (), [], {}, ""])
@pytest.mark.parametrize(("ask", "error"), [(need, Refused), (allow, UsageProblem), (applies, NotApplicable)])
def test_what_does_not_hold_ends_the_plan(ask: Any, error: type[RunbookError], nothing: Any) -> None:
    """Nothing, no, and none of many are the same: nothing to build on."""
    with pytest.raises(error, match="there is none") as problem:
        ask(nothing, "there is none")
    assert problem.value.exit_code == {need: 3, allow: 2, applies: 0}[ask]


def test_a_refusal_leads_on() -> None:
    """It names what its author says, or else what shows the runbook."""
    for ask in (need, allow):
        with pytest.raises(RunbookError) as told:
            ask(None, "there is none", repeat("--deploy"))
        assert told.value.next == (repeat("--deploy"),)
        with pytest.raises(RunbookError) as silent:
            ask(None, "there is none")
        assert silent.value.next == (SHOW,)
        assert for_runbook(silent.value.next, "ip-masq-agent") == (command("runbook", "show", "ip-masq-agent"),)
