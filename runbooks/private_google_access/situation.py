"""What is looked at: who cannot pull for want of a way, where their nodes are, and whether they pull afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from remediation import (
    NODES,
    Api,
    CheckDefaults,
    Cluster,
    Facts,
    FailedPull,
    FailedPulls,
    GoogleField,
    Permission,
    PullFailure,
    Ref,
    State,
    Verdict,
    classify_pull_failure,
    controller_of,
    few,
    has_started,
    live_pods,
    name_of,
    pull_failures,
    recorded,
)

from .network import FIELD, METHOD, Subnet, SubnetWays, registry_of_google

_POOL_LABEL = "cloud.google.com/gke-nodepool"
_DIALLED = re.compile(r"dial tcp \[?([0-9a-fA-F.:]+?)\]?:443")
# What a way can be wanting for; any answer of a registry, a refusal too, has come along one.
_NO_WAY = (PullFailure.NETWORK, PullFailure.DNS)


@dataclass(frozen=True)
class GkeCluster:
    """A cluster as the GKE API has it."""

    project: str
    location: str
    cluster: str

    permissions = (Permission.google("container.clusters.get"),)

    def ask(self, facts: Facts) -> State:
        """Read it."""
        return facts.api.google.cluster(self.project, self.location, self.cluster)


@dataclass(frozen=True)
class ClusterSubnets:
    """The subnets that the nodes of a cluster may be in: those of its pools, and its own."""

    project: str
    location: str
    cluster: str

    names: ClassVar[str] = "SUBNET"
    permissions = GkeCluster.permissions

    def ask(self, facts: Facts) -> tuple[str, ...]:
        """Return their paths."""
        found = facts(GkeCluster(self.project, self.location, self.cluster))
        own = str((found.get("networkConfig") or {}).get("subnetwork") or "")
        return tuple(dict.fromkeys(filter(None, (own, *(pool.subnet for pool in pools_of(found))))))


@dataclass(frozen=True)
class Pool:
    """A node pool: the path of its subnet, and whether its nodes lack external addresses."""

    name: str
    subnet: str
    private: bool


def pools_of(cluster: State) -> tuple[Pool, ...]:
    """Return the node pools of a cluster; what a pool does not say is as in the cluster."""
    usual = cluster.get("networkConfig") or {}
    old = (cluster.get("privateClusterConfig") or {}).get("enablePrivateNodes", False)
    return tuple(
        Pool(
            pool["name"],
            str(own.get("subnetwork") or usual.get("subnetwork") or ""),
            bool(own.get("enablePrivateNodes", usual.get("defaultEnablePrivateNodes", old))),
        )
        for pool in cluster.get("nodePools") or []
        for own in [pool.get("networkConfig") or {}]
    )


@dataclass(frozen=True)
class Stuck:
    """Pods on the nodes of one pool that cannot reach one registry; ``pool`` is None where no label of a node tells it."""

    host: str
    kind: PullFailure
    pods: tuple[State, ...]
    messages: tuple[str, ...]
    pool: Pool | None

    @property
    def address(self) -> str:
        """What was dialled in vain, empty where the name has none."""
        found = (_DIALLED.search(text) for text in self.messages)
        return next((match[1] for match in found if match), "")

    @property
    def names(self) -> str:
        """Some of the pods."""
        return few(f"{pod['metadata']['namespace']}/{name_of(pod)}" for pod in self.pods)

    @property
    def is_google(self) -> bool:
        """Whether Private Google Access leads to the registry."""
        return bool(registry_of_google(self.host))


@dataclass(frozen=True)
class Situation:
    """Who cannot pull, and where: one look for diagnosis and steps.

    Attributes:
        failed: pods that cannot pull, whatever the reason.
        pools: the node pools, None where nobody said which GKE cluster this is.
    """

    target: Cluster
    facts: Facts
    failed: tuple[FailedPull, ...]
    pools: tuple[Pool, ...] | None

    @classmethod
    def look(cls, target: Cluster, facts: Facts) -> Situation:
        """Look at the pods, and at the cluster where its coordinates are known."""
        failed = facts(FailedPulls())
        if not (target.project and target.location and target.cluster):
            return cls(target, facts, failed, None)
        place = (target.project, target.location, target.cluster)
        facts(ClusterSubnets(*place))
        return cls(target, facts, failed, pools_of(facts(GkeCluster(*place))))

    @cached_property
    def stuck(self) -> tuple[Stuck, ...]:
        """The pods without a way to their registry, by registry and node pool."""
        found: dict[tuple[str, PullFailure, Pool | None], list[FailedPull]] = {}
        pods: dict[tuple[str, PullFailure, Pool | None], list[State]] = {}
        for failed in (each for each in self.failed if each.kind in _NO_WAY):
            for pod in failed.pods:
                key = (failed.host, failed.kind, self._pool_of(pod))
                found.setdefault(key, []).append(failed)
                pods.setdefault(key, []).append(pod)
        return tuple(
            Stuck(host, kind, tuple(pods[key]), tuple(dict.fromkeys(text for each in found[key] for text in each.messages)), pool)
            for key in found
            for host, kind, pool in [key]
        )  # fmt: skip

    def _pool_of(self, pod: State) -> Pool | None:
        """Return the pool of a pod's node; where nodes have no label, the only one there is."""
        labels = {name_of(node): node["metadata"].get("labels") or {} for node in self.facts(NODES)}
        name = labels.get(pod["spec"].get("nodeName", ""), {}).get(_POOL_LABEL)
        pools = self.pools or ()
        return next((pool for pool in pools if pool.name == name), pools[0] if len(pools) == 1 else None)

    def subnet(self, pool: Pool) -> Subnet:
        """Return the subnet of a pool, with the ways out of it."""
        return self.facts(SubnetWays(pool.subnet, pool.subnet.split("/")[1] != self.target.project))

    @property
    def private(self) -> tuple[Pool, ...]:
        """The pools whose nodes have no external addresses, one for each subnet."""
        return tuple({pool.subnet: pool for pool in self.pools or () if pool.private}.values())

    def waiting(self, subnet: Subnet) -> tuple[Stuck, ...]:
        """Return who waits for Google's registries on private nodes of a subnet."""
        dialled = (each for each in self.stuck if each.is_google and each.kind is PullFailure.NETWORK)
        return tuple(each for each in dialled if each.pool and each.pool.private and each.pool.subnet == subnet.path)


@recorded
@dataclass(frozen=True)
class StuckPodsPull(CheckDefaults):
    """The pods that had no way to their registry have pulled, and their subnets have Private Google Access.

    A pod that was replaced since is judged by those that its controller has made; pods that never waited prove nothing.

    Args:
        subnets: ``projects/P/regions/R/subnetworks/S``.
        stuck: namespace, pod, controller (empty without one) and registry of each pod that waited when the plan was made.
        foreign_project: whether the subnets are in another project than the cluster's.
    """

    subnets: tuple[str, ...] = ()
    stuck: tuple[tuple[str, str, str, str], ...] = ()
    foreign_project: bool = False

    bounds: ClassVar[tuple[str, ...]] = ("foreign_project",)
    learnt: ClassVar[tuple[str, ...]] = ("subnets", "stuck", "foreign_project")

    @classmethod
    def of(cls, subnets: list[Subnet], waiting: list[Stuck]) -> StuckPodsPull:
        """Return the check for those who wait now."""
        found = [(each.host, pod) for each in waiting for pod in each.pods]
        stuck = [(pod["metadata"]["namespace"], name_of(pod), _owner(pod), host) for host, pod in found]
        return cls(tuple(each.path for each in subnets), tuple(stuck), any(each.foreign for each in subnets))

    @property
    def description(self) -> str:
        """What is true when it passes."""
        names = few(path.rpartition("/")[2] for path in self.subnets)
        return f"the pods that had no way to their registry pull, and {names} has Private Google Access"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List and watch pods, read the subnets."""
        reads = tuple(right for each in self._flags for right in each.permissions if right.verb == "get")
        return (*live_pods().permissions, Permission("watch", "pods"), *reads)

    @property
    def _flags(self) -> tuple[GoogleField, ...]:
        return tuple(
            GoogleField(
                "compute", "subnetworks", path, FIELD, value=True, method=METHOD, foreign_project=self.foreign_project
            )
            for path in self.subnets
        )

    def ask(self, api: Api) -> Verdict:
        """Look at the subnets, then at each pod that waited."""
        if off := [flag for flag in self._flags if flag.read(api) != flag.desired({})]:
            return Verdict("failing", f"{few(flag.resource for flag in off)} has no Private Google Access")
        pods = Facts(api)(live_pods())
        present = [(found, host) for *where, host in self.stuck for found in _successors(pods, *where)]
        if not present:
            return Verdict("unknown", "the pods that waited are gone, and nobody has made them anew", final=True)
        return self._judged(present)

    def _judged(self, present: list[tuple[State, str]]) -> Verdict:
        failing = [(pod, text) for pod, host in present for text in pull_failures(pod, host)[:1]]
        if failing:
            return _still_failing(failing, len(present))
        if starting := [pod for pod, _ in present if not has_started(pod)]:
            return Verdict("failing", f"not started yet: {few(map(name_of, starting))}")
        return Verdict(
            "ok", f"{len(present)} pods that waited have pulled: {few({name_of(pod) for pod, _ in present})}"
        )

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield at every change of a pod."""
        return api.kubernetes.changes(Ref("v1", "Pod"), within)


def _still_failing(failing: list[tuple[State, str]], total: int) -> Verdict:
    """Tell who fails, and what with; an answer of the registry shows that the way is there, and waiting changes nothing of it."""
    waiting = [(pod, text) for pod, text in failing if not _has_answer(text)]
    pod, text = (waiting or failing)[0]
    said = f"{len(failing)} of {total} pods that waited cannot pull: {name_of(pod)}: {text}"
    if waiting:
        return Verdict("failing", f"{said}; the kubelet tries again after up to 5 minutes; then look at routes and DNS")
    return Verdict(
        "failing", f"{said}; that is an answer, so the way is there, and another runbook's matter", final=True
    )


def _has_answer(text: str) -> bool:
    return classify_pull_failure(text) not in (*_NO_WAY, PullFailure.UNKNOWN)


def _owner(pod: State) -> str:
    owner = controller_of(pod)
    return owner.name if owner else ""


def _successors(pods: tuple[State, ...], namespace: str, name: str, owner: str) -> list[State]:
    """Return the pod, or where it is gone those of its controller."""
    there = [pod for pod in pods if pod["metadata"]["namespace"] == namespace]
    same = [pod for pod in there if name_of(pod) == name and "deletionTimestamp" not in pod["metadata"]]
    return same or [
        pod for pod in there if owner and _owner(pod) == owner and "deletionTimestamp" not in pod["metadata"]
    ]
