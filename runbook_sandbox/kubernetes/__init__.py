"""An emulated Kubernetes API with controllers, in one process: ready in milliseconds, no etcd, no kubelet.

Clients talk to it over HTTP as to a kube-apiserver 1.36::

    with Cluster(nodes=3) as cluster, serve(cluster) as server:
        print(server.url)
"""

from runbook_sandbox.kubernetes.cluster import Cluster, KubeletRule, LogRule, Program
from runbook_sandbox.kubernetes.faults import Fault, FaultRule
from runbook_sandbox.kubernetes.http import Server, kubeconfig, serve
from runbook_sandbox.kubernetes.kinds import Kind
from runbook_sandbox.kubernetes.kubelet_rules import Ended, EventText, PodOutcome
from runbook_sandbox.kubernetes.problems import Problem
from runbook_sandbox.kubernetes.requests import Response, User

__all__ = [
    "Cluster",
    "Ended",
    "EventText",
    "Fault",
    "FaultRule",
    "Kind",
    "KubeletRule",
    "LogRule",
    "PodOutcome",
    "Problem",
    "Program",
    "Response",
    "Server",
    "User",
    "kubeconfig",
    "serve",
]
