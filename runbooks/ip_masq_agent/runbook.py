"""NET-02 and NET-03: masquerade what cannot route to pod addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from remediation import (
    Caution,
    Cidrs,
    Cluster,
    DaemonSetRolledOut,
    Ensure,
    Facts,
    Finding,
    KubernetesObject,
    Network,
    Risk,
    Steps,
    Unchecked,
    WhenUndone,
    advice,
    allow,
    command,
    few,
    manifest,
    need,
    repeat,
    runbook,
)

from .agent import CONFIG_ANNOTATION, CONFIG_MAP, KEY, NAME, NAMESPACE, Agent, MasqueradeAgent, TimedOutDestinations
from .by_hand import DEPLOY, EDIT, EDIT_CONFIG, IMMUTABLE, MAKE_ANEW
from .config import MasqueradeConfig
from .findings import Situation
from .offers import Wish, cures, require_limit
from .proof import AgentsAtDefaults, AgentUsesConfig
from .protected import Protected, ProtectedRanges

_ADDRESS = CONFIG_MAP.ref.address
_DAEMON_SET = ("apps/v1", "DaemonSet", NAME, NAMESPACE)
_ROLLED_OUT = DaemonSetRolledOut(NAMESPACE, NAME)
_PROBE = (
    "only a probe from a pod proves it: "
    "kubectl run probe --rm -i --restart=Never --image=busybox -- nc -zv -w 5 {address} PORT"
)
_MASQUERADE = "destination that must see node addresses; without one a resyncInterval without unit is repaired"
_REPAIR = "mend each fault that has one remedy: host bits, duplicates, quoted numbers and booleans, misspelt keys"


def _config_map(text: str) -> KubernetesObject:
    reason = "the agent's configuration already says so"
    return KubernetesObject("v1", "ConfigMap", NAME, NAMESPACE, {"data": {KEY: text}}, row="NET-02", reason=reason)


def _restart(digest: str) -> KubernetesObject:
    annotation = {"spec": {"template": {"metadata": {"annotations": {CONFIG_ANNOTATION: digest}}}}}
    words = {"reason": "restarted for this configuration already", "instead": "--no-restart leaves it alone"}
    return KubernetesObject(*_DAEMON_SET, annotation, may="patch", pods="agents", **words)


def _daemonset() -> KubernetesObject:
    wanted = manifest(__name__, "daemonset.yaml")
    return KubernetesObject(*_DAEMON_SET, wanted, row="NET-02", may="new", pods="agents")


def _needs(target: Cluster, **_: Any) -> list[Any]:
    return [
        MasqueradeAgent(),
        ProtectedRanges(target.project, target.location, target.cluster),
        _config_map(""),
        _restart(""),
        _daemonset(),
        _ROLLED_OUT,
        AgentUsesConfig(""),
        AgentsAtDefaults(),
        TimedOutDestinations(),
    ]


def _diagnose(target: Cluster, facts: Facts) -> Iterator[Finding]:
    protected = facts(ProtectedRanges(target.project, target.location, target.cluster))
    yield from Situation(facts(MasqueradeAgent()), protected, facts).findings()


def _text(agent: Agent, config: MasqueradeConfig) -> str | None:
    """Return the smallest change of the text that says so; the same text when it does already."""
    return agent.text if config.same_as(agent.config) else config.render(agent.text)


@runbook(
    id="NET-02",
    covers=("NET-02", "NET-03"),
    risk=Risk.HIGH,
    alerts=("PodEgressUnreachable",),
    needs=_needs,
    diagnose=_diagnose,
    source="https://cloud.google.com/kubernetes-engine/docs/how-to/ip-masquerade-agent",
    example="--masquerade 10.1.0.0/16 --context example-prod",
)
def ip_masq_agent(
    target: Cluster,
    facts: Facts,
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
    present = facts(MasqueradeAgent())
    agent = present.prepared(repair=repair, join=join)
    wish = Wish.of(masquerade, restart=restart, deploy_agent=deploy_agent, repair=repair, join=join)
    protected = facts(ProtectedRanges(target.project, target.location, target.cluster))
    yield from _not_proven(agent, protected, masquerade)
    text = agent.repaired if agent.rejected and not masquerade else None
    _possible(agent, protected, masquerade, deploys=deploy_agent)
    _sound(agent, wish, repairs=text is not None)
    if text is not None:
        config = agent.meaning(text)
    else:
        config = agent.config.without(masquerade)
        _guards(agent if present.rejected else present, agent, config, wish, protected)
        text = _text(agent, config)
    need(
        not agent.immutable or text == present.text,
        IMMUTABLE,
        MAKE_ANEW,
    )
    if text is not None:
        yield _config_map(text)
    if agent.daemonset is None:
        yield _daemonset()
        yield Caution("newer versions of the agent", "GKE does not upgrade one that this run deploys; that is yours")
    elif restart and (text != present.text or agent.restarted_for not in (None, config.digest)):
        yield from _restarted(agent, config.digest)
    yield from _undone(agent, agent.meaning(text))
    starts = restart or agent.daemonset is None
    if starts:
        yield Ensure(_ROLLED_OUT, within=600)
    yield Ensure(AgentUsesConfig(config.digest), within=30 if starts else agent.takes_over_seconds)


def _not_proven(agent: Agent, protected: Protected, masquerade: tuple[Network, ...]) -> Steps:
    """Say what even a green outcome does not prove."""
    yield from protected.unchecked
    yield from (Caution("present configuration", message) for message in agent.harmful)
    if masquerade:
        first = masquerade[0]
        address = str(first.network_address) if first.prefixlen == first.max_prefixlen else "ADDRESS"
        yield Unchecked("whether pods now reach the destination", _PROBE.format(address=address))
    elif not agent.rejected:
        yield Unchecked("destinations", "no --masquerade was given, and the agent accepts its configuration")


def _possible(agent: Agent, protected: Protected, masquerade: tuple[Network, ...], *, deploys: bool) -> None:
    """Refuse what cannot be done on this cluster."""
    need(
        not protected.autopilot,
        "this is an Autopilot cluster, where EgressNATPolicy decides and not the agent's ConfigMap",
        command("kubectl", "edit", "egressnatpolicies.networking.gke.io", "default"),
    )
    exists = agent.daemonset is not None
    allow(
        bool(masquerade) or exists or (deploys and agent.text is not None),
        "--masquerade is empty and no agent runs here; allowed is at least one CIDR",
    )
    need(
        exists or protected.default_snat is not False,
        "no agent runs here and default SNAT is disabled, so pods keep their address towards every destination; "
        "an agent would masquerade all that is not on its list, and going away would not give that back",
        DEPLOY,
    )
    need(
        exists or deploys,
        "no DaemonSet kube-system/ip-masq-agent exists, so a configuration has no effect",
        repeat("--deploy-agent"),
    )
    need(
        exists or protected.default_snat is not None,
        "whether default SNAT is on is not known, and where it is off an agent would masquerade all that is not on "
        "its list",
        advice(
            "name the cluster, so that the GKE API can be asked: --project PROJECT --location LOCATION --cluster CLUSTER"
        ),
    )
    six = [str(item) for item in masquerade if item.version == 6]
    need(
        agent.ipv6 or not six,
        f"an agent without --enable-ipv6 does nothing for {', '.join(six)}",
        (
            advice("add --enable-ipv6: {}", command("kubectl", "-n", NAMESPACE, "edit", "daemonset", NAME)),
            advice("leave these ranges out"),
        ),
    )


def _sound(agent: Agent, wish: Wish, *, repairs: bool) -> None:
    """Refuse to build on a configuration that has to be put right first, and offer what does that."""
    wrong = [] if repairs else agent.rejected
    ways = (*cures(agent, wish), EDIT)
    need(not wrong, "the agent rejects its configuration: " + " ".join(wrong), ways)
    need(not agent.refused, "no change can build on this configuration: " + " ".join(agent.refused), ways)
    ignored = "the agent ignores settings: " + " ".join(agent.ignored)
    need(bool(wish.masquerade) or not agent.ignored, ignored, ways)


def _undone(agent: Agent, config: MasqueradeConfig) -> Steps:
    """Take the configuration back first; agents of this run go back to their own before they go, for their rules stay."""
    left = () if agent.daemonset is not None else (Ensure(AgentsAtDefaults(), config.takes_over_seconds, always=False),)
    yield WhenUndone((_ADDRESS,), left)


def _restarted(agent: Agent, digest: str) -> Steps:
    """Restart the agent, unless that would have no effect."""
    if agent.managed:
        doubt = "GKE's addon manager owns the DaemonSet, and whether it keeps a restart is not proven"
        yield Unchecked("the restart", f"{doubt}; --no-restart needs none")
    need(
        not agent.waits_for_deletion,
        "the DaemonSet has updateStrategy OnDelete, so its pods restart only when somebody deletes them",
        repeat("--no-restart"),
    )
    yield _restart(digest)


def _guards(before: Agent, agent: Agent, config: MasqueradeConfig, wish: Wish, protected: Protected) -> None:
    """Refuse what would harm more than the fault."""
    lost = protected.lost(before.config, config)
    need(
        not lost,
        f"these must keep seeing pod addresses and would not: {few(lost, 5)}",
        advice("choose a --masquerade range that does not overlap them") if wish.masquerade else EDIT,
    )
    require_limit(agent, protected, wish)
    dropped = config.lost_comments(agent.text) if agent.text else []
    need(
        not dropped,
        f"these comments of the configuration would be lost: {few(dropped)}",
        advice("remove them, or edit it by hand: {}", EDIT_CONFIG),
    )
    outside = [str(item) for item in wish.masquerade if not config.masquerades(item)]
    kept = f"{', '.join(outside)} cannot be masqueraded this way; the agent itself keeps link-local ranges"
    told = advice("write masqLinkLocal: true (masqLinkLocalIPv6 for IPv6) into it: {}", EDIT_CONFIG)
    need(not outside, kept, (told, advice("leave these ranges out")))
