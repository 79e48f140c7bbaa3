"""The faults in the cluster, put in place through its API like an unlucky colleague would."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from remediation.catalogue.manifests import manifest
from remediation.model.diffing import State
from remediation.model.errors import Conflict, NotFound, Unavailable
from remediation.model.refs import Ref
from remediation.providers.kubernetes.client import KubernetesClient
from runbook_sandbox.nodes.marks import DESTINATION, EXHAUSTED, LEAKED
from runbook_sandbox.places import HOST, REAL_HOST

_CONFIG = """\
nonMasqueradeCIDRs:
- 10.0.0.0/8
- 172.16.0.0/12
- 192.168.0.0/16
resyncInterval: {interval}
"""
# All that a /24 has for pods, but for some that run.
_AGENT = "ip-masq-agent"
_DAEMON_SET, _CONFIG_MAP = (
    Ref("apps/v1", "DaemonSet", _AGENT, "kube-system"),
    Ref("v1", "ConfigMap", _AGENT, "kube-system"),
)
_LOOKS = 50
_LEAKED_ADDRESSES = 250


def _namespace(client: KubernetesClient) -> None:
    try:
        client.create(
            Ref("v1", "Namespace", "shop"), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
        )
    except Conflict:
        return


def _put(client: KubernetesClient, obj: State) -> None:
    """Replace an object by this one, whatever was there."""
    metadata = obj["metadata"]
    ref = Ref(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace", ""))
    with suppress(NotFound):
        client.delete(ref, client.read(ref)["metadata"]["uid"])
    client.create(ref, obj)


def _deployment(name: str, image: str, replicas: int, **pod: Any) -> State:
    labels = {"app": name} | pod.pop("labels", {})
    spec = {"terminationGracePeriodSeconds": 0, "containers": [{"name": name, "image": image}]} | pod.pop("spec", {})
    template = {"metadata": {"labels": labels, **pod}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def _run_agent(client: KubernetesClient, interval: str) -> None:
    metadata = {"name": _AGENT, "namespace": "kube-system"}
    _put(
        client,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"config": _CONFIG.format(interval=interval)},
        },
    )
    _put(client, manifest("runbooks.ip_masq_agent.runbook", "daemonset.yaml"))


def break_masquerade(client: KubernetesClient, sandbox: Any, real: bool) -> None:
    """Run the agent with a list that keeps pod addresses towards a network that cannot route to them."""
    _run_agent(client, "60s")
    _need_outside(client, real=real)


def miss_agent(client: KubernetesClient, sandbox: Any, real: bool) -> None:
    """Leave it to the nodes, whose own list keeps pod addresses towards every private network."""
    for ref in (_DAEMON_SET, _CONFIG_MAP):
        with suppress(NotFound):
            client.delete(ref, client.read(ref)["metadata"]["uid"])
    _need_outside(client, real=real)


def _need_outside(client: KubernetesClient, *, real: bool) -> None:
    _namespace(client)
    note = {DESTINATION: "10.1.125.70"}
    _put(client, _deployment("onprem-client", "registry.example.com/onprem-client:1.0.0", 1, annotations=note))
    if real:
        _put(client, _failed_probe(_running_client(client), note[DESTINATION]))


def _running_client(client: KubernetesClient) -> State:
    """Return the pod that needs the destination, once it has a node; a kubelet reports only of pods that are there."""
    for _ in range(_LOOKS):
        found = client.list(Ref("v1", "Pod", "", "shop"), labels="app=onprem-client")
        placed = [pod for pod in found if pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]]
        if placed:
            return placed[0]
        time.sleep(0.2)
    raise Unavailable("the pod onprem-client got no node in time")


def _failed_probe(pod: State, address: str) -> State:
    """Return what a kubelet would say; simulated nodes have no network that could fail."""
    about = {name: pod["metadata"][name] for name in ("name", "namespace", "uid")}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "onprem-client.unreachable", "namespace": "shop"},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", **about},
        "type": "Warning",
        "reason": "Unhealthy",
        "message": f"Readiness probe failed: dial tcp {address}:443: i/o timeout",
        "source": {"component": "kubelet", "host": pod["spec"]["nodeName"]},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def break_config(client: KubernetesClient, sandbox: Any, real: bool) -> None:
    """Run the agent, then give it a configuration that it rejects: nodes keep the rules of the one before."""
    _run_agent(client, "60s")
    _wait_for_agents(client)
    text = _CONFIG.format(interval="60")
    client.patch(_CONFIG_MAP, [{"op": "replace", "path": "/data/config", "value": text}])


def _wait_for_agents(client: KubernetesClient) -> None:
    """Wait a moment for the agents, which then have rules of their own; nothing is wrong with the fault when they are late."""
    for _ in range(_LOOKS):
        status = client.read(_DAEMON_SET).get("status", {})
        if status.get("numberAvailable", 0) and status["numberAvailable"] == status.get("desiredNumberScheduled"):
            return
        time.sleep(0.1)


def leak_addresses(client: KubernetesClient, sandbox: Any, real: bool) -> None:
    """Let a node believe that its addresses are taken, then start pods there."""
    _namespace(client)
    node = Ref("v1", "Node", "node-2")
    annotations = client.read(node)["metadata"].get("annotations") or {}
    value = annotations | {LEAKED: str(_LEAKED_ADDRESSES)}
    client.patch(node, [{"op": "add", "path": "/metadata/annotations", "value": value}])
    spec = {"nodeSelector": {"kubernetes.io/hostname": "node-2"}}
    labels = {EXHAUSTED: "true"} if real else {}
    _put(client, _deployment("orders", "registry.example.com/orders:2.3.1", 3, spec=spec, labels=labels))


def forbid_pulls(client: KubernetesClient, sandbox: Any, real: bool) -> None:
    """Start pods whose image is in a registry that does not know them."""
    _namespace(client)
    _put(client, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": "shop"}})
    image = f"{REAL_HOST if real else HOST + '/example-prod'}/shop/web:1.4.2"
    _put(client, _deployment("web", image, 2, spec={"serviceAccountName": "web"}))
