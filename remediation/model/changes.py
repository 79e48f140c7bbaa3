"""What a run does to one resource, as a value that can be shown, recorded, reversed and compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from remediation.model import diffing
from remediation.model.diffing import Edit, Json, State

Action = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class Change:
    """One resource with what it is and what it should be; ``None`` means that it does not exist.

    Attributes:
        impact: what else happens then, as the target was when it was planned; it is shown, and not recorded.
    """

    address: str
    before: State | None
    after: State | None
    edits: tuple[Edit, ...]
    reversible: bool = True
    temporary: bool = False
    note: str = ""
    impact: str = field(default="", compare=False)

    @classmethod
    def between(cls, address: str, before: State | None, after: State | None, **more: Any) -> Change:
        """Return the change with the smallest edits; fields whose value is not known yet count as edits."""
        return cls(address, before, after, diffing.diff(before or {}, after or {}), **more)

    @property
    def action(self) -> Action:
        """What happens to the resource as a whole."""
        if self.before is None:
            return "create"
        return "delete" if self.after is None else "update"

    def reverse(self) -> Change:
        """Return the change that restores ``before`` and touches nothing else."""
        edits = tuple(edit.reverse() for edit in reversed(self.edits))
        return Change(self.address, self.after, self.before, edits, self.reversible, self.temporary, self.note)

    def drifted(self, current: State | None, ignoring: Callable[[Edit], bool] | None = None) -> list[str]:
        """Return the pointers whose value is no longer what this change starts from.

        A temporary object goes whatever others have written into it: nobody else has any use for it.
        Of an object that goes as a whole, ``ignoring`` picks the differences that are no reason to keep it; these are
        otherwise the values that nobody knew.
        """
        if self.temporary and self.action == "delete":
            return []
        if (current is None) != (self.before is None):
            return ["/"]
        if self.action != "update":
            return [] if current is None else _differing(self.before, current, ignoring)
        return [edit.pointer for edit in self.edits if diffing.get(current, edit.path) != edit.old]

    def landed(self, current: State | None) -> bool:
        """Tell whether the resource already is as this change leaves it, in every field the change names."""
        if current is None or self.after is None:
            return current is None and self.after is None
        return all(_made(edit, diffing.get(current, edit.path)) for edit in self.edits)

    def mixed(self, current: State | None) -> list[str]:
        """Return the pointers whose value this change neither starts from nor leaves: somebody else has set them."""
        if self.action != "update":
            return []
        values = ((edit, diffing.get(current, edit.path)) for edit in self.edits)
        return [edit.pointer for edit, value in values if value != edit.old and not _made(edit, value)]

    def as_json(self) -> State:
        """Return the public form: ``address, action, edits, reversible`` and what qualifies them."""
        document: State = {
            "address": self.address,
            "action": self.action,
            "reversible": self.reversible,
            "edits": [{"path": edit.pointer, "old": _plain(edit.old), "new": _plain(edit.new)} for edit in self.edits],
        }
        return document | ({"temporary": True} if self.temporary else {}) | ({"note": self.note} if self.note else {})


def impacts(changes: Iterable[Change]) -> list[str]:
    """Return what changes bring about beside what they say, each once."""
    return list(dict.fromkeys(change.impact for change in changes if change.impact))


def _differing(expected: State | None, current: State | None, ignoring: Callable[[Edit], bool] | None) -> list[str]:
    edits = diffing.diff(expected or {}, current or {})
    return [edit.pointer for edit in edits if not (ignoring or was_unknown)(edit)]


def was_unknown(edit: Edit) -> bool:
    """Tell whether an edit starts from a value that was not known when it was planned or recorded."""
    return bool(edit.old == diffing.KNOWN_AFTER_APPLY)


def _made(edit: Edit, present: Json) -> bool:
    """Tell whether a field is as an edit leaves it; of a value that was not known before, that it is another one."""
    if edit.new == diffing.KNOWN_AFTER_APPLY:
        return not diffing.equal(present, edit.old)
    return bool(present == edit.new)


def _plain(value: Json) -> Json:
    return None if value is diffing.ABSENT else value


@dataclass(frozen=True)
class Written:
    """What a write left behind: the resource as it is now, and the identity (uid) it has."""

    after: State | None
    identity: str = ""


@dataclass(frozen=True)
class Seen:
    """A resource as it was read.

    Attributes:
        state: what plans and records show; None when it does not exist.
        server_time: the clock of the API that was asked, in seconds since 1970.
        version: changes with every write, where the API has such a thing.
        identity: the uid, where it has one.
        raw: the API's own document, which tells who set which field. Never recorded.
    """

    state: State | None
    server_time: float
    version: str = ""
    identity: str = ""
    raw: State | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Intent:
    """What is known of the moment when a write was begun.

    Attributes:
        server_time: the clock of the API that was to be written to, in seconds since 1970; in records that did not
            note it, the clock of the machine that wrote.
        version: the version that was there before the write; empty where there is none, or where it was not noted.
        token: what makes a repeat of a long write recognisable to the API, see `long_writes`; empty for any other write.
        handle: the name of the operation that the API carries out; empty until it is known.
    """

    server_time: float = 0.0
    version: str = ""
    token: str = ""
    handle: str = ""


def canonical(value: Json) -> bytes:
    """Return the one byte string that stands for a JSON value; half of a surrogate pair is kept as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")


def fingerprint(value: Json) -> str:
    """Return ``sha256:`` and 64 hex digits of the canonical JSON."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()
