"""How agents come to a new configuration, and how they leave it."""

from __future__ import annotations

from remediation import Ensure, Steps, Unchecked, WhenUndone, need, repeat

from .agent import CONFIG_MAP, Agent
from .objects import restart
from .proof import AgentsAtDefaults


def restarted(agent: Agent, digest: str) -> Steps:
    """Restart the agent, unless that would have no effect."""
    if agent.managed:
        doubt = "GKE's addon manager owns the DaemonSet, and whether it keeps a restart is not proven"
        yield Unchecked("the restart", f"{doubt}; --no-restart needs none")
    need(
        not agent.waits_for_deletion,
        "the DaemonSet has updateStrategy OnDelete, so its pods restart only when somebody deletes them",
        repeat("--no-restart"),
    )
    yield restart(digest)


def undone_in_order(agent: Agent, text: str | None) -> WhenUndone:
    """Take the configuration back first; agents of this run go back to their own before they go, for their rules stay."""
    seconds = agent.meaning(text).takes_over_seconds
    left = () if agent.daemonset is not None else (Ensure(AgentsAtDefaults(), seconds, always=False),)
    return WhenUndone((CONFIG_MAP.ref.address,), left)
