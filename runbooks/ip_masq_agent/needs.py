"""What a run asks and touches, for rights and records alike."""

from __future__ import annotations

from typing import Any

from remediation import Cluster, DaemonSetRolledOut

from .agent import NAME, NAMESPACE, MasqueradeAgent
from .objects import config_map, daemonset, restart
from .proof import AgentsAtDefaults, AgentUsesConfig
from .protected import ProtectedRanges
from .timed_out import TimedOutDestinations


def needs(target: Cluster, **_: Any) -> list[Any]:
    """Return every fact, resource and check."""
    return [
        MasqueradeAgent(),
        ProtectedRanges(target.project, target.location, target.cluster),
        config_map(""),
        restart(""),
        daemonset(),
        DaemonSetRolledOut(NAMESPACE, NAME),
        AgentUsesConfig(""),
        AgentsAtDefaults(),
        TimedOutDestinations(),
    ]
