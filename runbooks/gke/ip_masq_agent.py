"""NET-02 and NET-03: masquerade what cannot route to pod addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from remediation import (
    AgentUsesConfig,
    Allowed,
    Cluster,
    DaemonSetRolledOut,
    Ensure,
    Facts,
    Finding,
    KubernetesObject,
    MasqueradeAgent,
    Network,
    Option,
    ProtectedRanges,
    Require,
    Risk,
    Steps,
    Unchecked,
    destination,
    runbook,
)
from remediation.facts.masquerade import CONFIG_ANNOTATION, KEY, NAME, NAMESPACE, Agent, TimedOutDestinations
from remediation.facts.protected import Protected
from remediation.manifests import manifest
from remediation.masquerade import MasqueradeConfig

_ADDRESS = f"configmap/{NAMESPACE}/{NAME}"
_ROLLED_OUT = DaemonSetRolledOut(NAMESPACE, NAME)
_EDIT = f"edit it by hand: kubectl -n {NAMESPACE} edit configmap {NAME}"
_PROBE = (
    "only a probe from a pod proves it: "
    "kubectl run probe --rm -i --restart=Never --image=busybox -- nc -zv -w 5 {address} PORT"
)


def _config_map(text: str) -> KubernetesObject:
    return KubernetesObject(
        "v1",
        "ConfigMap",
        NAME,
        NAMESPACE,
        {"data": {KEY: text}},
        row="NET-02",
        reason="the agent's configuration already says so",
    )


def _restart(digest: str) -> KubernetesObject:
    annotation = {"spec": {"template": {"metadata": {"annotations": {CONFIG_ANNOTATION: digest}}}}}
    return KubernetesObject(
        "apps/v1",
        "DaemonSet",
        NAME,
        NAMESPACE,
        annotation,
        may="patch",
        reason="restarted for this configuration already",
    )


def _daemonset() -> KubernetesObject:
    return KubernetesObject(
        "apps/v1", "DaemonSet", NAME, NAMESPACE, manifest("ip-masq-agent/daemonset.yaml"), row="NET-02", may="new"
    )


def _needs(target: Cluster, **_: Any) -> list[Any]:
    return [
        MasqueradeAgent(),
        ProtectedRanges(target.project, target.location, target.cluster),
        _config_map(""),
        _restart(""),
        _daemonset(),
        _ROLLED_OUT,
        AgentUsesConfig(""),
        TimedOutDestinations(),
    ]


def _diagnose(target: Cluster, facts: Facts) -> Iterator[Finding]:
    agent, protected = facts(MasqueradeAgent()), facts(ProtectedRanges(target.project, target.location, target.cluster))
    if protected.autopilot:
        yield Finding("not_applicable", "this is an Autopilot cluster, where EgressNATPolicy decides", _ADDRESS)
    elif agent.daemonset is None:
        yield Finding("not_applicable", "no ip-masq-agent runs here; nodes masquerade by their own defaults", _ADDRESS)
    else:
        yield _wrong_text(agent) or _wrong_effect(agent, protected, facts) or _healthy(agent)


def _wrong_text(agent: Agent) -> Finding | None:
    """Return what is wrong with the configuration as it is written."""
    if agent.rejected:
        summary = "ip-masq-agent rejects its configuration: new nodes get no masquerading rules"
        return Finding("fault", summary, _ADDRESS, tuple(agent.rejected))
    if agent.refused:
        return Finding("fault", "ip-masq-agent obeys settings that do harm", _ADDRESS, tuple(agent.refused))
    if agent.ignored:
        summary = "ip-masq-agent ignores settings, and its defaults apply instead"
        return Finding("fault", summary, _ADDRESS, tuple(agent.ignored), "probable")
    return None


def _wrong_effect(agent: Agent, protected: Protected, facts: Facts) -> Finding | None:
    """Return what goes wrong under a configuration that is well written."""
    if lost := agent.config.covers(protected.pods):
        summary = "pod ranges are masqueraded: pods see node addresses of other pods"
        return Finding("fault", summary, _ADDRESS, tuple(map(str, lost)))
    unreached = [item for item in facts(TimedOutDestinations()) if _keeps_pod_address(agent, item, protected)]
    if not unreached:
        return None
    return Finding(
        "fault",
        f"pods time out to {unreached[0]}, and the agent keeps their address towards it",
        _ADDRESS,
        tuple(f"probes of pods time out to {item}" for item in unreached),
        "possible",
        ("the agent accepts its configuration", "it is no range of the cluster"),
        {"masquerade": str(unreached[0])},
    )


def _healthy(agent: Agent) -> Finding:
    unseen = "whether a destination routes to pod addresses is not visible from here"
    summary = "ip-masq-agent accepts its configuration"
    return Finding("healthy", summary, _ADDRESS, tuple(agent.harmful), excluded=(unseen,))


def _keeps_pod_address(agent: Agent, destination: Network, protected: Protected) -> bool:
    inside = any(item.version == destination.version and destination.subnet_of(item) for item in protected.all)  # type: ignore[arg-type] # the versions are equal
    return not inside and not agent.config.masquerades(destination)


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
    masquerade: Annotated[
        tuple[Network, ...],
        Option(
            "CIDR",
            "destination that must see node addresses; without one a broken configuration is repaired",
            destination,
        ),
    ] = (),
    restart: Annotated[bool, Option("", "restart the agent, which makes it read the configuration at once")] = True,
    deploy_agent: Annotated[bool, Option("", "deploy the agent where no DaemonSet exists")] = False,
) -> Steps:
    """Masquerade pod traffic to networks that cannot route to pod addresses.

    Symptoms: pods time out to on-premises or other-cloud destinations that nodes can reach;
    `Error syncing configuration` or `No config file found` in the log of ip-masq-agent.

    Cause: the destination is in nonMasqueradeCIDRs, so packets leave with the pod's address and no answer comes back;
    or the agent rejects its configuration, or does not read it.

    Impact: new connections to the destinations leave with the node's address; firewalls there must expect it.
    Existing connections keep their old translation. The agent is restarted node by node; pods are not.

    Rollback: the previous configuration text and pod template come back; a ConfigMap made by the run is deleted.
    The agents read it within their resync interval, a minute unless it is set.
    """
    agent = facts(MasqueradeAgent())
    protected = facts(ProtectedRanges(target.project, target.location, target.cluster))
    yield from _not_proven(agent, protected, masquerade)
    text = agent.repaired if agent.rejected and not masquerade else None
    yield from _possible(agent, protected, masquerade, deploys=deploy_agent)
    yield from _sound(agent, masquerade, repairs=text is not None)
    if text is not None:
        config = agent.meaning(text)
    else:
        config = agent.config.without(masquerade)
        yield from _guards(agent, config, masquerade, protected.lost(agent.config, config))
        text = _text(agent, config)
    if text is not None:
        yield _config_map(text)
    if agent.daemonset is None:
        yield _daemonset()
    elif restart and (text != agent.text or agent.restarted_for not in (None, config.digest)):
        yield from _restarted(agent, config.digest)
    if restart:
        yield Ensure(_ROLLED_OUT, within=600)
    yield Ensure(AgentUsesConfig(config.digest), within=30 if restart else 240)


def _not_proven(agent: Agent, protected: Protected, masquerade: tuple[Network, ...]) -> Steps:
    """Say what even a green outcome does not prove."""
    yield from protected.unchecked
    yield from (Unchecked("present configuration", message) for message in agent.harmful)
    if masquerade:
        first = masquerade[0]
        address = str(first.network_address) if first.prefixlen == first.max_prefixlen else "ADDRESS"
        yield Unchecked("whether pods now reach the destination", _PROBE.format(address=address))
    elif not agent.rejected:
        yield Unchecked("destinations", "no --masquerade was given, and the agent accepts its configuration")


def _possible(agent: Agent, protected: Protected, masquerade: tuple[Network, ...], *, deploys: bool) -> Steps:
    """Refuse what cannot be done on this cluster."""
    yield Require(
        not protected.autopilot,
        "this is an Autopilot cluster, where EgressNATPolicy decides and not the agent's ConfigMap",
        "kubectl edit egressnatpolicies.networking.gke.io default",
    )
    yield Allowed(
        bool(masquerade) or agent.daemonset is not None,
        "--masquerade is empty and no agent runs here; allowed is at least one CIDR",
    )
    yield Require(
        agent.daemonset is not None or deploys,
        "no DaemonSet kube-system/ip-masq-agent exists, so a configuration has no effect",
        "add --deploy-agent to deploy it",
    )
    yield Require(
        agent.daemonset is not None or protected.default_snat is not False,
        "default SNAT is disabled, so pods keep their address towards everything; an agent would masquerade all "
        "that is not on its list",
        "deploy an agent by hand with the list that you want, then repeat",
    )
    six = [str(item) for item in masquerade if item.version == 6]
    yield Require(
        agent.ipv6 or not six,
        f"an agent without --enable-ipv6 does nothing for {', '.join(six)}",
        "add --enable-ipv6: kubectl -n kube-system edit daemonset ip-masq-agent  or  leave these ranges out",
    )


def _sound(agent: Agent, masquerade: tuple[Network, ...], *, repairs: bool) -> Steps:
    """Refuse to build on a configuration that a person has to put right first."""
    wrong = [] if repairs else agent.rejected
    yield Require(
        not wrong,
        "the agent rejects its configuration: " + " ".join(wrong),
        _EDIT if agent.repaired is None else "repair it first: runbook run ip-masq-agent",
    )
    yield Require(not agent.refused, "the configuration would do harm: " + " ".join(agent.refused), _EDIT)
    yield Require(
        bool(masquerade) or not agent.ignored, "the agent ignores settings: " + " ".join(agent.ignored), _EDIT
    )


def _restarted(agent: Agent, digest: str) -> Steps:
    """Restart the agent, unless that would have no effect."""
    yield Require(
        not agent.managed, "GKE's addon manager owns the DaemonSet and reverts a restart", "repeat with --no-restart"
    )
    yield Require(
        not agent.waits_for_deletion,
        "the DaemonSet has updateStrategy OnDelete, so its pods restart only when somebody deletes them",
        "repeat with --no-restart",
    )
    yield _restart(digest)


def _guards(agent: Agent, config: MasqueradeConfig, masquerade: tuple[Network, ...], lost: list[str]) -> Steps:
    """Refuse what would harm more than the fault."""
    yield Require(
        not lost,
        f"these must keep seeing pod addresses and would not: {', '.join(lost[:5])}",
        "choose a --masquerade range that does not overlap them",
    )
    problem = config.limit_problem()
    yield Require(
        problem is None, problem.message if problem else "", "choose a range whose exclusion leaves fewer blocks"
    )
    dropped = config.lost_comments(agent.text) if agent.text else []
    yield Require(
        not dropped,
        f"these comments of the configuration would be lost: {'; '.join(dropped[:3])}",
        f"remove them, or {_EDIT}",
    )
    outside = [str(item) for item in masquerade if not config.masquerades(item)]
    yield Require(
        not outside,
        f"{', '.join(outside)} cannot be masqueraded this way; link-local ranges are kept by the agent itself",
    )
