"""Facts about pod addresses on nodes: who has one, who waits for one, and whether addresses leaked.

Source: https://github.com/containerd/containerd/issues/5768 and
https://cloud.google.com/kubernetes-engine/docs/concepts/dataplane-v2 (known issues)
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from remediation import (
    KUBELET_EVENT_FIELDS,
    NODES,
    Facts,
    KubeletReport,
    ObjectNamed,
    ObjectsOf,
    Permission,
    State,
    kubelet_reports,
    live_pods,
    takes_pod_address,
)

EXHAUSTED = "no IP addresses available in range set"
HOSTNAME = "kubernetes.io/hostname"
# A node gets at least twice as many addresses as pods, so a node that is really full is rare; where its pool switches
# that off (podCidrOverprovisionConfig), it has hardly more than pods.
# Source: https://cloud.google.com/kubernetes-engine/docs/how-to/flexible-pod-cidr
_FULL = 0.8

SANDBOX_EVENTS = ObjectsOf("v1", "Event", fields="reason=FailedCreatePodSandBox", keep=KUBELET_EVENT_FIELDS)


@dataclass(frozen=True)
class NodeAddressing:
    """Pod addresses of one node: its ranges, how many they hold, who has one, who waits, and the last error.

    `error` is what the kubelet reports of the first pod that waits, and `origin` where that is said.
    `version` is the kubelet's; `external` tells whether the node has an address outside; `images` are those it has.
    """

    node: str
    hostname: str
    ranges: tuple[str, ...]
    capacity: int
    used: int
    waiting: tuple[str, ...]
    error: str
    linux: bool = True
    version: str = ""
    external: bool = True
    images: frozenset[str] = frozenset()
    origin: str = ""

    @property
    def full(self) -> bool:
        """Tell whether running pods explain that there are no addresses; then nothing leaked."""
        return self.used >= self.capacity * _FULL

    @property
    def leaking(self) -> bool:
        """Tell whether pods wait for addresses although most should be free."""
        return bool(self.waiting) and bool(self.error) and not self.full

    @property
    def most_leaked(self) -> int:
        """How many addresses can have leaked: on a node that has none left, all that its pods do not use."""
        return self.capacity - self.used

    @property
    def numbers(self) -> str:
        """The evidence in one phrase."""
        return f"{self.node}: {self.used} of {self.capacity} addresses are used by pods, {len(self.waiting)} pods wait for one"


@dataclass(frozen=True)
class Addressing:
    """The pod addresses of nodes, by node name: of the named ones that exist, or of all."""

    named: tuple[str, ...] = ()

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List nodes, pods and events; get the named nodes."""
        each = [right for node in self._nodes for right in node.permissions]
        return (*each, *live_pods().permissions, *SANDBOX_EVENTS.permissions)

    @property
    def _nodes(self) -> tuple[ObjectNamed, ...] | tuple[ObjectsOf]:
        return tuple(ObjectNamed("v1", "Node", name) for name in self.named) or (NODES,)

    @property
    def _pods(self) -> tuple[ObjectsOf, ...]:
        return tuple(live_pods(node=name) for name in self.named or ("",))

    def ask(self, facts: Facts) -> dict[str, NodeAddressing]:
        """Combine nodes, pods and events, all asked at the same time."""
        events, *found = facts.together(SANDBOX_EVENTS, *self._nodes, *self._pods)
        nodes = [node for node in found[: len(self.named)] if node] if self.named else found[0]
        pods = [pod for some in found[len(self._nodes) :] for pod in some]
        errors = sandbox_errors(events, pods)
        by_node: dict[str, list[State]] = defaultdict(list)
        for pod in filter(takes_pod_address, pods):
            by_node[pod["spec"].get("nodeName", "")].append(pod)
        names = [node["metadata"]["name"] for node in nodes]
        return {name: _addressing(node, by_node[name], errors) for name, node in zip(names, nodes, strict=True)}


def sandbox_errors(events: Iterable[State], pods: Iterable[State]) -> dict[str, KubeletReport]:
    """Return the newest report for each pod, by uid, that got no address because there was none left."""
    told = [report for report in kubelet_reports(events, pods) if EXHAUSTED in report.message]
    return {report.uid: report for report in sorted(told, key=lambda report: report.time)}


def _addressing(node: State, pods: list[State], errors: dict[str, KubeletReport]) -> NodeAddressing:
    ranges = tuple(node["spec"].get("podCIDRs") or [])
    waiting = [pod for pod in pods if not pod.get("status", {}).get("podIP") and pod["metadata"]["uid"] in errors]
    labels = node["metadata"].get("labels") or {}
    names = tuple(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in waiting)
    first = errors[waiting[0]["metadata"]["uid"]] if waiting else None
    used = sum(1 for pod in pods if pod.get("status", {}).get("podIP"))
    return NodeAddressing(
        node["metadata"]["name"],
        labels.get(HOSTNAME, ""),
        ranges,
        _capacity(ranges),
        used,
        names,
        first.message if first else "",
        labels.get("kubernetes.io/os", "linux") == "linux",
        *_known(node.get("status", {})),
        first.origin if first else "",
    )


def _known(status: State) -> tuple[str, bool, frozenset[str]]:
    """Return what a node says about itself: the kubelet's version, whether it has an address outside, its images."""
    external = any(item["type"] == "ExternalIP" for item in status.get("addresses") or [])
    images = frozenset(name for item in status.get("images") or [] for name in item.get("names") or [])
    return (status.get("nodeInfo") or {}).get("kubeletVersion", ""), external, images


def _capacity(ranges: tuple[str, ...]) -> int:
    """Return how many pods the smallest range can hold; network, gateway and broadcast are not for pods."""
    sizes = [ipaddress.ip_network(text, strict=False).num_addresses for text in ranges]
    return max(0, min(sizes, default=0) - 2)
