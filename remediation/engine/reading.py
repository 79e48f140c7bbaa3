"""Whether this version can work with what a run has recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from remediation.catalogue import loading
from remediation.engine.operations import Operation
from remediation.journal import Event
from remediation.model import versions
from remediation.model.diffing import State
from remediation.model.errors import Unreadable
from remediation.model.targets import Target, kind_of


@contextmanager
def complete() -> Iterator[None]:
    """Tell of content that lacks something as such."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
        raise Unreadable(f"what it recorded is not complete ({problem!r:.60})") from problem


def require_readable(event: Event) -> None:
    """Raise Unreadable for an entry of a run that this version cannot work with."""
    with complete():
        content = versions.entry(event.kind, event.payload)
        if event.kind == "run.created":
            require_known(content)
        for item in (*content.get("operations", ()), *content.get("undo", ())):
            Operation.from_json(item)


def require_known(created: State) -> None:
    """Raise Unreadable for a run whose target, parameters or plan cannot be what they should; import its runbook."""
    target_kind(created)
    loading.prepare(created.get("runbook"))
    for name in ("target", "parameters", "plan"):
        if not isinstance(created[name], dict):
            raise Unreadable(f"its {name} is no object")


def target_kind(created: State) -> type[Target]:
    """Return what kind of target a run was made for; raises Unreadable where this version has none of that name."""
    found = kind_of(created["target_kind"])
    if found is None:
        raise Unreadable(f"its target is a {created['target_kind']!r}, which this version does not know")
    return found
