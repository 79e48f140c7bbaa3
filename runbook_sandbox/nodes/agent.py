"""The emulated ip-masq-agent: it reads its file, logs and keeps rules in the kernels of the nodes like the real one.

Source: https://github.com/kubernetes-sigs/ip-masq-agent, cmd/ip-masq-agent/ip-masq-agent.go. A configuration that can be
read but not be used is logged as "Using config" all the same, right before the error: there `validate` has an error of its
own, and the deferred line looks at another. Only IPv4 is played, which is all that agents do without ``--enable-ipv6``.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Iterator
from typing import Any

from runbook_sandbox.kubernetes import Cluster
from runbook_sandbox.kubernetes.store import Change
from runbook_sandbox.nodes.agent_file import PRIVATE, RESERVED, Rejected, defaults, parse, validate

Object = dict[str, Any]
_FILE = "/etc/config/ip-masq-agent"
# What Go takes for true, and a switch without a value.
_TRUE = frozenset({"", "1", "t", "T", "TRUE", "true", "True"})
_LABEL = ("k8s-app", "ip-masq-agent")


class Agents:
    """The agents of all nodes.

    A log only grows, for as long as its pod lives. The rules of a node stay when its agent goes: nothing cleans up.
    Propagation takes no time here; an agent on one of the nodes in `asleep` reads its file again only when woken.
    Without `default_snat` nodes hide no pod address until an agent comes.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.asleep: set[str] = set()
        self.default_snat = True
        self._cluster = cluster
        self._logs: dict[str, list[str]] = {}
        self._rules: dict[str, list[str]] = {}
        cluster.store.listeners.append(self._notice)

    def log(self, pod: Object, _: str) -> str | None:
        """Return what the agent of a pod has logged so far; None for another pod."""
        if not _is_agent(pod):
            return None
        self._start(pod)
        return "".join(self._logs.get(pod["metadata"]["uid"], []))

    def masquerades(self, node: str, address: str) -> bool:
        """Tell whether the rules of a node hide pod addresses towards an address."""
        for pod in self._pods():
            self._start(pod)
        # A node is born with rules of its own that keep every reserved range, or with none where default SNAT is off.
        own = [*PRIVATE, *RESERVED] if self.default_snat else ["0.0.0.0/0"]
        kept = map(ipaddress.ip_network, self._rules.get(node, own))
        return not any(ipaddress.ip_address(address) in item for item in kept)

    def wake(self) -> None:
        """Let every agent read its file now."""
        self.asleep.clear()
        with self._cluster.store.lock:
            for pod in self._pods():
                self._sync(pod)
        self._cluster.controllers.look_at_everything()

    def reboot(self) -> None:
        """Let every node come up anew, with the rules that it makes itself."""
        self._logs.clear()
        self._rules.clear()

    def dump(self) -> dict[str, Any]:
        """Return what is in the kernels of the nodes and in the logs, as one JSON document."""
        return {"rules": dict(self._rules), "logs": {uid: list(lines) for uid, lines in self._logs.items()}}

    def load(self, kept: dict[str, Any]) -> None:
        """Bring nodes and logs to where they were when `dump` was asked."""
        self.reboot()
        self._rules.update(kept["rules"])
        self._logs.update(kept["logs"])

    def _notice(self, change: Change) -> None:
        if change.storage == "pods" and _is_agent(change.object):
            if change.type == "DELETED":
                self._logs.pop(change.object["metadata"]["uid"], None)
            else:
                self._start(change.object)
        elif change.storage == "configmaps" and change.object["metadata"]["namespace"] == "kube-system":
            for pod in self._pods():
                if pod["spec"]["nodeName"] not in self.asleep:
                    self._sync(pod)

    def _pods(self) -> list[Object]:
        return [pod for pod in self._cluster.store.list("pods", "kube-system") if _is_agent(pod) and _runs(pod)]

    def _start(self, pod: Object) -> None:
        if _runs(pod) and pod["metadata"]["uid"] not in self._logs:
            self._sync(pod)

    def _sync(self, pod: Object) -> None:
        """Do one round of the agent's endless loop: on an error it ends before any rule is written."""
        lines = self._logs.setdefault(pod["metadata"]["uid"], [])
        text, flags = self._text(pod), _flags(pod)
        if text is None:
            lines.append(_line("I", f'No config file found at "{_FILE}", using default values'))
            config = defaults(flags)
        else:
            lines.append(_line("I", f'Config file found at "{_FILE}"'))
            try:
                config = parse(text, flags)
                lines.append(_line("I", f"Using config: {json.dumps(config, separators=(',', ':'))}"))
                validate(config, flags)
            except Rejected as problem:
                lines.append(_line("E", f"Error syncing configuration: {problem}"))
                return
        link_local = [] if config["masqLinkLocal"] else ["169.254.0.0/16"]
        node, kept = pod["spec"]["nodeName"], [*link_local, *config["nonMasqueradeCIDRs"]]
        if kept != self._rules.get(node):
            self._rules[node] = kept
            # Who reaches what has changed; the readiness probes of the pods tell.
            self._cluster.controllers.look_at_everything()

    def _text(self, pod: Object) -> str | None:
        """Return the file that the kubelet has put there, None when there is none."""
        for name, key in _sources(pod):
            found = self._cluster.get("configmaps", name, "kube-system") or {}
            return (found.get("data") or {}).get(key)
        return None


def _is_agent(pod: Object) -> bool:
    return (pod["metadata"].get("labels") or {}).get(_LABEL[0]) == _LABEL[1]


def _runs(pod: Object) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"])


def _sources(pod: Object) -> Iterator[tuple[str, str]]:
    """Yield the ConfigMap and key that a pod mounts as the agent's file."""
    for volume in pod["spec"].get("volumes") or ():
        source = volume.get("configMap") or {}
        keys = [item["key"] for item in source.get("items") or () if item["path"] == "ip-masq-agent"]
        if source and keys:
            yield source["name"], keys[0]


def _flags(pod: Object) -> set[str]:
    """Return the switches that are on; of one that is given twice the last counts."""
    on: set[str] = set()
    for word in (
        word for item in pod["spec"]["containers"] for key in ("command", "args") for word in item.get(key) or []
    ):
        name, _, value = word.lstrip("-").partition("=")
        on = on | {name} if value in _TRUE else on - {name}
    return on


def _line(level: str, text: str) -> str:
    now = time.time()
    return f"{level}{time.strftime('%m%d %H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1e6):06}       1 ip-masq-agent.go:200] {text}\n"
