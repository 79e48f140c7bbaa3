"""The sandbox of this machine, started where that is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remediation.model.commands import advice, command
from remediation.model.errors import Refused, RunbookError

if TYPE_CHECKING:
    from runbook_sandbox.process import Sandbox


def running_sandbox(kind: str) -> Sandbox:
    """Return the sandbox, started when it does not run; raises Refused where it cannot run."""
    from runbook_sandbox import process  # noqa: PLC0415 - only verbs on the sandbox need it

    try:
        return process.ensure_running(kind)
    except process.CannotRun as reason:
        what = "--sandbox=real needs the programs of a control plane"
        raise Refused(what, str(reason), advice("set KUBEBUILDER_ASSETS, or use --sandbox")) from None
    except process.NotStarted as reason:
        raise RunbookError(
            "the sandbox did not start",
            str(reason),
            advice("{}, then {}", command("runbook", "sandbox", "down"), command("runbook", "sandbox", "up")),
        ) from None
