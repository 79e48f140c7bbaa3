"""One run as the journal tells it: what was meant, what was done, what was undone."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from remediation.changes import Written
from remediation.diffing import State
from remediation.engine.plan import Operation, Plan
from remediation.journal import Journal
from remediation.journal.holder import holder, is_dead
from remediation.model import Status

Progress = Literal["untouched", "intended", "done", "undoing", "undone"]


@dataclass
class Run:
    """One run and its record. Every method that changes something writes to the journal first."""

    journal: Journal
    id: str
    created: State
    operations: list[Operation] = field(default_factory=list)
    progress: dict[int, Progress] = field(default_factory=dict)
    written: dict[int, Written] = field(default_factory=dict)
    intended_at: dict[int, float] = field(default_factory=dict)
    undo_planned: bool = False
    status: str = "running"
    started: float = 0.0
    finished: float | None = None

    @classmethod
    def begin(cls, journal: Journal, run_id: str, plan: Plan, about: State) -> Run:
        """Record a new run with everything that a later day needs to finish or undo it."""
        created = about | {
            "runbook": plan.book.name,
            "id": plan.book.id,
            "target": plan.target.as_json(),
            "target_kind": plan.book.target.kind,
            "parameters": plan.parameters,
            "plan": plan.as_json(),
            "operations": [item.as_json() for item in plan.operations],
            "already_ok": plan.already_ok,
        }
        journal.append(run_id, "run.created", created)
        return cls(journal, run_id, created, list(plan.operations), started=time.time())

    @classmethod
    def load(cls, journal: Journal, run_id: str) -> Run:
        """Read a run back; raises Refused when the journal does not have it."""
        run_id = journal.find(run_id)
        events = journal.events(run_id)
        run = cls(journal, run_id, events[0].payload, started=events[0].time)
        run.operations = [Operation.from_json(item) for item in run.created["operations"]]
        for event in events[1:]:
            run._replay(event.kind, event.payload, event.time)
        return run

    def _replay(self, kind: str, payload: State, when: float) -> None:
        index = payload.get("index", -1)
        match kind:
            case "change.intended":
                self.progress[index], self.intended_at[index] = "intended", when
            case "change.done":
                self.progress[index] = "done"
                self.written[index] = Written(payload["after"], payload["identity"])
            case "change.withdrawn":
                self.progress[index] = "untouched"
            case "undo.intended":
                self.progress[index] = "undoing"
            case "undo.done":
                self.progress[index] = "undone"
            case "undo.planned":
                self.operations += [Operation.from_json(item) for item in payload["operations"]]
                self.undo_planned = True
            case "run.status":
                self.status, self.finished = payload["status"], when
            case "run.resumed" | "run.rolling_back":
                self.status, self.finished = "running", None
                self.created = self.created | {"holder": payload["holder"]}

    def intend(self, index: int) -> None:
        """Write ahead: this change is about to be made."""
        self._mark(index, "change.intended", "intended")
        self.intended_at[index] = time.time()

    def done(self, index: int, written: Written) -> None:
        """Record what a change left behind."""
        self.journal.append(
            self.id, "change.done", {"index": index, "after": written.after, "identity": written.identity}
        )
        self.progress[index], self.written[index] = "done", written

    def withdraw(self, index: int) -> None:
        """Record that an intended change was certainly not made: the API said no."""
        self._mark(index, "change.withdrawn", "untouched")

    def intend_undo(self, index: int) -> None:
        """Write ahead: this change is about to be undone."""
        self._mark(index, "undo.intended", "undoing")

    def undone(self, index: int) -> None:
        """Record that a change was undone."""
        self._mark(index, "undo.done", "undone")

    def _mark(self, index: int, kind: str, progress: Progress) -> None:
        self.journal.append(self.id, kind, {"index": index, "address": self._address(index)})
        self.progress[index] = progress

    def _address(self, index: int) -> str:
        resource = self.operations[index].resource
        return resource.address if resource else ""

    def plan_undo(self, operations: list[Operation]) -> None:
        """Record operations that a rollback adds to the run."""
        offset = len(self.operations)
        shifted = [
            Operation(item.kind, item.resource, item.change, item.ensure, item.of + offset if item.of >= 0 else -1)
            for item in operations
        ]
        self.journal.append(self.id, "undo.planned", {"operations": [item.as_json() for item in shifted]})
        self.operations += shifted
        self.undo_planned = True

    def note(self, kind: str, payload: State) -> None:
        """Record anything else that happened."""
        self.journal.append(self.id, kind, payload)
        if kind in ("run.resumed", "run.rolling_back"):
            self.status, self.finished = "running", None

    def end(self, status: Status, verify: State | None = None, error: State | None = None) -> None:
        """Record how a verb on the run ended."""
        self.journal.append(self.id, "run.status", {"status": str(status), "verify": verify, "error": error})
        self.status, self.finished = str(status), time.time()

    @cached_property
    def holder(self) -> str:
        """Who holds the locks of this run while this process works on it."""
        return holder(self.id, self.created.get("actor", "unknown"))

    @property
    def scopes(self) -> list[str]:
        """The lock scopes of everything the run writes."""
        return sorted({item.resource.scope for item in self.operations if item.resource})

    @property
    def is_rolling_back(self) -> bool:
        """Tell whether a rollback was begun; from then on the run can only be undone."""
        return self.undo_planned or any(
            item in ("undoing", "undone") and not self._temporary(index) for index, item in self.progress.items()
        )

    def _temporary(self, index: int) -> bool:
        change = self.operations[index].change
        return bool(change and change.temporary)

    def pending(self) -> bool:
        """Tell whether some operation of the plan has not been carried out."""
        return any(
            item.kind == "change" and self.progress.get(index, "untouched") in ("untouched", "intended")
            for index, item in enumerate(self.operations)
        )

    def as_json(self) -> dict[str, Any]:
        """Return the line of ``runbook runs -o json``."""
        return {
            "run_id": self.id,
            "runbook": self.created["runbook"],
            "id": self.created["id"],
            "status": self.shown_status,
            "started": _iso(self.started),
            "finished": _iso(self.finished),
            "target": self.created["target"],
            "actor": self.created.get("actor"),
            "ticket": self.created.get("ticket"),
            "reason": self.created.get("reason"),
        }

    @property
    def shown_status(self) -> str:
        """The status, with ``interrupted`` for a run whose process is gone."""
        return "interrupted" if self.status == "running" and is_dead(self.created.get("holder", "")) else self.status


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def new_run_id() -> str:
    """Return an id that sorts by time and is short enough to type: ``20260102-030405-ab12``."""
    import secrets  # noqa: PLC0415 - only a run needs it

    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(2)
