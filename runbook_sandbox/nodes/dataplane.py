"""Dataplane V2 on a node whose agent is down: `anetd` crashes, and its CNI plugin gives no new pod a network.

Source of the texts: https://github.com/cilium/cilium, plugins/cilium-cni and pkg/client (a plugin that waits for an agent),
and the kubelet, pkg/kubelet/kuberuntime, for what stands in front of them.
"""

from __future__ import annotations

import hashlib
from typing import Any

from runbook_sandbox.kubernetes import Cluster, EventText, PodOutcome
from runbook_sandbox.nodes.marks import BROKEN_DATAPLANE

Object = dict[str, Any]
_AGENT = "anetd"
_NO_AGENT = (
    'plugin type="cilium-cni" failed (add): unable to connect to Cilium agent: failed to create cilium agent client after '
    '30.000000 seconds timeout: Get "http://localhost/v1/config": dial unix /var/run/cilium/cilium.sock: connect: no such '
    "file or directory"
)


def without_agent(pod: Object, cluster: Cluster) -> PodOutcome | None:
    """On a node that is marked the agent crashes, and what is not on the node's own network gets none."""
    node = cluster.get("nodes", pod["spec"].get("nodeName", "")) or {"metadata": {}}
    if BROKEN_DATAPLANE not in (node["metadata"].get("annotations") or {}):
        return None
    owners = [owner["name"] for owner in pod["metadata"].get("ownerReferences") or []]
    if owners == [_AGENT] and pod["metadata"]["namespace"] == "kube-system":
        log = 'level=fatal msg="failed to start: daemon creation failed" subsys=daemon\n'
        return PodOutcome("crashing", "CrashLoopBackOff", restarts=7, exit_code=1, log=log)
    if pod["spec"].get("hostNetwork"):
        return None
    sandbox = hashlib.sha256(pod["metadata"]["uid"].encode()).hexdigest()
    text = f'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "{sandbox}"'
    return PodOutcome("creating", events=(EventText("FailedCreatePodSandBox", f"{text}: {_NO_AGENT}"),))
