"""Requests that are still on their way when another process, or a later moment, has gone on without them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from remediation.model.api import Api
from remediation.model.changes import Written
from remediation.model.diffing import State, diff, json_patch
from remediation.model.errors import Conflict, NotFound
from remediation.model.refs import Ref
from remediation.model.steps import ResourceDefaults

_ATTEMPTS = 5
_MARK = "runbook/outdated"


def unchanged(current: State) -> State:
    """Return the operation of a patch that fails when the object was written since it was read.

    It stands beside the tests of the fields: a request that was held up on its way must not land after a later one.
    """
    return {"op": "test", "path": "/metadata/resourceVersion", "value": current["metadata"]["resourceVersion"]}


def guarded_patch(current: State, wanted: State) -> list[State]:
    """Return the patch that makes one object another; each edit tests the value that it replaces, and `unchanged` stands first."""
    return [unchanged(current), *json_patch(current, diff(current, wanted))]


def repeatedly(look: Callable[[], State], write: Callable[[State], Written]) -> Written:
    """Write what ``look`` found; a conflict is looked at again, and ``look`` raises when it is over our own fields."""
    for _ in range(_ATTEMPTS):
        current = look()
        try:
            return write(current)
        except Conflict as problem:
            conflict = problem
    raise conflict


class Patched(ResourceDefaults):
    """One object that is changed by patches which test its version."""

    @property
    def ref(self) -> Ref:
        """Where it is."""
        raise NotImplementedError

    @property
    def address(self) -> str:
        """``kind/namespace/name``."""
        return self.ref.address

    @property
    def scope(self) -> str:
        """This one object."""
        return self.ref.scope

    def outdate(self, api: Api) -> None:
        """Give the object a new version and leave the rest of it alone: an annotation comes, and goes again."""
        try:
            for operations in (_marked, _unmarked):
                repeatedly(partial(api.kubernetes.read, self.ref), partial(_patched, api, self.ref, operations))
        except NotFound:
            return  # a patch of what is not there lands nowhere


def _patched(api: Api, ref: Ref, operations: Callable[[State], list[State]], raw: State) -> Written:
    return Written(api.kubernetes.patch(ref, [unchanged(raw), *operations(raw)]))


def _marked(raw: State) -> list[State]:
    if raw["metadata"].get("annotations"):
        return [{"op": "add", "path": f"/metadata/annotations/{_MARK.replace('/', '~1')}", "value": "true"}]
    return [{"op": "add", "path": "/metadata/annotations", "value": {_MARK: "true"}}]


def _unmarked(raw: State) -> list[State]:
    notes = raw["metadata"].get("annotations") or {}
    if _MARK not in notes:
        return []
    only = "" if len(notes) == 1 else "/" + _MARK.replace("/", "~1")
    return [{"op": "remove", "path": f"/metadata/annotations{only}"}]
