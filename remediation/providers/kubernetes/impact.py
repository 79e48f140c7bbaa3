"""What a change of an object does to running things, as far as the object itself tells."""

from __future__ import annotations

from remediation.model.changes import Change
from remediation.model.diffing import State, get
from remediation.model.refs import Ref

# Where a controller says how many pods it has. A new template replaces them all.
# Source: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#performing-a-rolling-update
_COUNTED = {
    "DaemonSet": ("status", "currentNumberScheduled"),
    "Deployment": ("status", "replicas"),
    "StatefulSet": ("status", "replicas"),
}
_TEMPLATE, _CORDON = ("spec", "template"), ("spec", "unschedulable")


def impact_on(ref: Ref, pods: str, change: Change, raw: State | None) -> str:
    """Return what an update or a removal does to pods or nodes, such as ``3 agents restart``; empty when nothing."""
    if raw is None:
        return ""
    if ref.kind == "Node" and any(edit.path == _CORDON for edit in change.edits):
        return f"{ref.name} takes no new pods" if get(change.after, _CORDON) is True else f"{ref.name} takes new pods"
    count = get(raw, _COUNTED[ref.kind]) if ref.kind in _COUNTED else None
    if not isinstance(count, int) or not count:
        return ""
    one = pods.removesuffix("s") if count == 1 else pods
    if change.action == "delete":
        return f"{count} {one} {'goes' if count == 1 else 'go'}"
    restarts = any(edit.path[:2] == _TEMPLATE for edit in change.edits) and not _by_hand(raw)
    return f"{count} {one} {'restarts' if count == 1 else 'restart'}" if restarts else ""


def _by_hand(raw: State) -> bool:
    """Tell whether pods get a new template only when somebody deletes them."""
    return bool(get(raw, ("spec", "updateStrategy", "type")) == "OnDelete")
