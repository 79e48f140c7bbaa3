"""What is looked at: the policies of a namespace, the pods that they isolate, and who enforces them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from remediation import (
    Facts,
    Forbidden,
    Invalid,
    NotFound,
    ObjectNamed,
    ObjectsOf,
    Permission,
    State,
    limits,
    live_pods,
    redacted,
)

from .policies import Peer, allows, isolates, on_purpose, selects

_NO_ANSWER = re.compile(
    r"169\.254\.169\.25[24]\b.*(time|refused)|(metadata server|metadata\.google\.internal).*(time|unreachable)",
    re.IGNORECASE,
)
# Where Workload Identity says which account of Google a service account acts as.
_WORKLOAD_IDENTITY = "iam.gke.io/gcp-service-account"
_MOST_LOGS, _LONGEST_LINE = 3, 500
ROW = "AUTH-07"
POLICIES = "networking.k8s.io/v1", "NetworkPolicy"
# Who judges packets, and where it sees those for the metadata server go. The second port of each is what newer versions use.
# Source: https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy
_DATAPLANES = (
    Peer("anetd", "169.254.169.254", (80, 8080)),
    Peer("calico-node", "169.254.169.252", (988, 987)),
)
# What a namespaced policy cannot override.
_ABOVE = (
    ("cilium.io/v2", "CiliumClusterwideNetworkPolicy"),
    ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"),
)
CONTROLLERS = (
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
)


@dataclass(frozen=True)
class Enforcement:
    """Who enforces network policies in the cluster; None when nobody does."""

    permissions = tuple(
        right
        for each in _DATAPLANES
        for right in ObjectNamed("apps/v1", "DaemonSet", each.dataplane, "kube-system").permissions
    )

    def ask(self, facts: Facts) -> Peer | None:
        """Look for the agent of each dataplane."""
        wanted = [ObjectNamed("apps/v1", "DaemonSet", each.dataplane, "kube-system") for each in _DATAPLANES]
        found = facts.together(*wanted)
        return next((each for each, agent in zip(_DATAPLANES, found, strict=True) if agent is not None), None)


@dataclass(frozen=True)
class PoliciesAbove:
    """The names of the cluster-wide policies; None when they may not be read."""

    permissions = tuple(right for each in _ABOVE for right in ObjectsOf(*each).permissions)

    def ask(self, facts: Facts) -> tuple[str, ...] | None:
        """List each kind that the cluster has."""
        found: list[str] = []
        for kind in _ABOVE:
            try:
                found += [f"{kind[1]} {each['metadata']['name']}" for each in facts(ObjectsOf(*kind))]
            except NotFound:
                continue
            except Forbidden:
                return None
        return tuple(found)


@dataclass(frozen=True)
class Isolated:
    """A policy that isolates pods, with those that it selects; ``allowed`` names the policies that let them ask for tokens."""

    policy: State
    pods: tuple[State, ...]
    peer: Peer
    allowed: tuple[str, ...]

    @property
    def name(self) -> str:
        """The policy's name."""
        return str(self.policy["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The policy's namespace."""
        return str(self.policy["metadata"]["namespace"])

    @property
    def selector(self) -> State:
        """Which pods it is for."""
        found: State = self.policy["spec"].get("podSelector") or {}
        return found

    @property
    def on_purpose(self) -> str:
        """The sign that it is meant to be so, empty when there is none."""
        return on_purpose(self.policy, self.peer)

    @property
    def unready(self) -> tuple[State, ...]:
        """The pods that are not ready."""
        return tuple(pod for pod in self.pods if not is_ready(pod))


@dataclass(frozen=True)
class IsolatedPods:
    """The policies of a namespace, or of all, that limit what pods may reach, where somebody enforces them."""

    namespace: str = ""

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List policies and pods there, and look for who enforces them."""
        there = (*ObjectsOf(*POLICIES, self.namespace).permissions, *live_pods(self.namespace).permissions)
        return (*there, *Enforcement.permissions)

    def ask(self, facts: Facts) -> tuple[Isolated, ...]:
        """Match the policies with the pods."""
        questions = Enforcement(), ObjectsOf(*POLICIES, self.namespace), live_pods(self.namespace)
        peer, policies, pods = facts.together(*questions)
        if peer is None:
            return ()
        return tuple(_isolated(each, policies, pods, peer) for each in policies if isolates(each))


def _isolated(policy: State, policies: tuple[State, ...], pods: tuple[State, ...], peer: Peer) -> Isolated:
    selector, space = policy["spec"].get("podSelector") or {}, policy["metadata"]["namespace"]
    mine = [pod for pod in pods if pod["metadata"]["namespace"] == space and not pod["spec"].get("hostNetwork")]
    chosen = tuple(pod for pod in mine if selects(selector, pod["metadata"].get("labels") or {}))
    # Another policy helps all of these pods when it selects whatever this one does.
    same = [each for each in policies if each["metadata"]["namespace"] == space and _covers(each, selector)]
    allowed = tuple(each["metadata"]["name"] for each in same if isolates(each) and allows(each, peer))
    return Isolated(policy, chosen, peer, allowed)


def _covers(policy: State, selector: State) -> bool:
    """Tell whether a policy is for all pods that a selector matches: it has the same one, or one for every pod."""
    found = policy["spec"].get("podSelector") or {}
    return found in ({}, selector)


@dataclass(frozen=True)
class TimedOut:
    """The line in the log of a pod that says that the metadata server did not answer, empty when there is none."""

    namespace: str
    pod: str

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Read the logs of the namespace."""
        return (Permission("get", "pods/log", "", self.namespace),)

    def ask(self, facts: Facts) -> str:
        """Read the end of the log; a pod that has none yet says nothing."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}/log"
        try:
            text = facts.api.kubernetes.text(path, {"tailLines": "100", "limitBytes": "65536"})
        except (NotFound, Invalid, Forbidden):
            return ""
        lines = (limits.cut(line.strip(), _LONGEST_LINE) for line in reversed(text.splitlines()))
        return next((redacted(line) for line in lines if _NO_ANSWER.search(line)), "")


@dataclass(frozen=True)
class Situation:
    """The policies of one namespace, or of all, and who enforces them."""

    facts: Facts
    peer: Peer | None
    isolated: tuple[Isolated, ...]

    @classmethod
    def look(cls, facts: Facts, namespace: str = "") -> Situation:
        """Look at the namespace that is named; at all of them for a diagnosis."""
        isolated, peer = facts.together(IsolatedPods(namespace), Enforcement())
        return cls(facts, peer, isolated)

    def signs(self, item: Isolated) -> tuple[str, ...]:
        """Return what says that pods of a policy really need tokens: their logs, else what their service accounts are for."""
        for pod in item.unready[:_MOST_LOGS]:
            if line := self.facts(TimedOut(item.namespace, pod["metadata"]["name"])):
                caution = f"logs are text: whoever may create pods in {item.namespace} can make them say this"
                return (f"log of pod {item.namespace}/{pod['metadata']['name']}: {line}", caution)
        return tuple(sorted({sign for pod in item.pods if (sign := self._account(pod))}))

    def _account(self, pod: State) -> str:
        """Return which Google service account a pod acts as, empty when its own says none."""
        space, name = pod["metadata"]["namespace"], pod["spec"].get("serviceAccountName") or "default"
        account = self.facts(ObjectNamed("v1", "ServiceAccount", name, space)) or {"metadata": {}}
        email = (account["metadata"].get("annotations") or {}).get(_WORKLOAD_IDENTITY)
        return f"its pods run as {space}/{name}, which acts as {email}" if email else ""

    def of_others(self, namespace: str, name: str) -> str:
        """Return the policy that has a name and was not made by this runbook, empty when there is none."""
        for each in self.facts(ObjectsOf(*POLICIES, namespace)):
            if (
                each["metadata"]["name"] == name
                and (each["metadata"].get("annotations") or {}).get("runbook/id") != ROW
            ):
                return f"networkpolicy/{namespace}/{name}"
        return ""

    def adopters(self, namespace: str, labels: dict[str, str]) -> list[str]:
        """Return the controllers that would take a pod with these labels for one of theirs."""
        found = []
        for kind in CONTROLLERS:
            for each in self.facts(ObjectsOf(*kind, namespace, keep=("metadata.name", "spec.selector"))):
                selector = each["spec"].get("selector") or {}
                if selector and selects(selector, labels):
                    found.append(f"{kind[1].lower()}/{each['metadata']['name']}")
        return found


def is_ready(pod: State) -> bool:
    """Tell whether every container of a pod is ready."""
    statuses = pod.get("status", {}).get("containerStatuses") or []
    return bool(statuses) and all(each.get("ready") for each in statuses)
