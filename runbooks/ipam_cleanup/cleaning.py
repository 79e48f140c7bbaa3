"""The cleaning of nodes: they are cordoned while a DaemonSet works there with a script, and nothing of it stays."""

from __future__ import annotations

from typing import Literal

from remediation import AT_DEADLINE, KNOWN_AFTER_APPLY, During, Ensure, KubernetesObject, file_beside, manifest, merge

from .addressing import HOSTNAME, NodeAddressing
from .config_map import CleanupConfig, live_key
from .proof import NodesReported

NAMESPACE, NAME, SELECTOR = "kube-system", "runbook-ipam-cleanup", "app.kubernetes.io/name=ipam-cleanup"
IMAGE = "debian:bookworm-slim@sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716"
RANGES = "pod-cidrs."


def _cordoned(node: str) -> KubernetesObject:
    return KubernetesObject(
        "v1", "Node", node, "", {"spec": {"unschedulable": True}}, may="patch", reason="cordoned already, and stays so"
    )


def _config(nodes: list[NodeAddressing]) -> CleanupConfig:
    data = {"clean-reservations.sh": file_beside(__name__, "clean-reservations.sh")}
    for item in nodes:
        data |= live_key(item.node) | {RANGES + item.node: ",".join(item.ranges)}
    # Its script runs as root on the nodes, so nobody is to change it between the plan and the run.
    wanted = {"data": data, "immutable": True}
    return CleanupConfig("v1", "ConfigMap", NAME, NAMESPACE, wanted, row="DPV2-06", may="new")


def _daemonset(nodes: list[NodeAddressing], mode: str, image: str, limit: int) -> KubernetesObject:
    values = {"MODE": mode, "RUN_ID": KNOWN_AFTER_APPLY, "MAX_RESERVATIONS": str(limit), "NOT_AFTER": AT_DEADLINE}
    env = [{"name": name, "value": value} for name, value in values.items()]
    terms = [{"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": [item.hostname for item in nodes]}]}]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    pod = {
        "affinity": affinity,
        "initContainers": [{"name": "clean", "image": image, "env": env}],
        "containers": [{"name": "wait", "image": image}],
    }
    wanted = merge(manifest(__name__, "daemonset.yaml"), {"spec": {"template": {"spec": pod}}})
    return KubernetesObject("apps/v1", "DaemonSet", NAME, NAMESPACE, wanted, row="DPV2-06", may="new")


def work(nodes: list[NodeAddressing], mode: Literal["clean", "restore"], image: str, limit: int) -> During:
    """Return what cleans nodes, or puts live reservations back, and is taken away again."""
    names = tuple(item.node for item in nodes)
    resources = (*map(_cordoned, names), _config(nodes), _daemonset(nodes, mode, image, limit))
    return During(resources, Ensure(NodesReported(NAMESPACE, SELECTOR, names, mode), within=300, always=False))
