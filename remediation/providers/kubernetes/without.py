"""A part of an object that is to go: a field, a taint, a finalizer. Nothing beside it is touched, and its undo puts it back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from remediation.model import diffing
from remediation.model.api import Api
from remediation.model.changes import Change, Intent, Seen, Written
from remediation.model.diffing import ABSENT, Edit, Json, Path, State
from remediation.model.errors import Conflict, NotFound
from remediation.model.records import recorded
from remediation.model.refs import Ref
from remediation.model.rights import Permission
from remediation.providers.kubernetes.late_writes import Patched, guarded_patch, repeatedly
from remediation.providers.kubernetes.ownership import owner_of

_FINALIZERS = "/metadata/finalizers"
# The kubelet and controllers note when they have set a taint; that does not make it another one.
_MOMENT = "timeAdded"


@recorded
@dataclass(frozen=True)
class Without(Patched):
    """An object without one of its fields, or without some elements of one of its lists.

    Args:
        api_version, kind, name, namespace: the address of the object.
        place: the JSON pointer of the field, or of the list: ``/spec/taints``, ``/metadata/finalizers``.
        element: in a list, what goes: the text itself, or fields that an element has: ``{"key": "dedicated"}``.
        instead: said beside the name of an owner who may revert.
    """

    api_version: str
    kind: str
    name: str
    namespace: str
    place: str
    element: str | State | None = None
    instead: str = ""
    reason: str = "it is not there"

    @property
    def ref(self) -> Ref:
        """Where the object is."""
        return Ref(self.api_version, self.kind, self.name, self.namespace)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get and patch this one object."""
        where = (self.ref.plural, self.ref.group, self.namespace, self.name)
        return tuple(Permission(verb, *where) for verb in ("get", "patch"))

    @property
    def _path(self) -> Path:
        return diffing.parse_pointer(self.place)

    def owner(self, seen: Seen) -> str | None:
        """Return the controller that would revert a change."""
        return owner_of(seen.raw, self.instead) if seen.raw else None

    def foreign(self, change: Change) -> list[str]:
        """Return the places of an update that are not the one that goes, or where something comes."""
        depth = len(self._path)
        return [edit.pointer for edit in change.edits if edit.path[:depth] != self._path or edit.new is not ABSENT]

    def read(self, api: Api) -> State | None:
        """Return what is to go, at its place; None when the object does not exist."""
        return self.look(api).state

    def look(self, api: Api) -> Seen:
        """Return what is to go, with the version and the uid of the object."""
        try:
            raw = api.kubernetes.read(self.ref)
        except NotFound:
            return Seen(None, api.kubernetes.now())
        metadata = raw["metadata"]
        return Seen(
            self._state(raw), api.kubernetes.now(), metadata.get("resourceVersion", ""), metadata.get("uid", ""), raw
        )

    def _state(self, raw: State) -> State:
        there = diffing.get(raw, self._path)
        if self.element is not None:
            items = there if isinstance(there, list) else []
            there = {_called(item): _text(item) for item in items if self._goes(item)} or ABSENT
        state: State = diffing.apply({}, () if there is ABSENT else (Edit(self._path, ABSENT, there),))
        return state

    def _goes(self, item: Json) -> bool:
        if isinstance(self.element, dict):
            return isinstance(item, dict) and self.element.items() <= item.items()
        return bool(item == self.element)

    def desired(self, current: State | None) -> State | None:
        """Return nothing of it."""
        return None if current is None else {}

    def preview(self, api: Api, change: Change) -> Change:
        """Send the same patch with ``dryRun=All``; the last finalizer of an object that is being deleted takes it along."""
        raw = api.kubernetes.read(self.ref)
        api.kubernetes.patch(self.ref, guarded_patch(raw, self._made(change, raw)), dry_run=True)
        if self.place == _FINALIZERS and raw["metadata"].get("deletionTimestamp"):
            return replace(change, reversible=False, note="it is marked for deletion, and goes without its finalizers")
        return change

    def write(self, api: Api, change: Change, run_id: str, identity: str = "") -> Written:
        """Take it out, or put it back, guarded; a conflict that leaves it alone is looked at again."""
        return repeatedly(lambda: self._expected(api, change), lambda raw: self._once(api, change, raw))

    def _expected(self, api: Api, change: Change) -> State:
        try:
            raw = api.kubernetes.read(self.ref)
        except NotFound as problem:
            raise Conflict(f"{self.address} is gone") from problem
        if drifted := change.drifted(self._state(raw)):
            raise Conflict(f"{self.address} was changed at {', '.join(drifted)}")
        return raw

    def _once(self, api: Api, change: Change, raw: State) -> Written:
        answer = api.kubernetes.patch(self.ref, guarded_patch(raw, self._made(change, raw)))
        return Written(self._state(answer), answer["metadata"].get("uid", ""))

    def _made(self, change: Change, raw: State) -> State:
        """Return the object as the change leaves it."""
        if self.element is not None:
            found = diffing.get(raw, self._path)
            items = _changed(found if isinstance(found, list) else [], change)
            return self._with(raw, items or ABSENT)
        if all(edit.new is ABSENT for edit in change.edits):
            return self._with(raw, ABSENT)
        made: State = diffing.apply(raw, change.edits)
        return made

    def _with(self, raw: State, value: Json) -> State:
        made: State = diffing.apply(raw, (Edit(self._path, ABSENT, value),))
        return made

    def settle(self, api: Api, change: Change, run_id: str, intent: Intent) -> Written | None:
        """Look whether it is as the write wanted it; in an object that nobody has written since, it was not us."""
        del run_id
        seen = self.look(api)
        if change.landed(seen.state):
            return Written(seen.state, seen.identity) if seen.version != intent.version else None
        if drifted := change.drifted(seen.state):
            raise Conflict(f"{self.address} was changed at {', '.join(drifted)}")
        return None


def _changed(items: list[Json], change: Change) -> list[Json]:
    """Return the elements of a list without those that go, and with those that come back."""
    touched = {edit.path[-1] for edit in change.edits}
    kept = [item for item in items if _called(item) not in touched]
    return kept + [_element(edit.new) for edit in change.edits if edit.new is not ABSENT]


def _text(item: Json) -> str:
    """Return an element as one value: it goes, and comes back, as a whole."""
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True)


def _element(text: str) -> Json:
    return json.loads(text) if text.startswith("{") else text


def _called(item: Any) -> str:
    """Return what tells an element of a list from the others: itself, or its values."""
    if not isinstance(item, dict):
        return str(item)
    return ":".join(str(value) for key, value in sorted(item.items()) if key != _MOMENT)
