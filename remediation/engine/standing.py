"""How far each operation of a run has come, as the entries of its record tell one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from remediation.model.changes import Intent, Written
from remediation.model.diffing import State

Progress = Literal["untouched", "intended", "done", "undoing", "undone"]


@dataclass(kw_only=True)
class Standing:
    """What was begun, done and put back, each by the index of its operation.

    Attributes:
        written: what each change left.
        intents: what was known when each change was begun.
        undo_intents: the same of its undo.
        outputs: what later operations use of what was made, by address.
        failed: why the operation of a change failed that has left something nevertheless.
    """

    progress: dict[int, Progress] = field(default_factory=dict)
    written: dict[int, Written] = field(default_factory=dict)
    intents: dict[int, Intent] = field(default_factory=dict)
    undo_intents: dict[int, Intent] = field(default_factory=dict)
    outputs: dict[str, State] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    def come(self, kind: str, index: int, payload: State, when: float) -> None:
        """Take in one entry."""
        match kind:
            case "change.intended":
                self.progress[index] = "intended"
                self.intents[index] = _intent(payload, when)
            case "change.submitted":
                self.intents[index] = replace(self.intents[index], handle=payload["handle"])
            case "change.done" | "change.failed":
                self.progress[index] = "done"
                self.written[index] = Written(payload["after"], payload["identity"])
                self.failed |= {index: payload["reason"]} if kind == "change.failed" else {}
            case "change.withdrawn":
                self.progress[index] = "untouched"
            case "undo.intended":
                self.progress[index] = "undoing"
                self.undo_intents[index] = _intent(payload, when)
            case "undo.submitted":
                self.undo_intents[index] = replace(self.undo_intents[index], handle=payload["handle"])
            case "undo.withdrawn":
                self.progress[index] = "done"
            case "undo.done":
                self.progress[index] = "undone"

    @property
    def begun(self) -> bool:
        """Tell whether any change was made, may have been made, or was undone."""
        return any(progress != "untouched" for progress in self.progress.values())

    def progress_of(self, index: int) -> Progress:
        """Return how far an operation has come."""
        return self.progress.get(index, "untouched")

    def is_untouched(self, index: int) -> bool:
        """Tell whether nothing of an operation is in place, for it was never begun or is undone."""
        return self.progress_of(index) in ("untouched", "undone")


def _intent(payload: State, when: float) -> Intent:
    return Intent(payload.get("server_time", when), payload.get("version", ""), payload.get("token", ""))
