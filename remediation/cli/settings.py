"""Settings from the environment; a name that means nothing is an error, for it was meant to mean something."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from remediation.errors import UsageProblem

PREFIX = "RUNBOOK_"
KNOWN = ("RUNBOOK_STORE", "RUNBOOK_GOOGLE_ENDPOINT", "RUNBOOK_IAM_ENDPOINT", "RUNBOOK_DEBUG")
# Kubernetes puts such variables into every pod of a namespace that has a Service called runbook.
_OF_A_SERVICE = re.compile(r"RUNBOOK(_[A-Z0-9_]+)?_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP|SCTP)\w*)?)")


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise UsageProblem for a variable that begins like ours and is not one."""
    for name in names:
        if name.startswith(PREFIX) and name not in KNOWN and not _OF_A_SERVICE.fullmatch(name):
            raise UsageProblem(
                f"{name} is set and is not a setting; allowed are {', '.join(KNOWN)}",
                "nothing was changed",
                f"unset {name}",
            )


def named_store(option: Callable[[str], Any]) -> str | None:
    """Return the store that an option or, outside of a sandbox, the environment names; None for the usual place."""
    return option("store") or (None if option("sandbox") else os.environ.get("RUNBOOK_STORE"))


def state_folder() -> Path:
    """Return the folder for state, by the XDG rules."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "runbook"
