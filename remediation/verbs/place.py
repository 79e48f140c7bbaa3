"""The place where verbs work: the journal, the coordinates of the target, and the clients for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from remediation.journal import Journal, opened
from remediation.model.commands import command
from remediation.model.errors import Refused
from remediation.model.targets import Cluster, Project, Target
from remediation.verbs.settings import Settings

if TYPE_CHECKING:
    from remediation.access.material import Material
    from remediation.access.patience import Patience
    from remediation.access.stopping import Stop
    from remediation.verbs.api import RunApi
    from remediation.verbs.observing import Observer


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
    def _found(self) -> dict[type[Target], tuple[Target, Any]]:
        return {}

    def _way_to(self, kind: type[Target]) -> tuple[Target, Any]:
        """Return a target and how it is reached; looked up once, with what a person should know about the way there."""
        if kind not in self._found:
            self._found[kind] = self._reach(kind, self.settings, self.observer.warning)
        return self._found[kind]

    def _reach(self, kind: type[Target], settings: Settings, *warn: Callable[[str], None]) -> tuple[Target, Any]:
        from remediation import providers  # noqa: PLC0415 - as above

        with self.patience.asking("the login of this context"):
            return providers.named(kind.provider).reach(kind, settings, *warn)

    def target(self, kind: type[Target]) -> Target:
        """Return the coordinates of the target; raises UsageProblem when they are not given."""
        return self._way_to(kind)[0]

    def api(self, target: Target, material: Material | None = None) -> RunApi:
        """Return new clients for a target; ``material`` has the secrets that were read for an earlier look."""
        from remediation.verbs.api import RunApi  # noqa: PLC0415 - as above

        kind = type(target)
        # Somebody may have switched the current context since.
        same = replace(self.settings, context=target.context)
        means = {"google": self.settings.google, target.provider: self._way_to(kind)[1]}
        renew, secrets = (lambda: self._reach(kind, same)[1]), material or self.material()
        return RunApi(target, self.journal, means, renew=renew, patience=self.patience, material=secrets)

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
        """Refuse to write to a target that nobody named and nobody is there to be asked about; raises Refused."""
        from remediation import providers  # noqa: PLC0415 - as above

        if not self.settings.attended:
            providers.named(kind.provider).require_named(self.settings, partial(self.target, kind))

    def require_unpaused(self) -> None:
        """Refuse to start anything while the store is paused; raises Refused."""
        reason = self.journal.setting("paused")
        if reason:
            raise Refused(f"runs are paused: {reason}", "nothing was changed", command("runbook", "unpause"))
