"""Checks on the cleaning of leaked pod addresses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from remediation import (
    Api,
    CheckDefaults,
    Facts,
    Permission,
    Ref,
    State,
    Verdict,
    few,
    limits,
    live_pods,
    name_of,
    recorded,
    takes_pod_address,
)

from .addressing import SANDBOX_EVENTS, sandbox_errors

_GOOD = ("ok", "nothing_to_do")
# A sandbox that gets no address is reported within seconds of the pod's start.
_STARTING = 60.0


@recorded
@dataclass(frozen=True)
class NodesReported(CheckDefaults):
    """The cleaning pod on every named node, and on no other, has reported that its work in this mode is done."""

    namespace: str
    selector: str
    nodes: tuple[str, ...]
    mode: Literal["clean", "restore"] = "clean"
    # Which of the named nodes leak, only the cluster tells.
    learnt: ClassVar[tuple[str, ...]] = ("nodes", "mode")

    @property
    def description(self) -> str:
        """What is true when it passes."""
        what = {"clean": "the cleaning is done", "restore": "live reservations are back"}[self.mode]
        return f"{what} on {', '.join(self.nodes)} and nowhere else"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List and watch the cleaning pods."""
        return tuple(Permission(verb, "pods", "", self.namespace) for verb in ("list", "watch"))

    def ask(self, api: Api) -> Verdict:
        """Read the result that each pod left in its status."""
        pods = api.kubernetes.list(Ref("v1", "Pod", "", self.namespace), labels=self.selector)
        placed = {
            pod["spec"].get("nodeName"): pod
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"] and pod["spec"].get("nodeName")
        }
        if strangers := set(placed) - set(self.nodes):
            return Verdict("failing", f"it also runs on {few(strangers)}", final=True)
        if not self.nodes:
            return Verdict("failing", "no node was named, which proves nothing", final=True)
        results = {node: _result(placed[node], self.mode) for node in self.nodes if node in placed}
        bad = [
            limits.message(f"{node}: {item.get('status')}: {item.get('reason', '')}")
            for node, item in results.items()
            if item and item.get("status") not in _GOOD
        ]
        if bad:
            return Verdict("failing", "; ".join(bad), final=True)
        silent = [node for node in self.nodes if not results.get(node)]
        if silent:
            why = [f"; {node}: {text}" for node in silent if (text := _trouble(placed.get(node)))]
            return Verdict("failing", f"no result yet from {', '.join(silent)}{''.join(why)}")
        return Verdict("ok", "; ".join(f"{node}: {_told(item)}" for node, item in results.items() if item))

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield at every change of a cleaning pod."""
        return api.kubernetes.changes(Ref("v1", "Pod", "", self.namespace), within, labels=self.selector)


def _trouble(pod: State | None) -> str:
    """Return why a cleaning pod has not begun, as far as its status tells; empty when it may be about to."""
    for status in (pod or {}).get("status", {}).get("initContainerStatuses") or []:
        waiting = (status.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            return limits.message(f"{waiting['reason']}: {waiting.get('message', '')}".strip(": "))
    return ""


def _result(pod: State, mode: str) -> State | None:
    """Return the result of the init container, None while it has none; one of another run or mode is no result."""
    for status in pod.get("status", {}).get("initContainerStatuses") or []:
        ended = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated")
        if ended:
            try:
                result = json.loads(str(ended.get("message") or "")[: limits.MESSAGE])
            except (ValueError, RecursionError):
                return {
                    "status": "failed",
                    "reason": f"it ended with exit code {ended.get('exitCode')} and left no result",
                }
            return _of_this_run(result, pod, mode)
    return None


def _of_this_run(result: Any, pod: State, mode: str) -> State:
    if not isinstance(result, dict):
        return {"status": "failed", "reason": "its result cannot be read"}
    env = {item["name"]: item.get("value") for item in pod["spec"]["initContainers"][0].get("env") or []}
    if (result.get("mode"), result.get("run_id")) != (mode, env.get("RUN_ID")):
        return {"status": "failed", "reason": f"its result is of mode {result.get('mode')}, run {result.get('run_id')}"}
    return result


def _told(result: State) -> str:
    counts = {name: result.get(f"{name}_count", len(result.get(name) or [])) for name in ("quarantined", "restored")}
    told = [f"{count} reservation{'s' if count > 1 else ''} {name}" for name, count in counts.items() if count]
    return ", ".join(told) or "nothing to do"


@recorded
@dataclass(frozen=True)
class PodsHaveAddresses(CheckDefaults):
    """Pods on these nodes have addresses, none waits because there is none left, and no two share one."""

    nodes: tuple[str, ...]

    # A node without such pods proves nothing; that is said, and is no failure.
    required: ClassVar[bool] = False

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return f"every pod on {', '.join(self.nodes)} has an address of its own"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List and watch all pods, and list the events that tell why one has no address."""
        return (*(Permission(verb, "pods") for verb in ("list", "watch")), *SANDBOX_EVENTS.permissions)

    def ask(self, api: Api) -> Verdict:
        """Look at the pods of the nodes, and at events only where one has no address."""
        # One list for each node: a large cluster has a hundred times as many pods as the nodes that were named.
        pods = [pod for node in self.nodes for pod in Facts(api)(live_pods(node=node)) if takes_pod_address(pod)]
        addresses = Counter(ip["ip"] for pod in pods for ip in pod.get("status", {}).get("podIPs") or [])
        if shared := [ip for ip, count in addresses.items() if count > 1]:
            return Verdict(
                "failing", f"two pods share the address {shared[0]}; treat this as a security incident", final=True
            )
        waiting = [pod for pod in pods if not pod.get("status", {}).get("podIP")]
        return self._waiting(api, waiting, len(pods)) or _addressed(len(pods) - len(waiting), waiting, len(addresses))

    def _waiting(self, api: Api, waiting: list[State], total: int) -> Verdict | None:
        """Tell of pods that wait for an address; one that waits for something else, such as a volume, is not our symptom."""
        exhausted = sandbox_errors(Facts(api)(SANDBOX_EVENTS), waiting) if waiting else {}
        stuck = [pod for pod in waiting if pod["metadata"]["uid"] in exhausted]
        starting = [pod for pod in waiting if pod not in stuck and _seconds(pod, api.kubernetes.now()) < _STARTING]
        for pods, what in ((stuck, "wait for an address"), (starting, "are just starting")):
            if pods:
                names = few(f"{pod['metadata']['namespace']}/{name_of(pod)}" for pod in pods)
                return Verdict("failing", f"{len(pods)} of {total} pods {what}: {names}")
        return None

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield at every change of a pod of the first node, and every other second."""
        return api.kubernetes.changes(Ref("v1", "Pod"), within, f"spec.nodeName={self.nodes[0]}", quiet=2)


def _addressed(count: int, others: list[State], addresses: int) -> Verdict:
    more = f"; {len(others)} more wait for something else, such as a volume" if others else ""
    if not count:
        return Verdict("unknown", f"no pod of the pod network runs there{more}", final=True)
    return Verdict("ok", f"{count} pods, {addresses} addresses{more}")


def _seconds(pod: State, now: float) -> float:
    """Return how long the kubelet has known the pod."""
    started = pod.get("status", {}).get("startTime")
    return now - datetime.fromisoformat(started).timestamp() if started else 0.0
