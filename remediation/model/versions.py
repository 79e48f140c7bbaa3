"""What the journal keeps: every kind of entry with what it must say, and the readers for what older versions wrote.

An entry (``run.created``) or a record (``KubernetesObject``, see `records`) is of version 1 unless it says otherwise. Whoever
renames a field, changes what it means, or adds one that older entries cannot do without, adds a reader: the first one takes
what version 1 wrote and returns what version 2 would have written, and so on. A field that nobody here knows is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from remediation.model.addresses import shown_target
from remediation.model.errors import Unreadable

Json = dict[str, Any]
Reader = Callable[[Json], Json]


@dataclass(frozen=True)
class Kind:
    """One kind of entry: what it cannot do without, what a missing field stands for, and the readers of older versions."""

    needs: tuple[str, ...] = ()
    defaults: Json = field(default_factory=dict)
    readers: tuple[Reader, ...] = ()


def _created_1(run: Json) -> Json:
    """Version 1 did not say what the undo takes beside putting back; one runbook had such steps, another needed some."""
    return run | {"own_undo": run.get("runbook") == "ipam-cleanup", "undo": list(_agent_goes_1(run))}


def _agent_goes_1(run: Json) -> Iterator[Json]:
    """Yield what brings agents that a run has deployed back to their defaults before they go: their rules stay."""
    changes = [item.get("change") or {} for item in run.get("operations") or [] if isinstance(item, dict)]
    made = {change.get("address"): change.get("action") for change in changes}
    if made.get("daemonset/kube-system/ip-masq-agent") != "create":
        return
    for index, change in enumerate(changes):
        if change.get("address") == "configmap/kube-system/ip-masq-agent":
            yield {"kind": "undo", "of": index, "resource": None, "ensure": None}
    ensure = {"check": {"$type": "AgentsAtDefaults"}, "within": 210, "always": False}
    yield {"kind": "ensure", "of": -1, "resource": None, "ensure": ensure}


_NO_PLAN: Json = {"fingerprint": None, "changes": [], "already_ok": [], "checks": []}
ENTRIES = {
    "run.created": Kind(
        ("runbook", "target", "target_kind", "operations"),
        {"id": None, "parameters": {}, "plan": _NO_PLAN, "already_ok": [], "undo": [], "own_undo": False},
        (_created_1,),
    ),
    "run.resumed": Kind(defaults={"holder": ""}),
    "run.rolling_back": Kind(defaults={"holder": ""}),
    "run.status": Kind(("status",), {"verify": None, "error": None}),
    "change.intended": Kind(("index",)),
    "change.submitted": Kind(("index", "handle")),
    "change.done": Kind(("index", "after"), {"identity": ""}),
    "change.failed": Kind(("index", "after", "reason"), {"identity": ""}),
    "change.withdrawn": Kind(("index",)),
    "undo.planned": Kind(("operations",)),
    "undo.intended": Kind(("index",)),
    "undo.submitted": Kind(("index", "handle")),
    "undo.withdrawn": Kind(("index",)),
    "undo.done": Kind(("index",)),
    "check.passed": Kind(("index",)),
    "artefact.kept": Kind(("index", "file", "until")),
}
# Resources and checks say what they need as dataclasses; here are the readers for those of older versions.
RECORDS: dict[str, tuple[Reader, ...]] = {}


def stamped(kind: str, document: Json) -> Json:
    """Return an entry's content or a record with its version, which the first one does not say."""
    newest = _newest(_readers(kind))
    return document | {_mark(kind): newest} if newest > 1 else document


def entry(kind: str, payload: Any) -> Json:
    """Return the content of an entry as this version writes it; raises Unreadable where it cannot be."""
    known = ENTRIES.get(kind, Kind())
    found = known.defaults | present(kind, payload)
    if "target" in found:
        found = found | {"target": shown_target(found["target"])}
    missing = [name for name in known.needs if name not in found]
    if missing:
        raise Unreadable(f"its entry {kind} does not say {', '.join(missing)}")
    return found


def present(kind: str, document: Any) -> Json:
    """Return what the newest version would have written; raises Unreadable for one that is newer still."""
    if not isinstance(document, dict):
        raise Unreadable(f"its {kind} is no object")
    readers, made_by = _readers(kind), document.get(_mark(kind), 1)
    if not isinstance(made_by, int) or not 0 < made_by <= _newest(readers):
        raise Unreadable(f"its {kind} is of version {made_by!r}, and this one reads up to {_newest(readers)}")
    found: Json = document
    for reader in readers[made_by - 1 :]:
        found = reader(found)
    return found


def _readers(kind: str) -> tuple[Reader, ...]:
    return ENTRIES[kind].readers if kind in ENTRIES else RECORDS.get(kind, ())


def _newest(readers: tuple[Reader, ...]) -> int:
    return len(readers) + 1


def _mark(kind: str) -> str:
    """Return where the version stands: that of a run is told to people, the others must not be mistaken for a field."""
    return "version" if kind == "run.created" else "$version"
