"""What one invocation works with: the store, the target, the clients, and how to talk to the person."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remediation.catalogue.runbook import Runbook
from remediation.cli.hints import remember_target
from remediation.cli.running_sandbox import running_sandbox
from remediation.cli.settings import google_endpoints, named_store, patience_seconds, state_folder
from remediation.journal import Journal
from remediation.model.commands import Command, Hints, command, repeat
from remediation.model.errors import Refused, UsageProblem
from remediation.model.targets import Cluster, Project, Target

if TYPE_CHECKING:
    from remediation.access.patience import Patience
    from remediation.cli.progress import Progress
    from remediation.verbs.api import RunApi


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
    def journal(self) -> Journal:
        """The store: of the sandbox, of ``--store``, of ``$RUNBOOK_STORE``, or in the state folder."""
        text = named_store(self.get)
        if text and "://" in text:
            raise UsageProblem(
                f"--store {text.split('://')[0]}://… is not supported; allowed is the path of a SQLite file"
            )
        if text:
            return Journal(Path(text))
        return Journal(self.sandbox.journal if self.sandbox else state_folder() / "journal.db")

    def found(self, run_id: str) -> str:
        """Return the full id of a run; raises Refused, and names the sandbox where only that has a journal of its own."""
        try:
            return self.journal.find(run_id)
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

    @cached_property
    def _cluster(self) -> tuple[Any, Cluster]:
        return self._configured(self.get("context"), self.progress().warning)

    def _configured(self, context: str | None, *warn: Callable[[str], None]) -> tuple[Any, Cluster]:
        from remediation.providers.kubernetes import configurations  # noqa: PLC0415

        if self.sandbox:
            return configurations.load(str(self.sandbox.kubeconfig), self.sandbox.context)
        if context:
            remember_target(context=context)
        with self.patience.asking("the login of this context"):
            return configurations.load(self.get("kubeconfig"), context, *warn)

    def _renewed(self) -> Any:
        """Read the same context again: another terminal may have switched the current one. It warns of nothing twice."""
        return self._configured(self._cluster[1].context)[0]

    def target(self, kind: type[Target]) -> Target:
        """Return the coordinates of the target; raises UsageProblem when they are not given."""
        if kind is Project:
            return self._project()
        found = self._cluster[1]
        names = {
            name: self.get(name) or (self.sandbox.coordinates.get(name) if self.sandbox else None)
            for name in ("project", "location", "cluster")
        }
        return Cluster(found.context, found.server, **names)

    def _project(self) -> Project:
        name = self.get("project") or (self.sandbox.coordinates["project"] if self.sandbox else None)
        if not name:
            raise UsageProblem(
                "--project is missing; allowed is the id of a Google Cloud project, such as example-prod"
            )
        return Project(project=project_id(name), location=self.get("location"), cluster=self.get("cluster"))

    def api(self, target: Target, kind: type[Target]) -> RunApi:
        """Return the clients for a target."""
        from remediation.verbs.api import RunApi  # noqa: PLC0415 - help and completion need no client

        configuration = None if kind is Project else self._cluster[0]
        endpoints = self.sandbox.google if self.sandbox else google_endpoints()
        return RunApi(target, configuration, self.journal, endpoints, self._renewed, self.patience)

    @cached_property
    def patience(self) -> Patience:
        """How long this invocation asks again, and how a person hears of it."""
        from remediation.access.patience import Patience  # noqa: PLC0415 - help and completion need no client

        return Patience(self.progress().notice, patience_seconds())

    def progress(self, **bound: Any) -> Progress:
        """Return the progress display of this invocation, whose log events carry these values."""
        from remediation.cli.progress import Progress  # noqa: PLC0415 - help and completion show none

        log = None
        if self.get("log") not in (None, "off"):
            from remediation.cli.logs import logger  # noqa: PLC0415 - structlog costs a fifth of a second

            log = logger(**bound)
        return Progress(quiet=self.json, log=log)

    @cached_property
    def cluster_api(self) -> RunApi:
        """The clients of the cluster, for a verb that asks more than one runbook would."""
        return self.api(self.target(Cluster), Cluster)

    @cached_property
    def project_api(self) -> RunApi:
        """The clients of the project, likewise."""
        return self.api(self.target(Project), Project)

    def require_named_target(self, book: Runbook) -> None:
        """Refuse to write to a cluster that nobody named and nobody can be asked about."""
        if book.target is Project or self.get("context") or self.get("sandbox") or self.interactive:
            return
        current = self._cluster[1].context  # a kubeconfig that cannot be used is told first
        if self._only_context():
            return
        raise Refused(
            f"nobody named the cluster: the current context is {current!r}",
            "nothing was changed",
            repeat("--context", str(current)),
        )

    def _only_context(self) -> bool:
        """A kubeconfig, or a list of them, that was named and has one context names the cluster."""
        if not self.get("kubeconfig"):
            return False
        from remediation.providers.kubernetes.kubeconfig_files import contexts  # noqa: PLC0415

        return len(contexts(self.get("kubeconfig"))) == 1

    def about(self) -> dict[str, Any]:
        """Return who and why, for the journal."""
        return {"actor": self.get("actor") or _user(), "ticket": self.get("ticket"), "reason": self.get("reason")}

    def require_unpaused(self) -> None:
        """Refuse to start anything while the store is paused."""
        reason = self.journal.setting("paused")
        if reason:
            raise Refused(f"runs are paused: {reason}", "nothing was changed", command("runbook", "unpause"))


def project_id(text: str) -> str:
    """Return a project id; raises UsageProblem for text that cannot be one."""
    import re  # noqa: PLC0415

    if not re.fullmatch(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]{6,20}", text):
        raise UsageProblem(
            f"--project {text!r} is not a project id; allowed are 6 to 30 lower-case letters, digits and hyphens, or a project number"
        )
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
