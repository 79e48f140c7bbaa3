"""The operations of a plan, as a run carries them out and as the journal keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Literal

import remediation
from remediation.catalogue import loading
from remediation.engine.kept import kept
from remediation.model.artefacts import Collect
from remediation.model.changes import Change
from remediation.model.diffing import ABSENT, Edit, State, apply, get, parse_pointer
from remediation.model.errors import Unreadable
from remediation.model.records import found_by, from_record, to_record
from remediation.model.references import references, resolved
from remediation.model.steps import Ensure, Resource

# Which kinds of record there are, is known once each runbook and all that runbooks may import has been loaded.
found_by(lambda: [getattr(remediation, name) for name in dir(remediation)])
found_by(loading.load)


@dataclass(frozen=True)
class Operation:
    """One thing a run does: make a change, put a temporary one back, wait for a check, undo a lasting change, keep a look."""

    kind: Literal["change", "restore", "ensure", "undo", "collect"]
    resource: Resource | None = None
    change: Change | None = None
    ensure: Ensure | None = None
    of: int = -1  # for restore and undo: the index of the operation that is put back
    collect: Collect | None = None

    @property
    def is_temporary(self) -> bool:
        """Tell whether its change lasts only as long as the run."""
        return bool(self.change and self.change.temporary)

    def as_json(self) -> State:
        """Return the operation as the journal keeps it."""
        document: State = {"kind": self.kind, "of": self.of}
        if self.change is not None:
            document["change"] = self.change.as_json() | {
                "before": kept(self.change, self.change.before),
                "after": kept(self.change, self.change.after),
                "edits": [_edit_json(edit) for edit in self.change.edits],
            }
        if self.collect is not None:
            document["collect"] = _collect_json(self.collect)
        return document | {"resource": to_record(self.resource), "ensure": _ensure_json(self.ensure)}

    @classmethod
    def from_json(cls, document: State) -> Operation:
        """Return the operation that `as_json` wrote."""
        change, ensure, resource = document.get("change"), document.get("ensure"), from_record(document.get("resource"))
        if document["kind"] == "change" and not (is_dataclass(resource) and change):
            raise Unreadable("a change of it names no resource, or does not say what is changed")
        return cls(
            document["kind"],
            resource,
            resource.own(_change(change, resource)) if change and resource else None,
            _ensure(ensure) if ensure else None,
            document.get("of", -1),
            _collect(document["collect"]) if document.get("collect") else None,
        )


def parts(operation: Operation) -> tuple[Resource, Change]:
    """Return the resource and the change of an operation that has them."""
    if operation.resource is None or operation.change is None:
        raise AssertionError("a change operation has a resource and a change")
    return operation.resource, operation.change


def outputs(operations: Sequence[Operation], index: int, after: State | None) -> State:
    """Return what later operations refer to of what one has left, as a document."""
    change = operations[index].change
    told = [item for later in operations[index + 1 :] for item in references((later.resource, later.change))]
    paths = {item.path for item in told if change and item.address == change.address}
    edits = [Edit(path, ABSENT, value) for path in sorted(paths) if (value := get(after or {}, path)) is not ABSENT]
    found: State = apply({}, tuple(edits))
    return found


def with_known(operation: Operation, known: Mapping[str, State]) -> Operation:
    """Return an operation with the references that are known by now."""
    if not any(references((operation.resource, operation.change))):
        return operation
    return replace(operation, resource=resolved(operation.resource, known), change=resolved(operation.change, known))


def _edit_json(edit: Edit) -> State:
    sides = {"old": edit.old, "new": edit.new}
    return {"path": edit.pointer} | {side: value for side, value in sides.items() if value is not ABSENT}


def _ensure_json(ensure: Ensure | None) -> State | None:
    if ensure is None:
        return None
    return {"check": to_record(ensure.check), "within": ensure.within, "always": ensure.always}


def _collect_json(step: Collect) -> State:
    limits = {"most_bytes": step.most_bytes, "within": step.within, "days": step.days}
    return {"artefact": to_record(step.artefact)} | limits


def _collect(document: State) -> Collect:
    known = {name: document[name] for name in ("most_bytes", "within", "days") if name in document}
    return Collect(from_record(document["artefact"]), **known)


def _ensure(document: State) -> Ensure:
    return Ensure(from_record(document["check"]), document.get("within", 60.0), document.get("always", True))


def _change(document: State, resource: Resource) -> Change:
    """Return a recorded change; what nothing brings back is that also where its record says otherwise."""
    edits = tuple(
        Edit(parse_pointer(item["path"]), item.get("old", ABSENT), item.get("new", ABSENT))
        for item in document["edits"]
    )
    return Change(
        document["address"],
        document["before"],
        document["after"],
        edits,
        document.get("reversible", True) and resource.reversible,
        document.get("temporary", False),
        document.get("note", ""),
    )
