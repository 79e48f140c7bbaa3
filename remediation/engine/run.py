"""One run as the journal tells it: what was meant, what was done, what was undone."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property

from remediation.engine.created import Created, described
from remediation.engine.kept import kept
from remediation.engine.listed import ended, iso, said, unreadable
from remediation.engine.operations import Operation, outputs, with_known
from remediation.engine.plan import Plan
from remediation.engine.reading import complete, require_known
from remediation.engine.standing import Standing
from remediation.journal import Event, Journal
from remediation.journal.holder import holder, is_dead
from remediation.journal.ids import draw
from remediation.model import versions
from remediation.model.changes import Seen, Written
from remediation.model.diffing import State
from remediation.model.errors import Unreadable
from remediation.model.references import references
from remediation.model.status import Status


@dataclass
class Run(Standing, Created):
    """One run and its record. Every method that changes something writes to the journal first.

    Attributes:
        undo: what its undo does first, as it was planned.
        first_undo: the index of the first operation that the runbook's own undo has added.
        entries: how many of its entries this process knows.
        epoch: which acquisition of the run's locks this process writes for; 0 while it has none.
        fresh: whether this process has made the run, and no other has worked on it.
        by: the actor, ticket and reason of whoever works on it now.
    """

    journal: Journal
    operations: list[Operation] = field(default_factory=list)
    undo: list[Operation] = field(default_factory=list)
    first_undo: int = 0
    status: str = "running"
    started: float = 0.0
    finished: float | None = None
    verify: State | None = None
    entries: int = 1
    epoch: int = 0
    fresh: bool = False
    by: State = field(default_factory=dict)

    @classmethod
    def begin(cls, journal: Journal, plan: Plan, about: State) -> Run:
        """Record a new run with everything that a later day needs to finish or undo it; ``about`` says who and why."""
        created, actor = described(plan, about), about.get("actor") or "unknown"
        event = journal.begin(draw, lambda run_id: created | {"holder": holder(run_id, actor, plan.book.name)})
        run = cls(event.run_id, event.payload, journal, list(plan.operations), started=event.time, fresh=True)
        run.undo, run.first_undo = list(plan.undo), len(run.operations)
        return run

    @classmethod
    def load(cls, journal: Journal, run_id: str) -> Run:
        """Read a run back.

        Raises:
            Refused: the journal does not have it.
            Unreadable: it was recorded in a way that this version does not know.
            Tampered: its entries are not as they were written.
        """
        return cls._told_by(journal, found := journal.find(run_id), journal.intact(found))

    @classmethod
    def _told_by(cls, journal: Journal, run_id: str, events: list[Event]) -> Run:
        try:
            with complete():
                run = cls(run_id, versions.entry("run.created", events[0].payload), journal, started=events[0].time)
                require_known(run.created)
                run.operations = [Operation.from_json(item) for item in run.created["operations"]]
                run.undo = [Operation.from_json(item) for item in run.created["undo"]]
                run.first_undo = len(run.operations)
                for event in events[1:]:
                    run._replay(event.kind, event.payload, event.time)
        except Unreadable as problem:
            raise unreadable(run_id, problem.summary) from problem
        return run

    def refresh(self) -> None:
        """Read the journal again: another process may have worked on the run until its lock was ours."""
        now = vars(replace(Run.load(self.journal, self.id), by=self.by))
        vars(self).update({item.name: now[item.name] for item in fields(self)})

    def work_as(self, about: State) -> None:
        """Let somebody work on a run that was read back; ``about`` says who and why, for lock and record."""
        self.by, self.holder = about, holder(self.id, about["actor"], self.created["runbook"])

    def _record(self, kind: str, payload: State) -> None:
        """Write ahead, then know it ourselves as any later process will; raises LockLost when one has taken over the run."""
        stamped = versions.stamped(kind, payload)
        event = self.journal.append(self.id, kind, stamped, sequence=self.entries + 1, epoch=self.epoch)
        self._replay(event.kind, event.payload, event.time)

    def _replay(self, kind: str, payload: State, when: float) -> None:
        self.entries += 1
        payload = versions.entry(kind, payload)
        self.come(kind, self._index(kind, payload), payload, when)
        match kind:
            case "change.done" if payload.get("outputs"):
                self.outputs[payload["address"]] = payload["outputs"]
                self.operations[:] = [with_known(item, self.outputs) for item in self.operations]
            case "undo.planned":
                self.first_undo = len(self.operations)
                self.operations += [Operation.from_json(item) for item in payload["operations"]]
            case "run.status":
                self.status, self.finished, self.verify = payload["status"], when, payload["verify"]
            case "run.resumed" | "run.rolling_back":
                self.status, self.finished = "running", None
                self.created = self.created | {"holder": payload["holder"]}

    def _index(self, kind: str, payload: State) -> int:
        """Return the operation that an entry is about, -1 when it is about none."""
        if kind == "run.created":
            raise Unreadable("two runs have its id")
        index = payload.get("index", -1)
        if "index" in payload and index not in range(len(self.operations)):
            raise Unreadable(f"its entry {kind} names operation {index!r}, and it has {len(self.operations)}")
        return int(index)

    def intend(self, index: int, seen: Seen, token: str = "") -> None:
        """Write ahead: this change is about to be made, on what was seen; ``token`` goes with a long write."""
        known = {"server_time": seen.server_time, "version": seen.version} | ({"token": token} if token else {})
        self._record("change.intended", {"index": index, "address": self._address(index)} | known)

    def done(self, index: int, written: Written) -> None:
        """Record what a change left behind."""
        after = kept(self.operations[index].change, written.after)
        told = outputs(self.operations, index, written.after) if self._refers else {}
        about = {"index": index, "after": after, "identity": written.identity}
        self._record("change.done", about | ({"address": self._address(index), "outputs": told} if told else {}))

    def fail(self, index: int, reason: str, left: Written) -> None:
        """Record what an operation that failed has left of its change: it can only be put back from now on."""
        after = kept(self.operations[index].change, left.after)
        self._record("change.failed", {"index": index, "reason": reason, "after": after, "identity": left.identity})

    def withdraw(self, index: int) -> None:
        """Record that an intended change was certainly not made: the API said no."""
        self._record("change.withdrawn", {"index": index, "address": self._address(index)})

    def intend_undo(self, index: int, server_time: float = 0.0, token: str = "") -> None:
        """Write ahead: this change is about to be undone; the API's clock and ``token`` go with a long write."""
        known = {"server_time": server_time, "token": token} if token else {}
        self._record("undo.intended", {"index": index, "address": self._address(index)} | known)

    def submitted(self, index: int, handle: str) -> None:
        """Record the operation that the API carries out: of the change, or of its undo where that was intended."""
        kind = "undo.submitted" if self.progress_of(index) == "undoing" else "change.submitted"
        self._record(kind, {"index": index, "address": self._address(index), "handle": handle})

    def withdraw_undo(self, index: int) -> None:
        """Record that the undo of a change certainly did nothing."""
        self._record("undo.withdrawn", {"index": index, "address": self._address(index)})

    def undone(self, index: int) -> None:
        """Record that a change was undone."""
        self._record("undo.done", {"index": index, "address": self._address(index)})

    def _address(self, index: int) -> str:
        resource = self.operations[index].resource
        return resource.address if resource else ""

    def plan_undo(self, operations: list[Operation]) -> None:
        """Record operations that a rollback adds to the run."""
        offset = len(self.operations)
        shifted = [replace(item, of=item.of + offset) if item.kind == "restore" else item for item in operations]
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
    def _refers(self) -> bool:
        return any(item for operation in self.operations for item in references((operation.resource, operation.change)))

    @property
    def in_place(self) -> list[str]:
        """The addresses of what is, or may be, changed by this run now."""
        there = [index for index, progress in self.progress.items() if progress not in ("untouched", "undone")]
        return [self._address(index) for index in sorted(there)]

    @property
    def made(self) -> dict[str, State]:
        """What the run has made or may have made, by address, also what it has put back since."""
        return {
            item.change.address: (self.written.get(index) or Written(item.change.after)).after or {}
            for index, item in enumerate(self.operations)
            if item.change and self.progress_of(index) != "untouched"
        }

    @property
    def scopes(self) -> list[str]:
        """The lock scopes of everything the run writes."""
        return sorted({item.resource.scope for item in self.operations if item.resource})

    @property
    def is_rolling_back(self) -> bool:
        """Tell whether a rollback was begun, or an operation has failed half-way; from then on the run can only be undone."""
        back = ("undoing", "undone")
        begun = any(item in back and not self.operations[index].is_temporary for index, item in self.progress.items())
        return begun or self.undo_planned or bool(self.failed)

    def as_json(self) -> State:
        """Return the line of ``runbook runs -o json``."""
        times = {"started": iso(self.started), "finished": iso(self.finished)}
        return {
            "run_id": self.id,
            **said(self.created),
            "status": self.shown_status,
            "proven": ended(self.verify),
            **times,
        }

    @property
    def shown_status(self) -> str:
        """The status, with ``interrupted`` for a run whose process is gone."""
        return "interrupted" if self.status == "running" and is_dead(self.created.get("holder", "")) else self.status
