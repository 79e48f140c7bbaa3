"""Runs of steps that a test makes up, carried out in this process against a server that a test chooses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from remediation.catalogue.runbook import Runbook
from remediation.engine.apply import apply_run
from remediation.engine.outcome import Outcome
from remediation.engine.plan import Plan, Planner
from remediation.engine.rollback import rollback_run
from remediation.engine.run import Run
from remediation.journal import Journal, opened
from remediation.model.errors import RunbookError
from remediation.model.status import Risk
from remediation.model.steps import Ensure, Steps, Verdict
from remediation.model.targets import Cluster as Target
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from remediation.verbs.api import RunApi
from runbook_sandbox.kubernetes import Cluster, serve


class Silent:
    """Nobody watches."""

    def changing(self, change: Any) -> None: ...

    def waiting(self, ensure: Ensure, verdict: Verdict, seconds: float) -> None: ...

    def answered(self, ensure: Ensure, verdict: Verdict) -> None: ...

    def underway(self, change: Any, operation: Any, seconds: float) -> None: ...

    def held_up(self, by: str, since: float, left: float) -> None: ...


class Inside:
    """One server, one journal, and a namespace of its own for each test."""

    def __init__(self, path: Path, journal: Journal) -> None:
        configuration = configurations.load(str(path), None)[0]
        self.kubeconfig, self.journal = path, journal
        self.target = Target(context="here", server=configuration.host)
        self.api = RunApi(self.target, journal, {"kubernetes": configuration})
        self.client = KubernetesClient(configuration)  # of everybody else
        self._books: dict[str, Runbook] = {}

    def begin(self, *steps: Any) -> Run:
        """Plan steps as those of a runbook of their own, and record the run."""

        def made(target: Target, **_: Any) -> Steps:
            yield from steps

        declared = [getattr(item, "check", None) or getattr(item, "artefact", item) for item in steps]
        book = Runbook("made-up", "NET-00", Risk.LOW, "", "", made, (), Target, declares=lambda *_, **__: declared)
        plan = Planner(Plan(book, self.target, {}), self.api).drive(made(self.target))
        run = Run.begin(self.journal, plan, {"actor": "me"})
        self._books[run.id] = book
        return self._known(run)

    def load(self, run: Run) -> Run:
        """Read a run as a later process does."""
        return self._known(Run.load(self.journal, run.id))

    def _known(self, run: Run) -> Run:
        """Tell a run its runbook, which is in no catalogue."""
        run.__dict__["book"] = self._books[run.id]
        return run

    def run(self, *steps: Any, undo: bool = True) -> tuple[Run, Outcome]:
        run = self.begin(*steps)
        return run, apply_run(run, self.api, Silent(), lambda problem: undo)

    def rollback(self, run: Run) -> Outcome | RunbookError:
        """Undo a run as a later process does; returns the error of a refused one."""
        try:
            return rollback_run(self.load(run), self.api, Silent())
        except RunbookError as problem:
            return problem


def emulated(folder: Path) -> Iterator[tuple[Inside, Cluster]]:
    """An emulated server."""
    path = folder / "kubeconfig"
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster(nodes=1))
        path.write_text(json.dumps(stack.enter_context(serve(cluster)).kubeconfig()))
        yield Inside(path, opened(folder / "journal.db")), cluster
