"""What is looked at: what the GKE API says of the dataplane, its agent on every node, and pods that got no network."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import (
    KUBELET_EVENT_FIELDS,
    NODES,
    ApiError,
    Cluster,
    Facts,
    Forbidden,
    KubeletReport,
    ObjectNamed,
    ObjectsOf,
    Permission,
    Refused,
    State,
    kubelet_reports,
    live_pods,
)

SPACE, NAME = "kube-system", "anetd"
AGENT = ObjectNamed("apps/v1", "DaemonSet", NAME, SPACE)
# A Cilium that somebody installed himself has pods with the same label, so the label alone is no proof.
OTHER_CILIUM = ObjectNamed("apps/v1", "DaemonSet", "cilium", SPACE)
_EVENTS = ObjectsOf("v1", "Event", fields="reason=FailedCreatePodSandBox", keep=KUBELET_EVENT_FIELDS)
_NO_NETWORK = "failed to setup network for sandbox"
# What has a row of its own: the node has no address left.
_NO_ADDRESS = "no IP addresses available in range set"


@dataclass(frozen=True)
class Datapath:
    """``networkConfig.datapathProvider`` of a GKE cluster; empty where it is not set, None where nobody can be asked.

    Source: https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters#DatapathProvider
    """

    project: str | None
    location: str | None
    cluster: str | None

    permissions = (Permission.google("container.clusters.get"),)

    def ask(self, facts: Facts) -> str | None:
        """Read the cluster, where its coordinates are known."""
        if not (self.project and self.location and self.cluster):
            return None
        try:
            found = facts.api.google.cluster(self.project, self.location, self.cluster)
        except (ApiError, Refused):
            return None
        return str((found.get("networkConfig") or {}).get("datapathProvider", ""))


@dataclass(frozen=True)
class Present:
    """An object, None where it does not exist, and whether it could be read at all."""

    named: ObjectNamed

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Get that one object."""
        return self.named.permissions

    def ask(self, facts: Facts) -> tuple[State | None, bool]:
        """Read it; being forbidden to is an answer too."""
        try:
            return facts(self.named), True
        except Forbidden:
            return None, False


@dataclass(frozen=True)
class Situation:
    """What is known of the dataplane.

    Attributes:
        datapath: what the GKE API says, None where it was not asked.
        agent: the DaemonSet anetd, None where there is none; readable: whether that could be seen.
        other: whether somebody runs a Cilium of his own.
        nodes: the names of all nodes.
        pods: the agent's pods.
        reports: kubelets about pods that got no network, for another reason than a lack of addresses.
    """

    datapath: str | None
    agent: State | None
    readable: bool
    other: bool
    nodes: tuple[str, ...]
    pods: tuple[State, ...]
    reports: tuple[KubeletReport, ...]

    @classmethod
    def look(cls, target: Cluster, facts: Facts) -> Situation:
        """Ask everything at once."""
        gke = Datapath(target.project, target.location, target.cluster)
        questions = gke, Present(AGENT), Present(OTHER_CILIUM), NODES, live_pods(), _EVENTS
        datapath, (agent, readable), (other, _), nodes, pods, events = facts.together(*questions)
        names = tuple(str(node["metadata"]["name"]) for node in nodes)
        told = [each for each in kubelet_reports(events, pods) if _NO_NETWORK in each.message]
        reports = tuple(each for each in told if _NO_ADDRESS not in each.message)
        return cls(datapath, agent, readable, other is not None, names, _of_agent(pods, agent), reports)

    @property
    def late(self) -> dict[str, str]:
        """Return what is wrong with the agent, by node; a node without one of its pods counts."""
        placed = {pod["spec"].get("nodeName"): pod for pod in self.pods}
        trouble = {node: _trouble(placed.get(node)) for node in self.nodes}
        return {node: text for node, text in trouble.items() if text}

    @property
    def restarts(self) -> int:
        """How often containers of the agent were started again, on all nodes."""
        return sum(int(each.get("restartCount", 0)) for pod in self.pods for each in _statuses(pod))


def _of_agent(pods: tuple[State, ...], agent: State | None) -> tuple[State, ...]:
    """Return the pods that this DaemonSet controls: by its uid, as a label can be anybody's."""
    uid = agent["metadata"]["uid"] if agent else None
    owners = [(pod, pod["metadata"].get("ownerReferences") or []) for pod in pods]
    return tuple(pod for pod, found in owners if uid and any(owner.get("uid") == uid for owner in found))


def _statuses(pod: State) -> list[State]:
    found: list[State] = pod.get("status", {}).get("containerStatuses") or []
    return found


def _trouble(pod: State | None) -> str:
    """Return why the agent of a node does not work, empty when it does."""
    if pod is None:
        return "no pod of anetd"
    waiting = [(each.get("state") or {}).get("waiting") or {} for each in _statuses(pod)]
    reasons = [str(each["reason"]) for each in waiting if each.get("reason")]
    ready = _statuses(pod) and all(each.get("ready") for each in _statuses(pod))
    return "" if ready else (reasons[0] if reasons else "not ready")
