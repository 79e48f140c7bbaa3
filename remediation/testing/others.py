"""What somebody else does to the objects of a run before it is rolled back."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from remediation.model import diffing
from remediation.model.diffing import ABSENT, State
from remediation.testing import states
from remediation.testing.playing import Played

_THEIRS = ("example.com/theirs", "kept")


def note(played: Played, document: dict[str, Any]) -> list[str]:
    """Write an annotation on each object that the run has changed, and return their places; skip where there is none."""
    updated = [obj for change, obj in _changed(played, document) if change["action"] == "update"]
    if not updated:
        pytest.skip("its run changes no object that was there before")
    for obj in updated:
        played.emulated.cluster.edit(*_where(played, obj), _annotated, obj["metadata"].get("namespace", ""), "somebody")
    return [states.place(obj) for obj in updated]


def without_notes(state: dict[str, Any], places: list[str]) -> dict[str, Any]:
    """Return a state as it would be without these annotations; fail where one of them is gone."""
    for place in places:
        assert state[place]["metadata"]["annotations"].pop(_THEIRS[0], None) == _THEIRS[1], f"lost from {place}"
    return state


def contradict(played: Played, document: dict[str, Any]) -> None:
    """Give a field that the run has written another value; skip where none of its fields can have one."""
    for change, obj in _changed(played, document):
        for changed in _other_values(change, obj):
            namespace = obj["metadata"].get("namespace", "")
            played.emulated.cluster.edit(*_where(played, obj), partial(_take, changed), namespace, "somebody")
            return
    pytest.skip("its run writes no field of the cluster that could have another value")


def _changed(played: Played, document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], State]]:
    stored = {states.place(obj): obj for obj in played.world.objects()}
    for change in document["plan"]["changes"]:
        if change["address"] in stored:
            yield change, stored[change["address"]]


def _where(played: Played, obj: State) -> tuple[str, str]:
    return played.emulated.cluster.kind_of(obj).storage, obj["metadata"]["name"]


def _annotated(obj: State) -> None:
    obj["metadata"]["annotations"] = (obj["metadata"].get("annotations") or {}) | dict([_THEIRS])


def _other_values(change: dict[str, Any], obj: State) -> Iterator[State]:
    """Yield the object with another value in one of the fields that were written."""
    if change["action"] == "create" and obj.get("data") and not obj.get("immutable"):
        yield obj | {"data": {name: _other_text(obj["kind"]) for name in obj["data"]}}
    for edit in change["edits"] if change["action"] == "update" else ():
        path = diffing.parse_pointer(edit["path"])
        if isinstance(edit["new"], str) and diffing.get(obj, path) not in (ABSENT, edit["old"]):
            yield diffing.apply(obj, (diffing.Edit(path, edit["new"], f"{edit['new']}-theirs"),))


def _other_text(kind: str) -> str:
    text = json.dumps({"auths": {}})
    return base64.b64encode(text.encode()).decode() if kind == "Secret" else text


def _take(new: State, obj: State) -> None:
    obj.clear()
    obj.update(new)
