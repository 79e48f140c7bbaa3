"""The place where verbs work: the journal, the coordinates of the target, and the clients for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from remediation.journal import Journal, opened
from remediation.model.commands import command, repeat
from remediation.model.errors import Refused, UsageProblem
from remediation.model.targets import Cluster, Project, Target
from remediation.verbs.settings import Settings

if TYPE_CHECKING:
    from remediation.access.material import Material
    from remediation.access.patience import Patience
    from remediation.access.stopping import Stop
    from remediation.verbs.api import RunApi
    from remediation.verbs.observing import Observer

_PROJECT = r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]{6,20}"


class Place:
    """One place to work; each part of it is looked up when it is first needed.

    Args:
        settings: where, and who works there.
        observer: told about progress; None for nobody.
        stop: ends what is done here, from any thread; None where nobody wants to.
    """

    def __init__(self, settings: Settings, observer: Observer | None = None, stop: Stop | None = None) -> None:
        self.settings, self._observer, self._stop = settings, observer, stop

    @cached_property
    def observer(self) -> Observer:
        """Who is told about progress."""
        from remediation.verbs.observing import Silent  # noqa: PLC0415 - a list of runs tells of none

        return self._observer or Silent()

    @cached_property
    def journal(self) -> Journal:
        """The record of every run."""
        return opened(self.settings.journal)

    @cached_property
    def patience(self) -> Patience:
        """How long this place asks again, and who hears of it."""
        from remediation.access.patience import Patience  # noqa: PLC0415 - a list of runs needs no client

        return Patience(self.observer.notice, self.settings.patience, self._stop)

    @cached_property
    def _cluster(self) -> tuple[Any, Cluster]:
        return self._configured(self.settings.context, self.observer.warning)

    def _configured(self, context: str | None, *warn: Callable[[str], None]) -> tuple[Any, Cluster]:
        from remediation.providers.kubernetes import configurations  # noqa: PLC0415 - as above

        with self.patience.asking("the login of this context"):
            named, there = self.settings.kubeconfig, self.settings
            return configurations.load(
                named or there.usual_kubeconfig,
                context,
                *warn,
                in_cluster=there.in_cluster and not named,
                terminal=there.terminal,
            )

    def _renewed(self) -> Any:
        """Read the same context again: somebody may have switched the current one. It warns of nothing twice."""
        return self._configured(self._cluster[1].context)[0]

    def target(self, kind: type[Target]) -> Target:
        """Return the coordinates of the target; raises UsageProblem when they are not given."""
        if kind is Project:
            return self._project()
        found, known = self._cluster[1], self.settings.known
        return Cluster(found.context, found.server, known("project"), known("location"), known("cluster"))

    def _project(self) -> Project:
        name = self.settings.known("project")
        if not name:
            raise UsageProblem(
                "--project is missing; allowed is the id of a Google Cloud project, such as example-prod"
            )
        return Project(project=project_id(name), location=self.settings.location, cluster=self.settings.cluster)

    def api(self, target: Target, material: Material | None = None) -> RunApi:
        """Return new clients for a target; ``material`` has the secrets that were read for an earlier look."""
        from remediation.verbs.api import RunApi  # noqa: PLC0415 - as above

        means = {"google": self.settings.google}
        if target.provider == "kubernetes":
            means["kubernetes"] = self._cluster[0]
        secrets = material or self.material()
        return RunApi(target, self.journal, means, renew=self._renewed, patience=self.patience, material=secrets)

    def material(self) -> Material:
        """Return where the secrets of a new run are kept."""
        from remediation.access.material import Material  # noqa: PLC0415 - as above

        return Material(self.settings.standard_input)

    @cached_property
    def cluster_api(self) -> RunApi:
        """The clients of the cluster, for a verb that asks more than one runbook would."""
        return self.api(self.target(Cluster))

    @cached_property
    def project_api(self) -> RunApi:
        """The clients of the project, likewise."""
        return self.api(self.target(Project))

    def require_named(self, kind: type[Target]) -> None:
        """Refuse to write to a cluster that nobody named and nobody is there to be asked about; raises Refused."""
        if kind is Project or self.settings.context or self.settings.attended:
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
        if not self.settings.kubeconfig:
            return False
        from remediation.providers.kubernetes.kubeconfig_files import contexts  # noqa: PLC0415 - as above

        return len(contexts(self.settings.kubeconfig)) == 1

    def require_unpaused(self) -> None:
        """Refuse to start anything while the store is paused; raises Refused."""
        reason = self.journal.setting("paused")
        if reason:
            raise Refused(f"runs are paused: {reason}", "nothing was changed", command("runbook", "unpause"))


def project_id(text: str) -> str:
    """Return a project id; raises UsageProblem for text that cannot be one."""
    if not re.fullmatch(_PROJECT, text):
        raise UsageProblem(
            f"--project {text!r} is not a project id; allowed are 6 to 30 lower-case letters, digits and hyphens, or a project number"
        )
    return text
