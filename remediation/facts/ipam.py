"""Facts about pod addresses on nodes: who has one, who waits for one, and whether addresses leaked.

Source: https://github.com/containerd/containerd/issues/5768 and
https://cloud.google.com/kubernetes-engine/docs/concepts/dataplane-v2 (known issues)
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from remediation.diffing import State
from remediation.facts import Facts
from remediation.facts.kubernetes import NODES, ObjectsOf
from remediation.facts.pods import takes_pod_address
from remediation.model import Permission

EXHAUSTED = "no IP addresses available in range set"
HOSTNAME = "kubernetes.io/hostname"
# A node gets at least twice as many addresses as pods, so a node that is really full is rare.
# Source: https://cloud.google.com/kubernetes-engine/docs/how-to/flexible-pod-cidr
_FULL = 0.8

PODS = ObjectsOf("v1", "Pod")
SANDBOX_EVENTS = ObjectsOf("v1", "Event", fields="reason=FailedCreatePodSandBox")


@dataclass(frozen=True)
class NodeAddressing:
    """Pod addresses of one node: its ranges, how many they hold, who has one, who waits, and the last error."""

    node: str
    hostname: str
    ranges: tuple[str, ...]
    capacity: int
    used: int
    waiting: tuple[str, ...]
    error: str
    linux: bool = True

    @property
    def full(self) -> bool:
        """Tell whether running pods explain that there are no addresses; then nothing leaked."""
        return self.used >= self.capacity * _FULL

    @property
    def leaking(self) -> bool:
        """Tell whether pods wait for addresses although most should be free."""
        return bool(self.waiting) and bool(self.error) and not self.full

    @property
    def numbers(self) -> str:
        """The evidence in one phrase."""
        return f"{self.node}: {self.used} of {self.capacity} addresses are used by pods, {len(self.waiting)} pods wait for one"


@dataclass(frozen=True)
class Addressing:
    """The pod addresses of every node, by node name."""

    permissions: tuple[Permission, ...] = (*NODES.permissions, *PODS.permissions, *SANDBOX_EVENTS.permissions)

    def ask(self, facts: Facts) -> dict[str, NodeAddressing]:
        """Combine one list each of nodes, pods and events."""
        nodes, pods, events = facts.together(NODES, PODS, SANDBOX_EVENTS)
        errors = {
            event["involvedObject"].get("uid"): event.get("message", "")
            for event in events
            if EXHAUSTED in event.get("message", "")
        }
        return {
            node["metadata"]["name"]: _addressing(node, [pod for pod in pods if _on(pod, node)], errors)
            for node in nodes
        }


def _on(pod: State, node: State) -> bool:
    return pod["spec"].get("nodeName") == node["metadata"]["name"] and takes_pod_address(pod)


def _addressing(node: State, pods: list[State], errors: dict[str, str]) -> NodeAddressing:
    ranges = tuple(node["spec"].get("podCIDRs") or [])
    waiting = [pod for pod in pods if not pod.get("status", {}).get("podIP") and pod["metadata"]["uid"] in errors]
    labels = node["metadata"].get("labels") or {}
    names = tuple(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in waiting)
    error = errors[waiting[0]["metadata"]["uid"]] if waiting else ""
    used = sum(1 for pod in pods if pod.get("status", {}).get("podIP"))
    return NodeAddressing(
        node["metadata"]["name"],
        labels.get(HOSTNAME, ""),
        ranges,
        _capacity(ranges),
        used,
        names,
        error,
        labels.get("kubernetes.io/os", "linux") == "linux",
    )


def _capacity(ranges: tuple[str, ...]) -> int:
    """Return how many pods the smallest range can hold; network, gateway and broadcast are not for pods."""
    sizes = [ipaddress.ip_network(text, strict=False).num_addresses for text in ranges]
    return max(0, min(sizes, default=0) - 2)
