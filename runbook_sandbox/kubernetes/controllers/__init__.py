"""The controllers of a cluster: one thread that reacts to changes of the store within milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_sandbox.kubernetes.controllers.custom_resources import CustomResources
from runbook_sandbox.kubernetes.controllers.daemon_sets import DaemonSets
from runbook_sandbox.kubernetes.controllers.deployments import Deployments
from runbook_sandbox.kubernetes.controllers.garbage import GarbageCollector
from runbook_sandbox.kubernetes.controllers.jobs import Jobs
from runbook_sandbox.kubernetes.controllers.kubelet import Kubelet
from runbook_sandbox.kubernetes.controllers.loop import Loop
from runbook_sandbox.kubernetes.controllers.namespaces import Namespaces
from runbook_sandbox.kubernetes.controllers.nodes import Nodes
from runbook_sandbox.kubernetes.controllers.protection import Protection
from runbook_sandbox.kubernetes.controllers.replica_sets import ReplicaSets
from runbook_sandbox.kubernetes.controllers.scheduler import Scheduler
from runbook_sandbox.kubernetes.controllers.stateful_sets import StatefulSets

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster


class Controllers(Loop):
    """All controllers of one cluster.

    Attributes:
        kubelet: the one that plays the kubelets of all nodes.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.kubelet = Kubelet(cluster)
        workloads = (
            DaemonSets(cluster),
            Deployments(cluster),
            ReplicaSets(cluster),
            StatefulSets(cluster),
            Jobs(cluster),
        )
        others = (
            Namespaces(cluster),
            Nodes(cluster),
            GarbageCollector(cluster),
            Protection(cluster),
            CustomResources(cluster),
            Scheduler(cluster),
            self.kubelet,
        )
        super().__init__(cluster.store, (*others, *workloads))
