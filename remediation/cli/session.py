"""What one invocation was told: its options and its environment, as the settings of the workspace that carries it out."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from remediation.cli import interrupting
from remediation.cli.environment import around, google_endpoints, named_store, patience_seconds, state_folder
from remediation.cli.running_sandbox import running_sandbox
from remediation.model.commands import Command, Hints, command
from remediation.model.errors import Refused, UsageProblem
from remediation.verbs import Settings, Workspace

if TYPE_CHECKING:
    from remediation.cli.progress import Progress

T = TypeVar("T")


@dataclass
class Session:
    """One invocation. Every option that the verb does not have is None."""

    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Set up logging before anything can log."""
        if self.options.get("log") not in (None, "off"):
            from remediation.cli.logs import configure  # noqa: PLC0415 - structlog costs a fifth of a second

            configure(str(self.options["log"]))

    def get(self, name: str) -> Any:
        """Return an option, None when it was not given."""
        return self.options.get(name)

    @property
    def json(self) -> bool:
        """Tell whether stdout is for machines."""
        return bool(self.get("output") == "json")

    @property
    def interactive(self) -> bool:
        """Tell whether a person can be asked."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.json

    @cached_property
    def sandbox(self) -> Any:
        """The running sandbox, started when it is not; None without ``--sandbox``."""
        kind = self.get("sandbox")
        if not kind:
            return None
        if kind not in ("emulated", "real"):
            raise UsageProblem(f"--sandbox {kind!r} is unknown; allowed is --sandbox or --sandbox=real")
        return running_sandbox(kind)

    @cached_property
    def work(self) -> Workspace:
        """The workspace on the target that was named."""
        more: dict[str, Any] = {"journal": self._store(), "attended": self.interactive, "patience": patience_seconds()}
        more |= self._who() | around() | {name: self.get(name) for name in ("project", "location", "cluster")}
        if self.sandbox:
            return Workspace.of_sandbox(self.sandbox, self.progress(), interrupting.token(), **more)
        more |= {"kubeconfig": self.get("kubeconfig"), "context": self.get("context"), "google": google_endpoints()}
        return Workspace(Settings(**more), self.progress(), interrupting.token())

    @cached_property
    def records(self) -> Workspace:
        """The workspace for verbs on the journal alone, which need no target."""
        return Workspace(Settings(journal=self._store(), **self._who()))

    def _store(self) -> str | Path:
        """Return the journal: of the sandbox, of ``--store``, of ``$RUNBOOK_STORE``, or in the state folder."""
        text = named_store(self.get)
        return text or (self.sandbox.journal if self.sandbox else state_folder() / "journal.db")

    def found(self, work: Workspace, run_id: str) -> str:
        """Return the full id of a run; raises Refused, and names the sandbox where only that has a journal of its own."""
        return self.sandbox_known(lambda: work.journal.find(run_id))

    def sandbox_known(self, look: Callable[[], T]) -> T:
        """Look for a run; raises Refused, and names the sandbox where only that has a journal of its own."""
        try:
            return look()
        except Refused as problem:
            problem.next += self.sandbox_too(command("runbook", "runs"))
            raise

    def sandbox_too(self, ours: Command) -> Hints:
        """Return the way to the runs on a sandbox, for somebody who looks elsewhere; none when there is none."""
        from runbook_sandbox.process import folder  # noqa: PLC0415 - the engine never needs it

        if self.get("sandbox") or self.get("store"):
            return ()
        kinds = {"--sandbox": "emulated", "--sandbox=real": "real"}
        there = [name for name, kind in kinds.items() if (folder(kind) / "journal.db").exists()]
        return tuple(command(*ours.words, name) for name in there)

    def progress(self) -> Progress:
        """Return the progress display of this invocation."""
        from remediation.cli.progress import Progress  # noqa: PLC0415 - help and completion show none

        log = None
        if self.get("log") not in (None, "off"):
            from remediation.cli.logs import logger  # noqa: PLC0415 - structlog costs a fifth of a second

            log = logger()
        return Progress(quiet=self.json, log=log)

    def _who(self) -> dict[str, Any]:
        """Return who and why, for the journal."""
        return {"actor": self.get("actor") or _user(), "ticket": self.get("ticket"), "reason": self.get("reason")}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
