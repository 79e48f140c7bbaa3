"""Which nodes a rollout still waits for, and what is the matter there. For a person who waits: it decides nothing."""

from __future__ import annotations

from remediation.model.api import Api
from remediation.model.diffing import State
from remediation.model.errors import ApiError, NotFound
from remediation.model.refs import Ref
from remediation.model.remarks import few

# So many are named; a question is asked for each.
_NAMED = 5
_GENERATION, _COUNTER = "pod-template-generation", "deprecated.daemonset.template.generation"


def late_nodes(api: Api, daemonset: Ref) -> str:
    """Return ``node-1, node-2 NotReady; node-3 CrashLoopBackOff; +35``; empty when nobody may say, or nobody is late."""
    try:
        late = _late(api, api.kubernetes.read(daemonset))
    except ApiError:
        return ""
    reasons: dict[str, list[str]] = {}
    for node in sorted(late)[:_NAMED]:
        reasons.setdefault(_of_node(api, node) or late[node], []).append(node)
    more = [f"+{len(late) - _NAMED}"] if len(late) > _NAMED else []
    return "; ".join([*(f"{few(nodes, _NAMED)} {reason}" for reason, nodes in reasons.items()), *more])


def _late(api: Api, daemonset: State) -> dict[str, str]:
    """Return the nodes whose pod is not of the newest template, or not ready, with what the pod says."""
    labels = daemonset["spec"]["selector"].get("matchLabels") or {}
    chosen = ",".join(f"{name}={value}" for name, value in labels.items())
    pods = api.kubernetes.list(Ref("v1", "Pod", "", daemonset["metadata"]["namespace"]), labels=chosen)
    newest = daemonset["metadata"].get("annotations", {}).get(_COUNTER)
    found = {_node(pod): _state(pod, newest) for pod in pods}
    return {node: state for node, state in found.items() if node and state}


def _node(pod: State) -> str:
    """Return where a pod is, or, while it is not placed, the one node that it is made for."""
    terms = (
        pod["spec"]
        .get("affinity", {})
        .get("nodeAffinity", {})
        .get("requiredDuringSchedulingIgnoredDuringExecution", {})
    )
    fields = [field for term in terms.get("nodeSelectorTerms") or [] for field in term.get("matchFields") or []]
    return pod["spec"].get("nodeName") or next((str(field["values"][0]) for field in fields if field.get("values")), "")


def _state(pod: State, newest: str | None) -> str:
    """Return why a pod is late, empty when it is not."""
    metadata, status = pod["metadata"], pod.get("status", {})
    if "deletionTimestamp" in metadata:
        return "still stops the old pod"
    if newest and metadata.get("labels", {}).get(_GENERATION) not in (newest, None):
        return "not updated yet"
    if any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions") or []):
        return ""
    waits = [(item.get("state") or {}).get("waiting") or {} for item in status.get("containerStatuses") or []]
    return next((item["reason"] for item in waits if item.get("reason")), "not ready")


def _of_node(api: Api, name: str) -> str:
    """Return what is the matter with the node itself; empty when nothing is, or nobody may say."""
    try:
        node = api.kubernetes.read(Ref("v1", "Node", name))
    except NotFound:
        return "is gone"
    except ApiError:
        return ""
    ready = [item["status"] for item in node.get("status", {}).get("conditions") or [] if item["type"] == "Ready"]
    return "" if ready == ["True"] else "NotReady"
