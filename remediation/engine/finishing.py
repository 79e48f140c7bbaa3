"""Whether a run can still be finished."""

from __future__ import annotations

from remediation.engine.run import Run
from remediation.model.commands import Command, command
from remediation.model.errors import Refused

# One whose temporary object could not be removed is ``rollback_refused``, and has not begun to be rolled back.
_HALF_WAY = ("running", "failed", "rollback_refused")


def unfinished(run: Run) -> bool:
    """Tell whether a change is still to be made."""
    return any(
        item.kind == "change" and run.progress_of(index) == "untouched" for index, item in enumerate(run.operations)
    )


def resumable(run: Run) -> bool:
    """Tell whether a run that nobody could prove may go on: not without what it had put in place for the time being."""
    return "undone" not in run.progress.values()


def refuse_finished(run: Run) -> None:
    """Raise Refused where there is nothing to resume."""
    if not (run.status in _HALF_WAY or (run.status == "unknown" and resumable(run))) or run.is_rolling_back:
        half_back = run.is_rolling_back and run.status != "rolled_back"
        what = "is being rolled back" if half_back else f"is {run.status.replace('_', ' ')}"
        raise Refused(f"run {run.id} {what}; there is nothing to resume", "nothing was changed", _instead(run))


def _instead(run: Run) -> Command:
    """Return what can be done with a run that cannot be finished; where it left nothing, with its runbook."""
    if run.status in ("rolled_back", "refused", "already_ok"):
        return command("runbook", "diagnose", run.name)
    return command("runbook", "rollback" if run.is_rolling_back else "verify", run.id)
