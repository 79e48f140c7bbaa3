"""What the nodes let a pod reach: network policies, where an agent enforces them, and GKE's metadata server.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/. A pod that no policy isolates may reach
everything; one that is isolated, what any of its policies allows. Only egress is played, and of its peers only ``ipBlock``:
nothing here is reached by the labels of pods. Without ``anetd`` (Dataplane V2) or ``calico-node`` nobody enforces a policy.

The metadata server: https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy. Dataplane V2 judges a packet as
the pod sent it, to 169.254.169.254:80; Calico after it was redirected to 169.254.169.252:988.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from runbook_sandbox.kubernetes import Cluster
from runbook_sandbox.kubernetes.selectors import matches

Object = dict[str, Any]
METADATA = "169.254.169.254"
_DATAPLANE_V2, _CALICO = "anetd", "calico-node"
_REDIRECTED = {80: ("169.254.169.252", 988)}


class NetworkPolicies:
    """The policies of a cluster, as its nodes enforce them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def allow(self, pod: Object, address: str, port: int) -> bool:
        """Tell whether packets of a pod to a TCP port of an address get through."""
        if pod["spec"].get("hostNetwork") or not self._enforced():
            return True
        if address == METADATA and not self._runs(_DATAPLANE_V2):
            address, port = _REDIRECTED.get(port, (address, port))
        isolating = list(self._isolating(pod))
        return not isolating or any(_allows(policy, address, port) for policy in isolating)

    def _enforced(self) -> bool:
        return self._runs(_DATAPLANE_V2) or self._runs(_CALICO)

    def _runs(self, name: str) -> bool:
        return self._cluster.get("daemonsets.apps", name, "kube-system") is not None

    def _isolating(self, pod: Object) -> Iterator[Object]:
        labels = pod["metadata"].get("labels") or {}
        for policy in self._cluster.store.list("networkpolicies.networking.k8s.io", pod["metadata"]["namespace"]):
            if "Egress" in _types(policy) and matches(policy["spec"].get("podSelector") or {}, labels):
                yield policy


def _types(policy: Object) -> list[str]:
    given: list[str] | None = policy["spec"].get("policyTypes")
    return given or ["Ingress", *(["Egress"] if policy["spec"].get("egress") else [])]


def _allows(policy: Object, address: str, port: int) -> bool:
    return any(_to(rule, address) and _at(rule, port) for rule in policy["spec"].get("egress") or [])


def _to(rule: Object, address: str) -> bool:
    peers = rule.get("to")
    return not peers or any(_in(peer["ipBlock"], address) for peer in peers if "ipBlock" in peer)


def _in(block: Object, address: str) -> bool:
    found = ipaddress.ip_address(address)
    excluded = any(found in ipaddress.ip_network(text) for text in block.get("except") or [])
    return found in ipaddress.ip_network(block["cidr"]) and not excluded


def _at(rule: Object, port: int) -> bool:
    ports = rule.get("ports")
    return not ports or any(_is(entry, port) for entry in ports if entry.get("protocol", "TCP") == "TCP")


def _is(entry: Object, port: int) -> bool:
    first = entry.get("port", port)
    return isinstance(first, int) and first <= port <= entry.get("endPort", first)
