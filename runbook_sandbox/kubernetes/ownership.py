"""Who owns which field (`managedFields`), and server-side apply on top of it."""

from __future__ import annotations

from typing import Any

from runbook_sandbox.kubernetes import fields, versions
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.objects import Object, clone, now
from runbook_sandbox.kubernetes.problems import Problem

Entry = dict[str, Any]
_NOTHING: Object = {"spec": {}, "status": {}}


def track(kind: Kind, old: Object | None, new: Object, manager: str, subresource: str = "") -> None:
    """Record in the new object that an update changed what differs from the old one.

    An object that has no owners, such as one that was made with nothing but a name, gets none by an update.
    """
    if old and not _entries(old):
        new["metadata"].pop("managedFields", None)
        return
    before, after = _places(kind, old, subresource), _places(kind, new, subresource)
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    gone = before.keys() - after.keys()
    entries = [
        _without(entry, gone if _is_update_of(entry, manager, subresource) else gone | changed)
        for entry in _entries(old)
    ]
    kept = [entry for entry in entries if entry["fieldsV1"]]
    if changed:
        kept = _extended(kept, kind, changed, manager, subresource)
    new["metadata"].pop("managedFields", None)
    if kept:
        new["metadata"]["managedFields"] = sorted(kept, key=_rank)


def _places(kind: Kind, obj: Object | None, subresource: str) -> dict[fields.Path, Any]:
    """Return the places of an object that a request can set: its status, or all but its status."""
    # Some versions write fields whatever there is; nobody sets them by making the object.
    found = fields.places(kind.type, versions.shown(kind, obj or {"apiVersion": kind.group_version, **_NOTHING}))
    if subresource == "status":
        return {path: value for path, value in found.items() if path[0] in {"f:status", "f:metadata"}}
    reset = "f:status" if "status" in kind.subresources else ""
    return {path: value for path, value in found.items() if path[0] != reset}


def _rank(entry: Entry) -> tuple[str, ...]:
    return (
        *(str(entry.get(name, "")) for name in ("operation", "time", "manager", "apiVersion")),
        entry.get("subresource", ""),
    )


def _entries(obj: Object | None) -> list[Entry]:
    return clone(obj["metadata"].get("managedFields", [])) if obj else []


def _is_update_of(entry: Entry, manager: str, subresource: str) -> bool:
    return (entry["manager"], entry["operation"], entry.get("subresource", "")) == (manager, "Update", subresource)


def _without(entry: Entry, lost: set[fields.Path]) -> Entry:
    return entry | {"fieldsV1": fields.from_paths(fields.paths(entry["fieldsV1"]) - lost)}


def _extended(
    entries: list[Entry], kind: Kind, changed: set[fields.Path], manager: str, subresource: str
) -> list[Entry]:
    mine = next((entry for entry in entries if _is_update_of(entry, manager, subresource)), None)
    owned = fields.paths(mine["fieldsV1"]) if mine else set()
    others = [entry for entry in entries if entry is not mine]
    return [*others, _entry(kind, manager, "Update", owned | changed, subresource)]


def _entry(kind: Kind, manager: str, operation: str, owned: set[fields.Path], subresource: str = "") -> Entry:
    found = {
        "manager": manager,
        "operation": operation,
        "apiVersion": kind.group_version,
        "time": now(),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields.from_paths(owned),
    }
    return found | ({"subresource": subresource} if subresource else {})


def apply(kind: Kind, live: Object, wanted: Object, manager: str, *, force: bool, subresource: str = "") -> Object:
    """Return the live object with what a manager applies, and with the manager as owner of it.

    Raises:
        Problem: 409 when another manager owns a field with another value and `force` is not set.
    """
    applied = fields.applied(kind.type, wanted)
    if not force:
        _check_conflicts(kind, live, wanted, applied, manager)
    mine = next((each for each in _entries(live) if _is_apply_of(each, manager)), None)
    dropped = (fields.paths(mine["fieldsV1"]) if mine else set()) - applied
    merged = _merge("@" + kind.type if kind.type else None, live, wanted)
    others = [entry for entry in _entries(live) if not _is_apply_of(entry, manager)]
    _drop(kind, merged, dropped, [*others, {"fieldsV1": fields.from_paths(applied)}])
    taken = _changed(kind, live, merged) & applied
    kept = [_without(entry, taken) for entry in others]
    owned = _entry(kind, manager, "Apply", applied, subresource)
    entries = [*kept, _timed(owned, mine, changed=_content(merged) != _content(live))]
    merged["metadata"]["managedFields"] = sorted((each for each in entries if each["fieldsV1"]), key=_rank)
    return dict(merged)


def _changed(kind: Kind, old: Object, new: Object) -> set[fields.Path]:
    """Return the places whose value is not the same, new ones included."""
    before, after = fields.places(kind.type, old), fields.places(kind.type, new)
    return {path for path, value in after.items() if path not in before or before[path] != value}


def _content(obj: Object) -> Any:
    found = {key: item for key, item in obj["metadata"].items() if key not in {"managedFields", "resourceVersion"}}
    return {**obj, "metadata": found}


def _timed(entry: Entry, mine: Entry | None, *, changed: bool) -> Entry:
    """Return the entry with the time of the last apply that changed anything; there is none before the first."""
    if changed:
        return entry
    before = mine or {}
    bare = {key: item for key, item in entry.items() if key != "time"}
    return bare | ({"time": before["time"]} if "time" in before else {})


def _is_apply_of(entry: Entry, manager: str) -> bool:
    return bool(entry["manager"] == manager and entry["operation"] == "Apply")


def _check_conflicts(kind: Kind, live: Object, wanted: Object, applied: set[fields.Path], manager: str) -> None:
    causes = []
    disputed = _changed(kind, live, wanted) & applied
    for entry in _entries(live):
        if not _is_apply_of(entry, manager):
            shared = sorted(disputed & fields.paths(entry["fieldsV1"]))
            causes += [_conflict(entry, fields.text(path)) for path in shared]
    if causes:
        raise _refusal(causes)


def _conflict(entry: Entry, field: str) -> dict[str, str]:
    who = f'"{entry["manager"]}"'
    if entry["operation"] == "Update":
        below = f" with subresource {entry['subresource']!r}".replace("'", '"') if entry.get("subresource") else ""
        who += f"{below} using {entry['apiVersion']}"
    return {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": field}


def _refusal(causes: list[dict[str, str]]) -> Problem:
    managers = {cause["message"] for cause in causes}
    if len(causes) == 1:
        text = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    elif len(managers) == 1:
        listed = "".join(f"\n- {cause['field']}" for cause in causes)
        text = f"Apply failed with {len(causes)} conflicts: {causes[0]['message'].replace('conflict', 'conflicts')}:{listed}"
    else:
        groups = (
            f"{who.replace('conflict', 'conflicts')}:"
            + "".join(f"\n- {cause['field']}" for cause in causes if cause["message"] == who)
            for who in sorted(managers)
        )
        text = f"Apply failed with {len(causes)} conflicts: " + "\n".join(groups)
    return Problem(409, "Conflict", text, {"causes": causes})


def _drop(kind: Kind, merged: Object, dropped: set[fields.Path], others: list[Entry]) -> None:
    owned = {path for entry in others for path in fields.paths(entry["fieldsV1"])}
    # A thing goes with all that is in it, and stays while somebody owns anything in it.
    for path in sorted(dropped - owned, key=len):
        if not any(each[: len(path)] == path for each in owned):
            fields.remove(kind.type, merged, path)


def _merge(shape: Any, live: Any, wanted: Any) -> Any:
    if isinstance(wanted, dict) and isinstance(live, dict) and not fields.is_atomic(shape):
        return live | {key: _merge(fields.child_shape(shape, key), live.get(key), item) for key, item in wanted.items()}
    if isinstance(wanted, list) and isinstance(live, list) and isinstance(shape, dict) and "keys" in shape:
        return _merge_items(shape, live, wanted)
    return clone(wanted)


def _merge_items(shape: dict[str, Any], live: list[Any], wanted: list[Any]) -> list[Any]:
    new = {fields.item_key(shape, item): item for item in wanted}
    found = [
        _merge(shape["list"], item, new.pop(key)) if (key := fields.item_key(shape, item)) in new else item
        for item in live
    ]
    return found + [clone(item) for item in new.values()]
