"""Play a scenario in this process: look, plan, run, look again, plan again and take back, on the embedded cluster and cloud."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from remediation.catalogue.runbook import Runbook
from remediation.engine.apply import apply_run
from remediation.engine.plan import Plan, Planner
from remediation.engine.rollback import rollback_run
from remediation.engine.run import Run
from remediation.journal import Journal, opened
from remediation.model.errors import RunbookError
from remediation.model.facts import Facts
from remediation.model.steps import Ensure, Verdict
from remediation.model.targets import Cluster, Project, Target
from remediation.providers.kubernetes import configurations
from remediation.testing.survey.watching import Seen, watched
from remediation.testing.worlds import EmulatedWorld
from remediation.verbs.api import RunApi
from runbook_sandbox.process import COORDINATES


class _Nobody:
    """Watches a run and says nothing."""

    def changing(self, change: Any) -> None: ...

    def waiting(self, ensure: Ensure, verdict: Verdict, seconds: float) -> None: ...

    def answered(self, ensure: Ensure, verdict: Verdict) -> None: ...

    def held_up(self, by: str, since: float, left: float) -> None: ...

    def underway(self, change: Any, operation: Any, seconds: float) -> None: ...


def targets(kind: type[Target], server: str) -> list[Target]:
    """Return the forms that a target has: a project; or a cluster by its address alone, and as one of GKE."""
    if kind is Project:
        return [Project(project=COORDINATES["project"])]
    return [Cluster(server=server), Cluster(server=server, **COORDINATES)]


def play(world: EmulatedWorld, book: Runbook, target: Target, recorded: dict[str, Any], *, runs: bool) -> Seen:
    """Look and plan with these parameters and, where it ``runs``, play the whole life of a run.

    Where a verb refuses, what it asked until then counts.
    """
    seen = Seen()
    heard = watched(book, seen)
    journal = opened(world.folder / "survey.db")
    try:
        api = _api(world, target, book.target, journal)
        _look(heard, target, api)
        with suppress(RunbookError):
            plan = _planned(heard, target, api, recorded)
            if runs and plan.changes:
                _live(plan, api, journal)
    finally:
        journal.close()
    return seen


def _api(world: EmulatedWorld, target: Target, kind: type[Target], journal: Journal) -> RunApi:
    google = {"google": world.google.url, "iam": world.google.grpc_target, "token": world.google.token}
    means: dict[str, Any] = {"google": google}
    if kind is not Project:
        means["kubernetes"] = configurations.load(str(world.kubeconfig), None)[0]
    return RunApi(target, journal, means)


def _look(book: Runbook, target: Target, api: RunApi) -> None:
    if book.diagnose:
        with suppress(RunbookError):
            list(book.diagnose(target, facts=Facts(api)))


def _live(plan: Plan, api: RunApi, journal: Journal) -> None:
    """Carry a plan out, look, plan again and take the run back."""
    run = Run.begin(journal, plan, {"actor": "survey"})
    run.__dict__["book"] = plan.book
    apply_run(run, api, _Nobody(), lambda _: False)
    _look(plan.book, plan.target, api)
    with suppress(RunbookError):
        _planned(plan.book, plan.target, api, plan.parameters)
    again = Run.load(journal, run.id)
    again.__dict__["book"] = plan.book
    rollback_run(again, api, _Nobody())


def _planned(book: Runbook, target: Target, api: RunApi, recorded: dict[str, Any]) -> Plan:
    with api.snapshot():
        plan = Plan(book, target, recorded)
        return Planner(plan, api).drive(book.steps(target, **book.values(recorded), facts=Facts(api)))
