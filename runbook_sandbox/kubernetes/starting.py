"""The objects that a new cluster has."""

from __future__ import annotations

from collections.abc import Iterator

from runbook_sandbox.kubernetes.admission import SERVICE_RANGE
from runbook_sandbox.kubernetes.kinds import Kinds
from runbook_sandbox.kubernetes.objects import Object, condition, now

SYSTEM_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


def node(number: int) -> Object:
    """Return a Ready node: `node-1` at 192.0.2.1 with pods in 10.64.1.0/24, and so on."""
    name, amounts = f"node-{number}", {"cpu": "4", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    ready = condition("Ready", holds=True, reason="KubeletReady", message="kubelet is posting ready status")
    calm = [condition(each, holds=False, reason=f"KubeletHasNo{each}") for each in _PRESSURES]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
        },
        "spec": {"podCIDR": f"10.64.{number}.0/24", "podCIDRs": [f"10.64.{number}.0/24"]},
        "status": {
            "allocatable": amounts,
            "capacity": amounts,
            "conditions": [*calm, ready],
            "addresses": [
                {"type": "InternalIP", "address": f"192.0.2.{number}"},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.36.3",
                "osImage": "Container-Optimized OS from Google",
                "architecture": "amd64",
                "operatingSystem": "linux",
                "containerRuntimeVersion": "containerd://2.0.0",
                "bootID": "",
                "machineID": "",
                "kernelVersion": "6.6.0",
                "kubeProxyVersion": "",
                "systemUUID": "",
            },
        },
    }


def priority_classes() -> list[Object]:
    """Return the priority classes that every cluster has."""
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": f"system-{what}-critical"},
            "value": value,
            "description": f"Used for system critical pods that {text}",
        }
        for what, value, text in (
            ("cluster", 2000000000, "must run in the cluster, but can be moved to another node if necessary."),
            ("node", 2000001000, "must not be moved from their current node."),
        )
    ]


def api_services(kinds: Kinds) -> Iterator[Object]:
    """Yield the APIServices of the server's own group versions."""
    condition = {"type": "Available", "status": "True", "reason": "Local", "lastTransitionTime": now()}
    condition |= {"message": "Local APIServices are always available"}
    for rank, (group, versions) in enumerate(kinds.group_versions().items()):
        for position, version in enumerate(versions):
            spec: Object = {"group": group} if group else {}
            spec |= {"groupPriorityMinimum": 18000 - 50 * rank, "version": version, "versionPriority": 15 - position}
            yield {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {
                    "name": f"{version}.{group}",
                    "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"},
                },
                "spec": spec,
                "status": {"conditions": [condition]},
            }


def service_cidr() -> Object:
    """Return the range of the services' addresses."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": "kubernetes"},
        "spec": {"cidrs": [str(SERVICE_RANGE)]},
    }
