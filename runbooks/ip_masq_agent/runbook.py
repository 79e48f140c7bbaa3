"""NET-02 and NET-03: masquerade what cannot route to pod addresses."""

from __future__ import annotations

from typing import Annotated

from remediation import Caution, Cidrs, DaemonSetRolledOut, Ensure, Risk, Steps, runbook

from .agent import NAME, NAMESPACE
from .findings import findings
from .objects import config_map, daemonset
from .proof import AgentUsesConfig
from .remarks import not_proven
from .rollout import restarted, undone_in_order
from .situation import Situation
from .wanted import wanted_configuration
from .wish import Wish

_MASQUERADE = "destination that must see node addresses; without one a resyncInterval without unit is repaired"
_REPAIR = "mend each fault that has one remedy: host bits, duplicates, quoted numbers and booleans, misspelt keys"


@runbook(
    id="NET-02",
    covers=("NET-02", "NET-03"),
    risk=Risk.HIGH,
    alerts=("PodEgressUnreachable",),
    diagnose=findings,
    source="https://cloud.google.com/kubernetes-engine/docs/how-to/ip-masquerade-agent",
    example="--masquerade 10.1.0.0/16 --context example-prod",
)
def ip_masq_agent(
    now: Situation,
    masquerade: Annotated[Cidrs, _MASQUERADE] = (),
    restart: Annotated[bool, "restart the agent, which makes it read the configuration at once"] = True,
    deploy_agent: Annotated[bool, "deploy the agent where no DaemonSet exists"] = False,
    repair: Annotated[bool, _REPAIR] = False,
    join: Annotated[bool, "write neighbouring ranges as one; the same addresses in fewer entries"] = False,
) -> Steps:
    """Masquerade pod traffic to networks that cannot route to pod addresses.

    Symptoms: pods time out to on-premises or other-cloud destinations that nodes can reach;
    `Error syncing configuration` or `No config file found` in the log of ip-masq-agent.

    Cause: the destination is in nonMasqueradeCIDRs, so packets leave with the pod's address and no answer comes back;
    or the agent rejects its configuration, or does not read it.

    Impact: new connections to the destinations leave with the node's address; firewalls there must expect it.
    Existing connections keep their old translation. The agent is restarted node by node; pods are not.

    Rollback: the previous configuration text comes back first, or a ConfigMap made by the run is deleted, then the pod
    template. The agents read it within their resync interval, a minute unless it is set. Agents that the run has
    deployed go back to their built-in ranges before they go, because their rules stay on the nodes.
    """
    wish = Wish.of(masquerade, restart=restart, deploy_agent=deploy_agent, repair=repair, join=join)
    yield from not_proven(now, wish)
    wanted, runs = wanted_configuration(now, wish), now.agent.daemonset is not None
    if wanted.text is not None:
        yield config_map(wanted.text)
    if not runs:
        yield daemonset()
        yield Caution("newer versions of the agent", "GKE does not upgrade one that this run deploys; that is yours")
    elif restart and wanted.is_new_to(now):
        yield from restarted(now.agent, wanted.digest)
    yield undone_in_order(now.agent, wanted.text)
    starts = restart or not runs
    if starts:
        yield Ensure(DaemonSetRolledOut(NAMESPACE, NAME), within=600)
    yield Ensure(AgentUsesConfig(wanted.digest), within=30 if starts else now.agent.takes_over_seconds)
