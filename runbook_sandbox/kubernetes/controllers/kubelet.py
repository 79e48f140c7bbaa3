"""The kubelets of all nodes: pods become Running, or what a rule of the scenario says."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runbook_sandbox.kubernetes.controllers.loop import Key
from runbook_sandbox.kubernetes.controllers.placement import is_up
from runbook_sandbox.kubernetes.controllers.pod_status import status_of
from runbook_sandbox.kubernetes.kubelet_rules import Ended, EventText, PodOutcome
from runbook_sandbox.kubernetes.objects import Object, controller_of, has_condition, name_of
from runbook_sandbox.kubernetes.store import Change

if TYPE_CHECKING:
    from runbook_sandbox.kubernetes.cluster import Cluster

_INPUTS = frozenset({"secrets", "configmaps", "serviceaccounts", "nodes", "networkpolicies.networking.k8s.io"})
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
        # How pods end whose programs run for a while, and when; and what shells have written to their terminals.
        self._ends: dict[str, tuple[PodOutcome, float]] = {}
        self._typed: dict[str, str] = {}

    def concerned(self, change: Change) -> Iterable[Key]:
        """Return the pods that a change concerns."""
        if change.storage in _INPUTS:
            return self.all()
        if change.storage != "pods":
            return []
        if change.type == "DELETED":
            for known in (self._outcomes, self._ends, self._typed):
                known.pop(change.object["metadata"]["uid"], None)
            return []
        return [("pods", *name_of(change.object))] if change.object["spec"].get("nodeName") else []

    def all(self) -> Iterable[Key]:
        """Return the pods that have a node."""
        return [("pods", *name_of(each)) for each in self._store.list("pods") if each["spec"].get("nodeName")]

    def log(self, pod: Object) -> str:
        """Return the log text of a pod's outcome."""
        uid = pod["metadata"]["uid"]
        return self._outcomes.get(uid, PodOutcome()).log + self._typed.get(uid, "")

    def write(self, pod: Object, text: str) -> None:
        """Add to what a pod's shell has written."""
        with self._store.changed:
            self._typed[pod["metadata"]["uid"]] = self._typed.get(pod["metadata"]["uid"], "") + text
            self._store.changed.notify_all()

    def end_input(self, pod: Object) -> None:
        """Tell a pod that its standard input has ended: a program that reads it ends with it."""
        with self._store.lock:
            present = self._store.get("pods", *name_of(pod)) or {"metadata": {}}
            outcome = self._outcomes.get(pod["metadata"]["uid"], PodOutcome("creating"))
            reads = any(each.get("stdin") for each in pod["spec"]["containers"]) and not _command(pod)
            if present["metadata"].get("uid") != pod["metadata"]["uid"] or outcome.state != "running" or not reads:
                return
            if pod["spec"].get("restartPolicy") != "Always":
                node = self._store.get("nodes", "", pod["spec"]["nodeName"]) or {}
                self._put(present, replace(outcome, state="succeeded"), node)

    def reconsider(self) -> None:
        """Ask the rules again about every pod, and let also those that run become what they say."""
        with self._store.lock:
            self._outcomes.clear()
            for key in self.all():
                pod = self._store.get(*key)
                node = self._store.get("nodes", "", pod["spec"]["nodeName"]) if pod else None
                if pod and node and "deletionTimestamp" not in pod["metadata"] and not _is_finished(pod):
                    self._advance(pod, node)
        self._cluster.controllers.look_at_everything()  # those that wait try again by themselves

    def reconcile(self, namespace: str, name: str, storage: str) -> float | None:
        """Bring one pod on."""
        pod = self._store.get(storage, namespace, name)
        if pod is None or not pod["spec"].get("nodeName"):
            return None
        if "deletionTimestamp" in pod["metadata"]:
            self._end(pod)
            return None
        node = self._store.get("nodes", "", pod["spec"]["nodeName"])
        if _is_finished(pod) or node is None:
            return None
        outcome = self._outcomes.get(pod["metadata"]["uid"]) or _running(pod)
        return self._keep(pod, node, outcome) if outcome.state == "running" else self._advance(pod, node)

    def _keep(self, pod: Object, node: Object, outcome: PodOutcome) -> float | None:
        """Let a running pod run on: it may end, or turn ready or unready; what it was started with does not matter."""
        end, when = self._ends.get(pod["metadata"]["uid"], (None, 0.0))
        if end is not None:
            left = when - time.monotonic()
            if left > 0:
                return left
            self._put(pod, end, node)
            return None
        fresh = self._outcome(pod)
        new = replace(outcome, ready=fresh.ready, log=fresh.log, events=fresh.events)
        if fresh.state == "running" and new != outcome and is_up(node):
            self._put(pod, new, node)
        return None

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
            return outcome.retry or None
        if outcome.runs:
            self._ends[uid] = replace(outcome, runs=0.0), time.monotonic() + outcome.runs
            self._put(pod, PodOutcome(), node, address)
            return outcome.runs
        self._put(pod, outcome, node, address)
        return outcome.retry or None

    def _put(self, pod: Object, outcome: PodOutcome, node: Object, address: str = "") -> None:
        started = self._outcomes.get(pod["metadata"]["uid"], PodOutcome("creating")).state == "running"
        self._outcomes[pod["metadata"]["uid"]] = outcome
        held = address or pod.get("status", {}).get("podIP", "")
        status = status_of(pod, outcome, _host_address(node), held)
        self._store.put("pods", {**pod, "metadata": dict(pod["metadata"]), "status": status})
        self._report(pod, outcome, started=started)

    def _outcome(self, pod: Object) -> PodOutcome:
        for rule in self._cluster.kubelet_rules:
            outcome = rule(pod, self._cluster)
            if outcome is not None:
                return outcome
        missing = next(self._missing(pod), None)
        if missing is not None:
            return missing
        owner, command = controller_of(pod), _command(pod)
        restart = pod["spec"].get("restartPolicy", "Always")
        ended = self._cluster.program(pod, command) if owner is None and command else None
        if ended is not None or (command and owner is None and restart != "Always"):
            return (ended or Ended()).outcome(restart)
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

    def _report(self, pod: Object, outcome: PodOutcome, *, started: bool) -> None:
        for event in outcome.events:
            self._cluster.record_event(pod, event.reason, event.message, event.type)
        if outcome.state == "running" and not outcome.events and not started:
            name = pod["spec"]["containers"][0]["name"]
            self._cluster.record_event(pod, "Started", f"Container started: {name}")


def _command(pod: Object) -> list[str]:
    first = pod["spec"]["containers"][0]
    return [*(first.get("command") or ()), *(first.get("args") or ())]


def _is_finished(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in _FINISHED


def _running(pod: Object) -> PodOutcome:
    """Return the outcome of a pod whose containers run already, as after a restart; of any other pod, one that it gets yet."""
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    runs = bool(statuses) and all("running" in each.get("state", {}) for each in statuses)
    return PodOutcome("running" if runs else "creating", ready=has_condition(pod, "Ready"))


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
