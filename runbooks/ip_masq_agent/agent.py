"""Facts about the ip-masq-agent of a cluster.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/ip-masquerade-agent
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from remediation import Facts, Network, ObjectNamed, State, limits

from .config import (
    DEFAULT_RANGES,
    RESERVED_RANGES,
    MasqueradeConfig,
    Problem,
    Severity,
    joined,
    mended,
    problems,
    repaired,
)

NAMESPACE, NAME, KEY = "kube-system", "ip-masq-agent", "config"
CONFIG_MAP = ObjectNamed("v1", "ConfigMap", NAME, NAMESPACE)
DAEMON_SET = ObjectNamed("apps/v1", "DaemonSet", NAME, NAMESPACE)
CONFIG_ANNOTATION = "runbook/ip-masq-config"
# What Go's flag package takes for true; a flag without a value is true as well.
_TRUE = ("", "1", "t", "T", "true", "TRUE", "True")


@dataclass(frozen=True)
class Agent:
    """The agent as it is: its configuration text, what that means, and its DaemonSet.

    `other_keys` are those of its ConfigMap that it does not read; nobody can change an `immutable` ConfigMap.
    """

    text: str | None
    daemonset: State | None
    other_keys: tuple[str, ...] = ()
    immutable: bool = False

    @property
    def defaults(self) -> tuple[Network, ...]:
        """The built-in list, which depends on the agent's arguments; without an agent the node's own rules apply."""
        reserved = self.daemonset is None or self._told("nomasq-all-reserved-ranges")
        return RESERVED_RANGES if reserved else DEFAULT_RANGES

    @property
    def ipv6(self) -> bool:
        """Whether the agent handles IPv6; the one that this product deploys does not."""
        return self._told("enable-ipv6")

    def _told(self, flag: str) -> bool:
        """Tell whether an argument switches the flag on; the last one counts."""
        containers = (self.daemonset or {}).get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
        lines = [line for item in containers for line in (item.get("command") or []) + (item.get("args") or [])]
        # Split, because a shell may be told the whole command in one argument.
        words = [word.lstrip("-").partition("=") for line in lines for word in line.split() if word.startswith("-")]
        values = [value for name, _, value in words if name == flag]
        return bool(values) and values[-1] in _TRUE

    def meaning(self, text: str | None) -> MasqueradeConfig:
        """Return what this agent would do with a text; raises ConfigProblem when it would reject it."""
        return MasqueradeConfig.parse(text, self.defaults, ipv6=self.ipv6)

    @property
    def config(self) -> MasqueradeConfig:
        """What the agent does; raises ConfigProblem when it rejects its configuration."""
        return self.meaning(self.text)

    @property
    def in_force(self) -> MasqueradeConfig:
        """What decides now: without an agent the nodes' own rules, whatever a ConfigMap says; raises ConfigProblem."""
        return self.meaning(self.text if self.daemonset is not None else None)

    @property
    def takes_over_seconds(self) -> float:
        """How long a new configuration takes without a restart; an agent that rejects its own sleeps for its default."""
        return self.meaning(None if self.rejected or self.unread else self.text).takes_over_seconds

    @property
    def repaired(self) -> str | None:
        """The text with its one repairable fault healed; None when there is no such fault, or more than that."""
        return repaired(self.text or "", ipv6=self.ipv6)

    def prepared(self, *, repair: bool = False, join: bool = False) -> Agent:
        """Return the agent with its text mended, and with neighbouring ranges joined, where that can be done."""
        text = mended(self.text) if repair and self.text is not None else self.text
        return replace(self, text=joined(text) if join and text is not None else text)

    @property
    def cure(self) -> tuple[str, ...]:
        """What has to be prepared until nothing is wrong with the text; nothing where only a person can tell."""
        ways: tuple[tuple[str, ...], ...] = (("repair",), ("join",), ("repair", "join"))
        return next((way for way in ways if not self.prepared(**dict.fromkeys(way, True)).faulty), ())

    @property
    def faulty(self) -> bool:
        """Whether the text is not read, is rejected, does harm, or says what the agent ignores."""
        return bool(self.unread or self.rejected or self.refused or self.ignored)

    @property
    def problems(self) -> list[Problem]:
        """Everything that is wrong with the configuration."""
        return [*self._misplaced(), *problems(self.text, ipv6=self.ipv6)]

    def _misplaced(self) -> list[Problem]:
        if self.text is not None or not self.other_keys:
            return []
        keys = ", ".join(self.other_keys)
        message = f"The ConfigMap has no key {KEY}, so the agent uses its defaults; it has {limits.message(keys)}."
        return [Problem(KEY, keys, message, Severity.IGNORED, meant=KEY)]

    @property
    def rejected(self) -> list[str]:
        """One sentence for each reason why the agent rejects its configuration."""
        return [item.message for item in self.problems if item.severity is Severity.REJECTED]

    @property
    def unread(self) -> list[str]:
        """One sentence for each reason why the configuration is not read here."""
        return [item.message for item in self.problems if item.severity is Severity.UNREAD]

    @property
    def refused(self) -> list[str]:
        """One sentence for each setting that no change may build on."""
        return [item.message for item in self.problems if item.refused]

    @property
    def obeys_harm(self) -> bool:
        """Tell whether one of these does harm; the others are only written twice."""
        return any(item.refused and item.severity is Severity.DANGEROUS for item in self.problems)

    @property
    def ignored(self) -> list[str]:
        """One sentence for each place where settings that somebody wrote are not read."""
        return [item.message for item in self.problems if item.meant]

    @property
    def harmful(self) -> list[str]:
        """One sentence for each setting that is ignored or obeyed to the cluster's harm."""
        return [item.message for item in self.problems if item.severity is not Severity.REJECTED]

    @property
    def managed(self) -> bool:
        """Tell whether Google's addon manager reverts edits of the DaemonSet."""
        labels = (self.daemonset or {}).get("metadata", {}).get("labels") or {}
        return labels.get("addonmanager.kubernetes.io/mode") == "Reconcile"

    @property
    def waits_for_deletion(self) -> bool:
        """Tell whether a new template reaches a node only when somebody deletes the pod there."""
        strategy = (self.daemonset or {}).get("spec", {}).get("updateStrategy") or {}
        return strategy.get("type") == "OnDelete"

    @property
    def restarted_for(self) -> str | None:
        """The configuration digest that this product last restarted the agent for."""
        template = (self.daemonset or {}).get("spec", {}).get("template", {})
        found: str | None = (template.get("metadata", {}).get("annotations") or {}).get(CONFIG_ANNOTATION)
        return found


@dataclass(frozen=True)
class MasqueradeAgent:
    """The agent's ConfigMap and DaemonSet."""

    permissions = (*CONFIG_MAP.permissions, *DAEMON_SET.permissions)

    def ask(self, facts: Facts) -> Agent:
        """Read both at the same time."""
        config_map, daemonset = facts.together(CONFIG_MAP, DAEMON_SET)
        data = (config_map or {}).get("data") or {}
        others = tuple(sorted(set(data) - {KEY}))
        return Agent(data.get(KEY), daemonset, others, (config_map or {}).get("immutable") is True)
