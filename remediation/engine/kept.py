"""What a record keeps of the objects that a run has changed: what an undo needs, and nothing of what others put there.

Whole objects hold passwords in ``env``, in annotations and in keys beside ours. Of one that is changed only the edited
fields are kept, of one that is made only what was asked for, and where something came along with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from remediation.model.changes import Change
from remediation.model.diffing import ABSENT, KNOWN_AFTER_APPLY, Json, Path, State, children, get


def kept(change: Change | None, state: State | None) -> State | None:
    """Return what a record keeps of a state of the resource, before a change or after it."""
    if state is None or change is None:
        return state
    if change.before is None:
        # What is not a Kubernetes object shows only what may be shown.
        return _asked(state, change.after) if "metadata" in state else state
    found: State = _along(state, [edit.path for edit in change.edits])
    return found


def _along(document: Json, paths: Iterable[Path]) -> Json:
    """Return a document with nothing but what the paths lead to; parents that are there stay, be they empty."""
    paths = list(paths)
    if () in paths:
        return document
    heads = dict.fromkeys(path[0] for path in paths)
    parts = {head: get(document, (head,)) for head in heads}
    inner = {
        head: _along(part, [path[1:] for path in paths if path[0] == head])
        for head, part in parts.items()
        if part is not ABSENT
    }
    if isinstance(document, list):
        return [{**part, "name": parts[head]["name"]} for head, part in inner.items()]
    return inner if isinstance(document, dict) else None


def _asked(document: Json, wanted: Json) -> Json:
    """Return the part of a document that was asked for; what a default or admission has filled in is there without its value."""
    known, found = children(wanted), children(document)
    if known is None or found is None:
        return document
    if isinstance(document, list):
        return [_asked(part, known.get(key, {"name": part["name"]})) for key, part in found.items()]
    return {key: _asked(part, known[key]) if key in known else KNOWN_AFTER_APPLY for key, part in found.items()}
