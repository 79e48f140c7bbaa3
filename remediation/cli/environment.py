"""The environment of the process, as values; a name that means nothing is an error, for it was meant to mean something."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from remediation.model.addresses import is_private
from remediation.model.commands import command
from remediation.model.errors import UsageProblem

PREFIX = "RUNBOOK_"
KNOWN = (
    "RUNBOOK_STORE",
    "RUNBOOK_CATALOGUE",
    "RUNBOOK_PATIENCE",
    "RUNBOOK_GOOGLE_ENDPOINT",
    "RUNBOOK_IAM_ENDPOINT",
    "RUNBOOK_GOOGLE_TOKEN_FILE",
    "RUNBOOK_DEBUG",
)
# Quotas of Google's APIs are counted by the minute, and a storm in a cluster seldom lasts longer.
_PATIENCE = 120
# Kubernetes puts such variables into every pod of a namespace that has a Service called runbook.
_OF_A_SERVICE = re.compile(r"RUNBOOK(_[A-Z0-9_]+)?_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP|SCTP)\w*)?)")


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise UsageProblem for a variable that begins like ours and is not one."""
    for name in names:
        if name.startswith(PREFIX) and name not in KNOWN and not _OF_A_SERVICE.fullmatch(name):
            raise UsageProblem(
                f"{name} is set and is not a setting; allowed are {', '.join(KNOWN)}",
                "nothing was changed",
                command("unset", name),
            )


def named_store(option: Callable[[str], Any]) -> str | None:
    """Return the store that an option or, outside of a sandbox, the environment names; None for the usual place."""
    return option("store") or (None if option("sandbox") else os.environ.get("RUNBOOK_STORE"))


def named_catalogues(words: Sequence[str]) -> list[Path]:
    """Return the folders with more runbooks that the environment and a command line name; a verb finds its names there."""
    named = [text for text in os.environ.get("RUNBOOK_CATALOGUE", "").split(os.pathsep) if text]
    named += [word.partition("=")[2] for word in words if word.startswith("--catalogue=")]
    named += [value for word, value in pairwise(words) if word == "--catalogue"]
    return [Path(text) for text in dict.fromkeys(named)]


def patience_seconds() -> float:
    """Return how long a throttled request is repeated; raises UsageProblem for what is no number of seconds."""
    text = os.environ.get("RUNBOOK_PATIENCE") or str(_PATIENCE)
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise UsageProblem(
            f"RUNBOOK_PATIENCE is {text!r}; allowed are whole seconds from 0 to 9999",
            "nothing was changed",
            command("unset", "RUNBOOK_PATIENCE"),
        )
    return float(text)


def state_folder() -> Path:
    """Return the folder for state, by the XDG rules."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "runbook"


def around() -> dict[str, Any]:
    """Return what is to be known of this process: its kubeconfig, its pod, its terminal and its standard input."""
    return {
        "usual_kubeconfig": os.environ.get("KUBECONFIG") or None,
        "in_cluster": bool(os.environ.get("KUBERNETES_SERVICE_HOST")),
        "terminal": _is_terminal(sys.stdin) or _is_terminal(sys.stderr),
        "standard_input": _standard_input,
    }


def _standard_input(most: int) -> bytes:
    return sys.stdin.buffer.read(most)


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # it is closed, or there is none
        return False


def google_endpoints() -> dict[str, str] | None:
    """Return Google endpoints from the environment, for tests and private access, with the token of the file that it names.

    Raises:
        UsageProblem: the file cannot be read, or the endpoint is no place for a token.
    """
    google, file = os.environ.get("RUNBOOK_GOOGLE_ENDPOINT"), os.environ.get("RUNBOOK_GOOGLE_TOKEN_FILE")
    if not google:
        return None
    found = {"google": google, "iam": os.environ.get("RUNBOOK_IAM_ENDPOINT") or ""}
    return found | {"token": _token(google, Path(file))} if file else found


def _token(endpoint: str, file: Path) -> str:
    if not is_private(endpoint):
        raise UsageProblem(
            "RUNBOOK_GOOGLE_ENDPOINT is plain http to another host, and RUNBOOK_GOOGLE_TOKEN_FILE would send a token there",
            "nothing was changed",
            command("unset", "RUNBOOK_GOOGLE_TOKEN_FILE"),
        )
    try:
        return file.read_text("ascii").strip()
    except (OSError, ValueError) as problem:
        raise UsageProblem(f"RUNBOOK_GOOGLE_TOKEN_FILE cannot be read: {problem}") from None
