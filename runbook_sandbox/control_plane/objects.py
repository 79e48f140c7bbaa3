"""The objects that every test control plane begins with: nodes, and the rights of its users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_READ_ALL = (
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
    {"nonResourceURLs": ["*"], "verbs": ["get"]},
)
_IMPERSONATE = ({"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]},)
_RULES = {"reader": _READ_ALL, "impersonator": _IMPERSONATE}
_CAPACITY = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110"}


def node(number: int) -> dict[str, Any]:
    """Return `node-NUMBER`, whose pods live in 10.64.NUMBER.0/24; kwok makes it Ready."""
    name = f"node-{number}"
    pods = f"10.64.{number}.0/24"
    addresses = [
        # The first address of a subnet is its gateway.
        {"type": "InternalIP", "address": f"10.128.0.{number + 1}"},
        {"type": "Hostname", "address": name},
    ]
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"podCIDR": pods, "podCIDRs": [pods]},
        "status": {"addresses": addresses, "allocatable": _CAPACITY, "capacity": _CAPACITY},
    }


def rights(user: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the ClusterRole of `reader` or `impersonator`, and its binding."""
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": f"test-{user}"}}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"test-{user}"}
    return (
        {**rbac, "kind": "ClusterRole", "rules": list(_RULES[user])},
        {**rbac, "kind": "ClusterRoleBinding", "subjects": [subject], "roleRef": role},
    )


def is_schedulable(live: Mapping[str, Any]) -> bool:
    """Tell whether a node takes pods: Ready, and without the not-ready taint that outlives unreadiness by a moment."""
    conditions = live.get("status", {}).get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and not live["spec"].get("taints")
