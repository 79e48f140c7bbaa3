"""The kubelets of all nodes: pods become Running, or what a rule of the scenario says."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from runbook_sandbox.kubernetes.controllers.loop import Key
from runbook_sandbox.kubernetes.controllers.pod_status import status_of
from runbook_sandbox.kubernetes.kubelet_rules import EventText, PodOutcome
from runbook_sandbox.kubernetes.objects import Object, controller_of, name_of
from runbook_sandbox.kubernetes.store import Change

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster

_INPUTS = frozenset({"secrets", "configmaps", "serviceaccounts", "nodes"})
_FINISHED = frozenset({"Succeeded", "Failed"})
_NO_ADDRESS = (
    "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: plugin"
    ' type="ptp" failed (add): failed to allocate for range 0: no IP addresses available in range set: {range}'
)


class Kubelet:
    """Plays the kubelets."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._store = cluster, cluster.store
        self._outcomes: dict[str, PodOutcome] = {}
        self._delayed: set[tuple[str, PodOutcome]] = set()

    def concerned(self, change: Change) -> Iterable[Key]:
        """Return the pods that a change concerns."""
        if change.storage in _INPUTS:
            return [key for key in self.all() if not self._is_running(key)]
        if change.storage != "pods":
            return []
        if change.type == "DELETED":
            self._outcomes.pop(change.object["metadata"]["uid"], None)
            return []
        return [("pods", *name_of(change.object))] if change.object["spec"].get("nodeName") else []

    def all(self) -> Iterable[Key]:
        """Return the pods that have a node."""
        return [("pods", *name_of(each)) for each in self._store.list("pods") if each["spec"].get("nodeName")]

    def _is_running(self, key: Key) -> bool:
        pod = self._store.get(*key)
        outcome = self._outcomes.get(pod["metadata"]["uid"]) if pod else None
        return outcome is not None and outcome.state == "running" and outcome.ready

    def log(self, pod: Object) -> str:
        """Return the log text of a pod's outcome."""
        return self._outcomes.get(pod["metadata"]["uid"], PodOutcome()).log

    def reconsider(self) -> None:
        """Ask the rules again about every pod, also about those that run."""
        with self._store.lock:
            self._outcomes.clear()
            for key in self.all():
                self.reconcile(key[1], key[2], key[0])

    def reconcile(self, namespace: str, name: str, storage: str) -> float | None:
        """Bring one pod on."""
        pod = self._store.get(storage, namespace, name)
        if pod is None or not pod["spec"].get("nodeName"):
            return None
        if "deletionTimestamp" in pod["metadata"]:
            self._end(pod)
            return None
        if pod.get("status", {}).get("phase") in _FINISHED or self._is_running((storage, namespace, name)):
            return None
        node = self._store.get("nodes", "", pod["spec"]["nodeName"])
        return self._advance(pod, node) if node is not None else None

    def _end(self, pod: Object) -> None:
        if not pod["metadata"].get("finalizers"):
            self._store.remove("pods", *name_of(pod))

    def _advance(self, pod: Object, node: Object) -> float | None:
        uid = pod["metadata"]["uid"]
        outcome, address = self._with_address(pod, node, self._outcome(pod))
        if outcome.after and (uid, outcome) not in self._delayed:
            self._delayed.add((uid, outcome))
            return outcome.after
        if self._outcomes.get(uid) == outcome:
            return None
        self._outcomes[uid] = outcome
        status = status_of(pod, outcome, _host_address(node), address)
        self._store.put("pods", {**pod, "metadata": dict(pod["metadata"]), "status": status})
        self._report(pod, outcome)
        return None

    def _outcome(self, pod: Object) -> PodOutcome:
        for rule in self._cluster.kubelet_rules:
            outcome = rule(pod, self._cluster)
            if outcome is not None:
                return outcome
        missing = next(self._missing(pod), None)
        if missing is not None:
            return missing
        owner = controller_of(pod)
        return PodOutcome("succeeded" if owner and owner["kind"] == "Job" else "running")

    def _missing(self, pod: Object) -> Iterator[PodOutcome]:
        """Return an outcome for each config map or secret that the pod needs and does not find."""
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes", ()):
            for storage, source, key in (("configmaps", "configMap", "name"), ("secrets", "secret", "secretName")):
                wanted = volume.get(source, {})
                if wanted and not wanted.get("optional") and self._store.get(storage, namespace, wanted[key]) is None:
                    text = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {storage[:-1]} "{wanted[key]}" not found'
                    yield PodOutcome("creating", events=(EventText("FailedMount", text),))
        yield from self._missing_variables(pod, namespace)

    def _missing_variables(self, pod: Object, namespace: str) -> Iterator[PodOutcome]:
        for container in pod["spec"]["containers"]:
            for storage, wanted in _references(container):
                if not wanted.get("optional") and self._store.get(storage, namespace, wanted["name"]) is None:
                    text = f'{storage[:-1]} "{wanted["name"]}" not found'
                    yield PodOutcome(
                        "waiting",
                        "CreateContainerConfigError",
                        text,
                        container["name"],
                        events=(EventText("Failed", f"Error: {text}"),),
                    )

    def _with_address(self, pod: Object, node: Object, outcome: PodOutcome) -> tuple[PodOutcome, str]:
        """Return the outcome and the pod's address; a node without a free address changes the outcome."""
        if pod["spec"].get("hostNetwork"):
            return outcome, _host_address(node)
        if outcome.state == "creating":
            return outcome, ""
        held = pod.get("status", {}).get("podIP")
        address = held or self._free_address(node)
        if address is None:
            text = _NO_ADDRESS.format(range=node["spec"].get("podCIDR", ""))
            return PodOutcome("creating", events=(EventText("FailedCreatePodSandBox", text),)), ""
        return outcome, address

    def _free_address(self, node: Object) -> str | None:
        cidr = node["spec"].get("podCIDR")
        if not cidr:
            return None
        taken = {each.get("status", {}).get("podIP") for each in self._store.list("pods")}
        addresses = iter(ipaddress.ip_network(cidr).hosts())
        # The first address is the node's own bridge.
        next(addresses)
        return next((str(each) for each in addresses if str(each) not in taken), None)

    def _report(self, pod: Object, outcome: PodOutcome) -> None:
        for event in outcome.events:
            self._cluster.record_event(pod, event.reason, event.message, event.type)
        if outcome.state == "running" and not outcome.events:
            name = pod["spec"]["containers"][0]["name"]
            self._cluster.record_event(pod, "Started", f"Container started: {name}")


def _references(container: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for variable in container.get("env", ()):
        source = variable.get("valueFrom", {})
        if "configMapKeyRef" in source:
            yield "configmaps", source["configMapKeyRef"]
        if "secretKeyRef" in source:
            yield "secrets", source["secretKeyRef"]
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            yield "configmaps", source["configMapRef"]
        if "secretRef" in source:
            yield "secrets", source["secretRef"]


def _host_address(node: Object) -> str:
    addresses = node.get("status", {}).get("addresses", ())
    return next((str(each["address"]) for each in addresses if each["type"] == "InternalIP"), "")
