"""Facts about the ip-masq-agent of a cluster.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/ip-masquerade-agent
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from remediation.diffing import State
from remediation.facts import Fact, Facts
from remediation.facts.gke import ClusterRanges
from remediation.facts.kubernetes import NODES, NodeAddresses, NodePodRanges, ObjectNamed, ObjectsOf, ServiceRanges
from remediation.masquerade import DEFAULT_RANGES, RESERVED_RANGES, MasqueradeConfig, Problem, problems
from remediation.model import Permission, Unchecked
from remediation.ranges import Network, networks

NAMESPACE, NAME, KEY = "kube-system", "ip-masq-agent", "config"
CONFIG_MAP = ObjectNamed("v1", "ConfigMap", NAME, NAMESPACE)
DAEMON_SET = ObjectNamed("apps/v1", "DaemonSet", NAME, NAMESPACE)
CONFIG_ANNOTATION = "runbook/ip-masq-config"


@dataclass(frozen=True)
class Agent:
    """The agent as it is: its configuration text, what that means, and its DaemonSet."""

    text: str | None
    daemonset: State | None
    problems: tuple[Problem, ...]

    @property
    def defaults(self) -> tuple[Network, ...]:
        """The built-in list, which depends on the agent's arguments; without an agent the node's own rules apply."""
        if self.daemonset is None or "--nomasq-all-reserved-ranges" in self._arguments:
            return RESERVED_RANGES
        return DEFAULT_RANGES

    @property
    def _arguments(self) -> list[str]:
        containers = (self.daemonset or {})["spec"]["template"]["spec"]["containers"]
        return [
            word.removesuffix("=true")
            for item in containers
            for word in (item.get("command") or []) + (item.get("args") or [])
        ]

    @property
    def config(self) -> MasqueradeConfig:
        """What the agent does; raises ConfigProblem when it rejects its configuration."""
        return MasqueradeConfig.parse(self.text, self.defaults)

    @property
    def rejected(self) -> list[str]:
        """One sentence for each reason why the agent rejects its configuration."""
        return [item.message for item in self.problems if item.severity == "rejected"]

    @property
    def harmful(self) -> list[str]:
        """One sentence for each setting that is ignored or obeyed to the cluster's harm."""
        return [item.message for item in self.problems if item.severity != "rejected"]

    @property
    def managed(self) -> bool:
        """Tell whether Google's addon manager reverts edits of the DaemonSet."""
        labels = (self.daemonset or {}).get("metadata", {}).get("labels") or {}
        return labels.get("addonmanager.kubernetes.io/mode") == "Reconcile"

    @property
    def restarted_for(self) -> str | None:
        """The configuration digest that this product last restarted the agent for."""
        template = (self.daemonset or {}).get("spec", {}).get("template", {})
        found: str | None = (template.get("metadata", {}).get("annotations") or {}).get(CONFIG_ANNOTATION)
        return found


@dataclass(frozen=True)
class MasqueradeAgent:
    """The agent's ConfigMap and DaemonSet."""

    permissions = (*CONFIG_MAP.permissions, *DAEMON_SET.permissions)

    def ask(self, facts: Facts) -> Agent:
        """Read both at the same time."""
        config_map, daemonset = facts.together(CONFIG_MAP, DAEMON_SET)
        text = ((config_map or {}).get("data") or {}).get(KEY)
        return Agent(text, daemonset, tuple(problems(text)))


@dataclass(frozen=True)
class ProtectedRanges:
    """Everything that must keep seeing pod addresses, by name, and what could not be asked."""

    project: str | None = None
    location: str | None = None
    cluster: str | None = None

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Nodes, service ranges, and the GKE cluster where one is named."""
        return (*NODES.permissions, *ServiceRanges.permissions, *(self._gke.permissions if self._gke else ()))

    @property
    def _gke(self) -> ClusterRanges | None:
        if self.project and self.location and self.cluster:
            return ClusterRanges(self.project, self.location, self.cluster)
        return None

    def ask(self, facts: Facts) -> Protected:
        """Ask the cluster and, where its coordinates are known, Google."""
        sources: list[Fact[Any]] = [NODES, ServiceRanges(), *([self._gke] if self._gke else [])]
        _, services, *gke = facts.together(*sources)
        found = Protected(facts(NodePodRanges()), services or (), facts(NodeAddresses()))
        if services is None:
            found = found.lacking("service range", "this API server does not serve ServiceCIDR objects")
        if gke:
            return replace(
                found,
                pods=(*found.pods, *gke[0].pods),
                services=(*found.services, *gke[0].services),
                nodes=(*found.nodes, *gke[0].nodes),
            )
        return found.lacking("ranges known only to the GKE API", "no --project, --location and --cluster were given")


@dataclass(frozen=True)
class Protected:
    """Ranges that must not be masqueraded."""

    pods: tuple[Network, ...]
    services: tuple[Network, ...]
    nodes: tuple[Network, ...]
    unchecked: tuple[Unchecked, ...] = ()

    def lacking(self, subject: str, reason: str) -> Protected:
        """Return the same with one more thing that was not checked."""
        return replace(self, unchecked=(*self.unchecked, Unchecked(subject, reason)))

    @property
    def all(self) -> tuple[Network, ...]:
        """Every protected range."""
        return (*self.pods, *self.services, *self.nodes)

    def lost(self, before: MasqueradeConfig, after: MasqueradeConfig) -> list[str]:
        """Return a phrase for each range that keeps pod addresses before and would not after."""
        named = (("pod range", self.pods), ("service range", self.services), ("node address", self.nodes))
        return [
            f"{name} {item}"
            for name, ranges in named
            for item in after.covers(ranges)
            if item not in before.covers(ranges)
        ]


_TIMED_OUT = re.compile(r"dial tcp (?:\[?([0-9a-fA-F.:]+?)\]?):\d+: (?:i/o timeout|connect: connection timed out)")


@dataclass(frozen=True)
class TimedOutDestinations:
    """Addresses that pods could not reach in time, from the failed probes that events tell of."""

    events = ObjectsOf("v1", "Event", fields="reason=Unhealthy")

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List events."""
        return self.events.permissions

    def ask(self, facts: Facts) -> tuple[Network, ...]:
        """Find the addresses in the texts of the events."""
        texts = [match[1] for event in facts(self.events) if (match := _TIMED_OUT.search(event.get("message", "")))]
        return networks(texts)
