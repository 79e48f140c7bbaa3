"""Checks on what the ip-masq-agent itself says."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

from remediation.diffing import State
from remediation.errors import ApiError
from remediation.facts.masquerade import NAME, NAMESPACE
from remediation.masquerade import ConfigProblem, MasqueradeConfig
from remediation.model import CheckDefaults, Permission, Verdict
from remediation.records import recorded
from remediation.refs import Ref

_SELECTOR = f"k8s-app={NAME}"
_USING = re.compile(r"using config: (\{.*\})", re.I)
_ERROR = re.compile(r"error syncing configuration: (.*)", re.I)
_POLL_SECONDS = 5.0


@recorded
@dataclass(frozen=True)
class AgentUsesConfig(CheckDefaults):
    """Every agent's log says that it uses this configuration.

    Source: https://github.com/kubernetes-sigs/ip-masq-agent, which logs ``Using config: {…}`` after each sync.
    """

    digest: str

    # Logs may be off or unreadable; then they prove nothing, and the rollout has to.
    required: ClassVar[bool] = False
    # One request for every node.
    costly: ClassVar[bool] = True
    learnt: ClassVar[tuple[str, ...]] = ("digest",)

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return "the agent on every node logs the new configuration"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """List the agents and read their logs."""
        return (Permission("list", "pods", "", NAMESPACE), Permission("get", "pods/log", "", NAMESPACE))

    def ask(self, api: Any) -> Verdict:
        """Read the end of every agent's log."""
        pods = api.kubernetes.list(Ref("v1", "Pod", "", NAMESPACE), labels=_SELECTOR)
        if not pods:
            return Verdict("failing", "no agent pod exists, which proves nothing", final=True)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda pod: self._one(api, pod), pods))
        for status in ("failing", "unknown"):
            those = [answer for answer in answers if answer.status == status]
            if those:
                final = all(answer.final for answer in those)
                return Verdict(those[0].status, f"{len(those)} of {len(answers)} agents: {those[0].detail}", final)
        return Verdict("ok", f"{len(answers)} of {len(answers)} agents")

    def _one(self, api: Any, pod: State) -> Verdict:
        path = Ref("v1", "Pod", pod["metadata"]["name"], NAMESPACE).path + "/log"
        try:
            log = api.kubernetes.text(path, {"tailLines": "200"})
        except ApiError:
            return Verdict("unknown", "the log cannot be read", final=True)
        return self._judge(log)

    def _judge(self, log: str) -> Verdict:
        for line in reversed(log.splitlines()):
            if match := _ERROR.search(line):
                return Verdict("failing", f"it rejects its configuration: {match[1][:120]}")
            if match := _USING.search(line):
                return (
                    Verdict("ok")
                    if _digest(match[1]) == self.digest
                    else Verdict("failing", "it still uses another configuration")
                )
        return Verdict("unknown", "the log names no configuration")

    def moments(self, api: Any, within: float) -> Iterator[None]:
        """Yield every few seconds: logs cannot be watched cheaply on many nodes."""
        del api
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(_POLL_SECONDS, left))
            yield None


def _digest(text: str) -> str:
    """Return the digest of a logged configuration; the agent logs durations as nanoseconds."""
    try:
        logged = json.loads(text)
        interval = logged.get("resyncInterval")
        if isinstance(interval, int):
            logged["resyncInterval"] = f"{interval // 1_000_000_000}s"
        return MasqueradeConfig.parse(json.dumps(logged)).digest
    except (ValueError, ConfigProblem):
        return ""
