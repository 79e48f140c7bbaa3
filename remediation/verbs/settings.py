"""Where a workspace works and who works there, as values: nothing below the command line asks an environment or a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

COORDINATES = ("context", "project", "location", "cluster")
# Quotas of Google's APIs are counted by the minute, and a storm in a cluster seldom lasts longer.
PATIENCE_SECONDS = 120.0


class Sandbox(Protocol):
    """What is to be known of a running sandbox, `runbook_sandbox.process.ensure_running` returns one."""

    @property
    def journal(self) -> Path:
        """Its journal of runs."""

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of its cluster."""

    @property
    def context(self) -> str:
        """The context in it."""

    @property
    def coordinates(self) -> dict[str, str]:
        """Its Google project, location and cluster."""

    @property
    def google(self) -> dict[str, str]:
        """Where its Google APIs are, and the token for them."""


@dataclass(frozen=True)
class Settings:
    """Where a workspace works, and who works there.

    Attributes:
        journal: the file of the journal; it is made when missing.
        kubeconfig: a search path of kubeconfig files that was named; None for the usual one.
        usual_kubeconfig: the search path where none is named; None for ``~/.kube/config``.
        in_cluster: whether the service account of this pod is taken where there is no kubeconfig.
        context: of the kubeconfig; None for the current one.
        project: the Google Cloud project.
        location: of the GKE cluster.
        cluster: the name of the GKE cluster.
        usual: project, location and cluster where neither the caller nor a record names them.
        google: where Google's APIs are; None for the real ones.
        rehearsal: whether this is a sandbox, whose address says nothing.
        attended: whether a person is there, who was shown which cluster is the current one.
        terminal: whether login plugins may ask at the terminal of this process.
        standard_input: reads so many bytes of it at most, for a key file called ``-``; None where there is none.
        patience: for how many seconds a throttled request is repeated.
        actor: who works, for the journal and the locks.
        ticket: the change or incident, for the journal.
        reason: why, for the journal.
    """

    journal: str | Path
    kubeconfig: str | None = None
    usual_kubeconfig: str | None = None
    in_cluster: bool = False
    context: str | None = None
    project: str | None = None
    location: str | None = None
    cluster: str | None = None
    usual: Mapping[str, str] = field(default_factory=dict)
    google: dict[str, str] | None = None
    rehearsal: bool = False
    attended: bool = False
    terminal: bool = False
    standard_input: Callable[[int], bytes] | None = None
    patience: float = PATIENCE_SECONDS
    actor: str = "unknown"
    ticket: str | None = None
    reason: str | None = None

    @classmethod
    def of_sandbox(cls, sandbox: Sandbox, **more: Any) -> Settings:
        """Return the settings for a running sandbox, whose own journal is used unless ``more`` names another."""
        where = {"kubeconfig": str(sandbox.kubeconfig), "context": sandbox.context, "google": sandbox.google}
        return cls(**{"journal": sandbox.journal} | more | where, usual=sandbox.coordinates, rehearsal=True)

    def known(self, name: str) -> str | None:
        """Return a coordinate: as it was given, else the usual one."""
        given: str | None = getattr(self, name)
        return given or self.usual.get(name)

    def at(self, recorded: Mapping[str, str]) -> Settings:
        """Return the settings for the target of a record: what is given here goes first."""
        named: dict[str, Any] = {name: getattr(self, name) or recorded.get(name) for name in COORDINATES}
        return replace(self, **named)

    def about(self) -> dict[str, Any]:
        """Return who and why, for the journal."""
        return {"actor": self.actor, "ticket": self.ticket, "reason": self.reason}
