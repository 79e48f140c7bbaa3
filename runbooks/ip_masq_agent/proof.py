"""Checks on what the ip-masq-agent itself says."""

from __future__ import annotations

import json
import re
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar, Literal

from remediation import Api, ApiError, CheckDefaults, NotFound, Permission, Ref, State, Verdict, few, limits, recorded

from .agent import CONFIG_MAP, DAEMON_SET, KEY, NAME, NAMESPACE, Agent
from .config import ConfigProblem, MasqueradeConfig

_SELECTOR = f"k8s-app={NAME}"
# What the agent logs once for each round of its loop. Without a file it never logs "Using config".
_ROUND = re.compile(
    r"using config: (?P<using>\{.*)|(?P<none>no config file found)|error syncing configuration: (?P<error>.*)", re.I
)
_TAIL = "1000"  # newer agents also log their rules, a line for each range
_POLL_SECONDS = 5.0
_NAMED = 5
_UNTIL = "until a node is rebooted or made anew"


def newest_round(log: str) -> re.Match[str] | None:
    """Return what the newest round says in full, None where a log tells of none."""
    whole = (found for found in _ROUND.finditer(log) if found["using"] is None or "}" in found["using"])
    return next(iter(deque(whole, maxlen=1)), None)


class AgentLogs(CheckDefaults, ABC):
    """What the newest round of each agent's loop says, for as many agents as nodes should have.

    Source: https://github.com/kubernetes-sigs/ip-masq-agent, whose loop reads the file, logs what it found, writes the
    rules and sleeps for its resync interval.
    """

    # Logs may be off or unreadable; then they prove nothing, and the rollout has to.
    required: ClassVar[bool] = False
    # One request for every node.
    costly: ClassVar[bool] = True
    learnt: ClassVar[tuple[str, ...]] = ("digest",)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Find the agents and read their logs."""
        pods = (Permission("list", "pods", "", NAMESPACE), Permission("get", "pods/log", "", NAMESPACE))
        return (*pods, *DAEMON_SET.permissions)

    def _of_agents(self, api: Api, daemonset: State | None) -> dict[str, Verdict]:
        """Return what each agent says, by the name of its node."""
        pods = [
            pod
            for pod in api.kubernetes.list(Ref("v1", "Pod", "", NAMESPACE), labels=_SELECTOR)
            if "deletionTimestamp" not in pod["metadata"]
        ]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda pod: self._one(api, pod, daemonset), pods))
        return {pod["spec"].get("nodeName", ""): answer for pod, answer in zip(pods, answers, strict=True)}

    def _one(self, api: Api, pod: State, daemonset: State | None) -> Verdict:
        path = Ref("v1", "Pod", pod["metadata"]["name"], NAMESPACE).path + "/log"
        try:
            log = api.kubernetes.text(path, {"tailLines": _TAIL})
        except ApiError as problem:
            return self._silent(pod, problem)
        last = newest_round(log)
        return self._judge(last, daemonset) if last else Verdict("unknown", "its log names no configuration")

    def _silent(self, pod: State, problem: ApiError) -> Verdict:
        """Return what is known of an agent whose log cannot be read."""
        del pod
        why = ": ".join(filter(None, (problem.summary, problem.detail)))
        return Verdict("unknown", f"its log cannot be read: {limits.cut(why, 300)}", final=True)

    @abstractmethod
    def _judge(self, last: re.Match[str], daemonset: State | None) -> Verdict:
        """Return what the newest round says."""

    def moments(self, api: Api, within: float) -> Iterator[None]:
        """Yield every few seconds: logs cannot be watched cheaply on many nodes."""
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            api.stop.wait(min(_POLL_SECONDS, left))
            yield None


@recorded
@dataclass(frozen=True)
class AgentUsesConfig(AgentLogs):
    """Every agent's log says that it uses this configuration."""

    digest: str

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return "the agent on every node logs the new configuration"

    def ask(self, api: Api) -> Verdict:
        """Read the end of every agent's log, and count the agents that should be there."""
        daemonset = _read(api, DAEMON_SET.ref)
        answers = self._of_agents(api, daemonset)
        if not answers:
            return Verdict("failing", "no agent pod exists, which proves nothing", final=True)
        wanted = _wanted(daemonset)
        if (bad := _worst(answers)) is not None:
            return Verdict(bad.status, f"{bad.detail} ({_share(answers, bad.status, wanted)})", bad.final)
        if len(answers) < wanted:
            return Verdict("failing", f"{len(answers)} of {wanted} agents are there")
        return Verdict("ok", f"{len(answers)} of {wanted or len(answers)} agents")

    def _judge(self, last: re.Match[str], daemonset: State | None) -> Verdict:
        if last["error"] is not None:
            return Verdict("failing", f"it rejects its configuration: {limits.cut(last['error'], 120)}")
        if last["none"] is not None:
            if Agent(None, daemonset).config.digest == self.digest:
                return Verdict("ok")
            return Verdict("failing", "it finds no configuration file and uses its built-in ranges")
        if _digest(last["using"]) == self.digest:
            return Verdict("ok")
        return Verdict("failing", "it still uses another configuration")


@recorded
@dataclass(frozen=True)
class AgentsAtDefaults(AgentLogs):
    """Every agent has gone back to its built-in ranges, so that it leaves those rules behind when it goes.

    The agent never takes its rules away: they stay in the kernel of a node until that is rebooted or made anew.
    """

    @property
    def description(self) -> str:
        """What is true when it passes."""
        return "before it goes, the agent on every node is back at its built-in ranges"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Find the agents, read their logs, and see whether a configuration is left for them."""
        return (*super().permissions, *CONFIG_MAP.permissions)

    def ask(self, api: Api) -> Verdict:
        """Read the end of every agent's log; where a configuration stays, the agents will not go back to anything."""
        daemonset = _read(api, DAEMON_SET.ref)
        answers = self._of_agents(api, daemonset)
        if not answers:
            return Verdict("unknown", "no agent runs any more that could say so", final=True)
        config_map = _read(api, CONFIG_MAP.ref)
        if KEY in ((config_map or {}).get("data") or {}):
            why = f"{CONFIG_MAP.ref.address} was there before this run, and its rules stay"
            return Verdict("unknown", f"{why} on {few(answers, _NAMED)} {_UNTIL}", final=True)
        if (bad := _worst(answers)) is None:
            return Verdict("ok", f"{len(answers)} agents")
        if bad.status == "failing":
            return bad
        left = [node for node, answer in answers.items() if answer.status != "ok"]
        return Verdict("unknown", f"rules may stay on {few(left, _NAMED)} {_UNTIL} ({bad.detail})", bad.final)

    def _silent(self, pod: State, problem: ApiError) -> Verdict:
        return super()._silent(pod, problem) if _has_run(pod) else Verdict("ok", "it never ran")

    def _judge(self, last: re.Match[str], daemonset: State | None) -> Verdict:
        del daemonset
        if last["none"] is not None:
            return Verdict("ok")
        what = "an error" if last["using"] is None else "a configuration"
        return Verdict("failing", f"the last that it logs is {what}")


def _read(api: Api, ref: Ref) -> State | None:
    try:
        found: State = api.kubernetes.read(ref)
    except NotFound:
        return None
    return found


def _wanted(daemonset: State | None) -> int:
    return int((daemonset or {}).get("status", {}).get("desiredNumberScheduled", 0))


def _has_run(pod: State) -> bool:
    """Tell whether an agent has ever started, and so may have left rules."""
    containers = pod.get("status", {}).get("containerStatuses") or [{}]
    return not all("waiting" in (item.get("state") or {}) and not item.get("restartCount") for item in containers)


def _worst(answers: Mapping[str, Verdict]) -> Verdict | None:
    """Return the worst answer with the nodes that gave it, None when all are good."""
    status: Literal["failing", "unknown"]
    for status in ("failing", "unknown"):
        those = {node: answer for node, answer in answers.items() if answer.status == status}
        if those:
            first = next(iter(those.values()))
            final = all(answer.final for answer in those.values())
            return Verdict(status, f"{few(those, _NAMED)}: {first.detail}", final)
    return None


def _share(answers: Mapping[str, Verdict], status: str, wanted: int) -> str:
    count = sum(answer.status == status for answer in answers.values())
    return f"{count} of {max(wanted, len(answers))} agents"


def _digest(text: str) -> str:
    """Return the digest of a logged configuration; the agent logs durations as nanoseconds."""
    try:
        logged = json.loads(text[: text.rindex("}") + 1])
        interval = logged.get("resyncInterval")
        if isinstance(interval, int):
            logged["resyncInterval"] = f"{interval}ns"
        return MasqueradeConfig.parse(json.dumps(logged)).digest
    except (ValueError, RecursionError, ConfigProblem):
        return ""
