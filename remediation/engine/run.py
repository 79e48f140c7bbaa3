"""One run as the journal tells it: what was meant, what was done, what was undone."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

from remediation import catalogue
from remediation.catalogue import Runbook
from remediation.changes import Written
from remediation.diffing import State
from remediation.engine.plan import Operation, Plan
from remediation.journal import Journal
from remediation.journal.holder import holder, is_dead
from remediation.model import Status, Target

Progress = Literal["untouched", "intended", "done", "undoing", "undone"]


@dataclass
class Run:
    """One run and its record. Every method that changes something writes to the journal first.

    Attributes:
        intended_at: when each change was begun, in seconds since 1970.
        first_undo: the index of the first operation that the runbook's own undo has added.
    """

    journal: Journal
    id: str
    created: State
    operations: list[Operation] = field(default_factory=list)
    progress: dict[int, Progress] = field(default_factory=dict)
    written: dict[int, Written] = field(default_factory=dict)
    intended_at: dict[int, float] = field(default_factory=dict)
    first_undo: int = 0
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
        return cls(
            journal, run_id, created, list(plan.operations), started=time.time(), first_undo=len(plan.operations)
        )

    @classmethod
    def load(cls, journal: Journal, run_id: str) -> Run:
        """Read a run back; raises Refused when the journal does not have it."""
        run_id = journal.find(run_id)
        events = journal.events(run_id)
        run = cls(journal, run_id, events[0].payload, started=events[0].time)
        run.operations = [Operation.from_json(item) for item in run.created["operations"]]
        run.first_undo = len(run.operations)
        for event in events[1:]:
            run._replay(event.kind, event.payload, event.time)
        return run

    def refresh(self) -> None:
        """Read the journal again: another process may have worked on the run until its lock was ours."""
        now = Run.load(self.journal, self.id)
        for item in fields(self):
            setattr(self, item.name, getattr(now, item.name))

    def _record(self, kind: str, payload: State) -> None:
        """Write ahead, then know it ourselves as any later process will."""
        event = self.journal.append(self.id, kind, payload)
        self._replay(event.kind, event.payload, event.time)

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
                self.first_undo = len(self.operations)
                self.operations += [Operation.from_json(item) for item in payload["operations"]]
            case "run.status":
                self.status, self.finished = payload["status"], when
            case "run.resumed" | "run.rolling_back":
                self.status, self.finished = "running", None
                self.created = self.created | {"holder": payload["holder"]}

    def intend(self, index: int) -> None:
        """Write ahead: this change is about to be made."""
        self._record("change.intended", {"index": index, "address": self._address(index)})

    def done(self, index: int, written: Written) -> None:
        """Record what a change left behind."""
        self._record("change.done", {"index": index, "after": written.after, "identity": written.identity})

    def withdraw(self, index: int) -> None:
        """Record that an intended change was certainly not made: the API said no."""
        self._record("change.withdrawn", {"index": index, "address": self._address(index)})

    def intend_undo(self, index: int) -> None:
        """Write ahead: this change is about to be undone."""
        self._record("undo.intended", {"index": index, "address": self._address(index)})

    def undone(self, index: int) -> None:
        """Record that a change was undone."""
        self._record("undo.done", {"index": index, "address": self._address(index)})

    def _address(self, index: int) -> str:
        resource = self.operations[index].resource
        return resource.address if resource else ""

    def plan_undo(self, operations: list[Operation]) -> None:
        """Record operations that a rollback adds to the run."""
        offset = len(self.operations)
        shifted = [replace(item, of=item.of + offset if item.of >= 0 else -1) for item in operations]
        self._record("undo.planned", {"operations": [item.as_json() for item in shifted]})

    def note(self, kind: str, payload: State) -> None:
        """Record anything else that happened."""
        self._record(kind, payload)

    def end(self, status: Status, verify: State | None = None, error: State | None = None) -> None:
        """Record how a verb on the run ended."""
        self._record("run.status", {"status": str(status), "verify": verify, "error": error})

    @property
    def undo_planned(self) -> bool:
        """Tell whether the runbook's own undo has added operations."""
        return self.first_undo < len(self.operations)

    @cached_property
    def book(self) -> Runbook:
        """The runbook, as it is now."""
        return catalogue.find(self.created["runbook"])

    @property
    def target(self) -> Target:
        """The coordinates that the run was made for."""
        return self.book.target(**self.created["target"])

    @property
    def begun(self) -> bool:
        """Tell whether any change was made, may have been made, or was undone."""
        return any(progress != "untouched" for progress in self.progress.values())

    @property
    def in_place(self) -> list[str]:
        """The addresses of what is, or may be, changed by this run now."""
        there = [index for index, progress in self.progress.items() if progress not in ("untouched", "undone")]
        return [self._address(index) for index in sorted(there)]

    @property
    def made(self) -> dict[str, State]:
        """What the run has made or may have made, by address, also what it has put back since."""
        found = {}
        for index, item in enumerate(self.operations):
            if item.change and self.progress.get(index, "untouched") != "untouched":
                found[item.change.address] = (self.written.get(index) or Written(item.change.after)).after or {}
        return found

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
