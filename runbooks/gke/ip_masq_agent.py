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
from remediation.facts.masquerade import CONFIG_ANNOTATION, KEY, NAME, NAMESPACE, Agent, Protected, TimedOutDestinations
from remediation.manifests import manifest
from remediation.masquerade import MasqueradeConfig, repaired

_ROLLED_OUT = DaemonSetRolledOut(NAMESPACE, NAME)


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
        "apps/v1", "DaemonSet", NAME, NAMESPACE, manifest("ip-masq-agent/daemonset.yaml"), row="NET-02"
    )


def _needs(target: Cluster, **_: Any) -> list[Any]:
    return [
        MasqueradeAgent(),
        ProtectedRanges(target.project, target.location, target.cluster),
        _config_map(""),
        _daemonset(),
        _ROLLED_OUT,
        AgentUsesConfig(""),
        TimedOutDestinations(),
    ]


def _diagnose(target: Cluster, facts: Facts) -> Iterator[Finding]:
    agent, protected = facts(MasqueradeAgent()), facts(ProtectedRanges(target.project, target.location, target.cluster))
    address = f"configmap/{NAMESPACE}/{NAME}"
    if agent.rejected:
        yield Finding(
            "fault",
            "ip-masq-agent rejects its configuration: new nodes get no masquerading rules",
            address,
            tuple(agent.rejected),
        )
    elif agent.daemonset is None:
        yield Finding("not_applicable", "no ip-masq-agent runs here; nodes masquerade by their own defaults", address)
    elif lost := agent.config.covers(protected.pods):
        yield Finding(
            "fault", "pod ranges are masqueraded: pods see node addresses of other pods", address, tuple(map(str, lost))
        )
    elif unreached := [item for item in facts(TimedOutDestinations()) if _keeps_pod_address(agent, item, protected)]:
        yield Finding(
            "fault",
            f"pods time out to {unreached[0]}, and the agent keeps their address towards it",
            address,
            tuple(f"probes of pods time out to {item}" for item in unreached),
            "possible",
            ("the agent accepts its configuration", "it is no range of the cluster"),
            {"masquerade": str(unreached[0])},
        )
    else:
        yield Finding(
            "healthy",
            "ip-masq-agent accepts its configuration",
            address,
            tuple(agent.harmful),
            excluded=("whether a destination routes to pod addresses is not visible from here",),
        )


def _keeps_pod_address(agent: Agent, destination: Network, protected: Protected) -> bool:
    inside = any(item.version == destination.version and destination.subnet_of(item) for item in protected.all)  # type: ignore[arg-type] # the versions are equal
    return not inside and not agent.config.masquerades(destination)


def _repair(agent: Agent, masquerade: tuple[Network, ...]) -> str | None:
    """Return the repaired text of a rejected configuration; None when that is not the fault, or not what was asked for."""
    return repaired(agent.text or "") if agent.rejected and not masquerade else None


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
    `Error syncing configuration` in the log of ip-masq-agent.

    Cause: the destination is in nonMasqueradeCIDRs, so packets leave with the pod's address and no answer comes back;
    or the agent rejects its configuration.

    Impact: new connections to the destinations leave with the node's address; firewalls there must expect it.
    Existing connections keep their old translation. The agent is restarted node by node; pods are not.

    Rollback: the previous configuration text and pod template come back; a ConfigMap made by the run is deleted.
    """
    agent = facts(MasqueradeAgent())
    protected = facts(ProtectedRanges(target.project, target.location, target.cluster))
    yield from protected.unchecked
    yield from (Unchecked("present configuration", message) for message in agent.harmful)
    text = _repair(agent, masquerade)
    yield from _possible(agent, masquerade, repairs=text is not None, deploys=deploy_agent)
    if text is not None:
        config = MasqueradeConfig.parse(text, agent.defaults)
    else:
        config = agent.config.without(masquerade)
        yield from _guards(agent, config, masquerade, protected.lost(agent.config, config))
        text = _text(agent, config)
    if text is not None:
        yield _config_map(text)
    if agent.daemonset is None:
        yield _daemonset()
    elif restart and (text != agent.text or agent.restarted_for not in (None, config.digest)):
        yield Require(
            not agent.managed,
            "GKE's addon manager owns the DaemonSet and reverts a restart",
            "repeat with --no-restart",
        )
        yield _restart(config.digest)
    if restart:
        yield Ensure(_ROLLED_OUT, within=600)
    yield Ensure(AgentUsesConfig(config.digest), within=30 if restart else 240)


def _possible(agent: Agent, masquerade: tuple[Network, ...], *, repairs: bool, deploys: bool) -> Steps:
    """Refuse what cannot be done at all."""
    yield Require(
        repairs or not agent.rejected,
        "the agent rejects its configuration: " + " ".join(agent.rejected),
        "edit the ConfigMap, or repair it first without --masquerade: runbook run ip-masq-agent",
    )
    yield Allowed(
        bool(masquerade) or agent.daemonset is not None,
        "--masquerade is empty and no agent runs here; allowed is at least one CIDR",
    )
    if not masquerade and not agent.rejected:
        yield Unchecked("destinations", "no --masquerade was given, and the agent accepts its configuration")
    yield Require(
        agent.daemonset is not None or deploys,
        "no DaemonSet kube-system/ip-masq-agent exists, so a configuration has no effect",
        "add --deploy-agent to deploy it",
    )


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
        "remove them from the ConfigMap, or edit it by hand: kubectl -n kube-system edit configmap ip-masq-agent",
    )
    outside = [str(item) for item in masquerade if not config.masquerades(item)]
    yield Require(
        not outside,
        f"{', '.join(outside)} cannot be masqueraded this way; link-local ranges are kept by the agent itself",
    )
