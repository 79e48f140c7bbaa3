"""ControllerRevisions: the templates that a daemon set or stateful set has had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_sandbox.kubernetes.admission import template_hash
from runbook_sandbox.kubernetes.controllers.pods import MANAGER, owned
from runbook_sandbox.kubernetes.objects import Object, clone, name_of, owner_reference

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster

_STORAGE = "controllerrevisions.apps"
_KEPT_ANNOTATIONS = frozenset({"kubernetes.io/change-cause"})
LABEL = "controller-revision-hash"


def current(cluster: Cluster, owner: Object) -> str:
    """Return the hash of the present template, with its revision stored as the newest."""
    mark = template_hash(owner["spec"]["template"])
    history = sorted(owned(cluster, owner, _STORAGE), key=lambda each: int(each["revision"]))
    newest = history[-1]["revision"] if history else 0
    same = next((each for each in history if each["metadata"]["labels"][LABEL] == mark), None)
    if same is None:
        cluster.create(_revision(owner, mark, newest + 1), MANAGER)
    elif same["revision"] != newest:
        cluster.store.put(_STORAGE, {**clone(same), "revision": newest + 1})
    _trim(cluster, owner, history)
    return mark


def _revision(owner: Object, mark: str, number: int) -> Object:
    found = owner["metadata"]
    kept = {
        key: item
        for key, item in found.get("annotations", {}).items()
        if key.startswith("deprecated.daemonset") or key in _KEPT_ANNOTATIONS
    }
    template = {**clone(owner["spec"]["template"]), "$patch": "replace"}
    labels = {**template.get("metadata", {}).get("labels", {}), LABEL: mark}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "revision": number,
        "data": {"spec": {"template": template}},
        "metadata": {
            "name": f"{found['name']}-{mark}",
            "namespace": found["namespace"],
            "labels": labels,
            "annotations": kept,
            "ownerReferences": [owner_reference(owner)],
        },
    }


def _trim(cluster: Cluster, owner: Object, history: list[Object]) -> None:
    used = {each["metadata"].get("labels", {}).get(LABEL) for each in owned(cluster, owner)}
    limit = owner["spec"].get("revisionHistoryLimit", 10)
    unused = [each for each in history[:-1] if each["metadata"]["labels"][LABEL] not in used]
    for each in unused[: max(len(unused) - limit, 0)]:
        cluster.store.remove(_STORAGE, *name_of(each))
