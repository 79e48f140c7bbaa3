"""What has moved since a plan was made, field by field: what stood there, and what stands there now."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from remediation.model import diffing
from remediation.model.changes import Change
from remediation.model.diffing import ABSENT, State
from remediation.model.limits import cut

_MOST = 3
_LONGEST = 120


def since_plan(saved: State, present: State) -> str:
    """Return how two plans of the same runbook differ, as their JSON documents tell: every field that moved, old -> new."""
    was, now = ({change["address"]: change for change in plan["changes"]} for plan in (saved, present))
    told = [text for address in was if address in now for text in _between(was[address], now[address])]
    told += [f"{address} is as the plan wants it already" for address in was if address not in now]
    told += [f"{address} has to be changed too by now" for address in now if address not in was]
    return _listed(told or ["what is checked afterwards is no longer the same"])


def from_before(change: Change, current: State | None) -> str:
    """Return the fields of a change that are not as it starts from."""
    if current is None or change.before is None:
        return "it is gone" if current is None else "it exists by now"
    found = ((edit.pointer, edit.old, diffing.get(current, edit.path)) for edit in change.edits)
    return _listed(_moved(pointer, old, new) for pointer, old, new in found if old != new)


def _between(was: State, now: State) -> Iterator[str]:
    """Yield the fields of one object: what the plan saw and is no longer so, else what it would now become."""
    if was["action"] != now["action"]:
        yield f"{was['address']} {'is there' if was['action'] == 'create' else 'is gone'} by now"
        return
    before, after = ({edit["path"]: edit for edit in change["edits"]} for change in (was, now))
    for path in dict.fromkeys([*before, *after]):
        one, other = before.get(path), after.get(path)
        if one and other:
            side = "old" if one["old"] != other["old"] else "new"
            if one[side] != other[side]:
                yield _moved(path, one[side], other[side], was["address"], "" if side == "old" else "would become ")
        elif one:
            yield _moved(path, one["old"], one["new"], was["address"])
        elif other:
            yield _moved(path, other["new"], other["old"], was["address"])


def _moved(pointer: str, old: Any, new: Any, address: str = "", how: str = "") -> str:
    where = shown_path(pointer) + (f" of {address}" if address else "")
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        old, new = _lines(old, new)
    return f"{where}: {how}{_value(old)} -> {_value(new)}"


def shown_path(pointer: str) -> str:
    """Return a JSON pointer as people write it: ``data.config``."""
    return ".".join(diffing.parse_pointer(pointer))


def _lines(old: str, new: str) -> tuple[str, str]:
    """Return only the lines that differ."""
    lines = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    gone, come = ([line[2:].strip() for line in lines if line.startswith(sign)] for sign in ("- ", "+ "))
    return ", ".join(gone), ", ".join(come)


def _value(value: Any) -> str:
    """Return a value on one line; what is long is cut, and marked."""
    if value is None or value is ABSENT or value == "":
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return cut(text, _LONGEST)


def _listed(found: Iterable[str]) -> str:
    told = list(found)
    more = f"; +{len(told) - _MOST}" if len(told) > _MOST else ""
    return "; ".join(islice(told, _MOST)) + more
