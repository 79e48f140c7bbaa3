"""DPV2-01: is GKE Dataplane V2 on, and is its agent healthy on every node?"""

from __future__ import annotations

from collections.abc import Iterator

from remediation import Finding, advice, command, diagnosis, events_are_text, few

from .situation import NAME, SPACE, Situation

_ADDRESS = f"daemonset/{SPACE}/{NAME}"
_NEVER = advice(
    "look at its log, and let Google's support restart it: {}",
    command("kubectl", "-n", SPACE, "logs", f"daemonset/{NAME}", "--all-containers", "--tail=50"),
)


@diagnosis(
    id="DPV2-01",
    because="it is chosen when a cluster is made, and a restart of its agent interrupts how policies are enforced on a node",
    source="https://cloud.google.com/kubernetes-engine/docs/troubleshooting/dataplane-v2",
)
def dataplane_v2(now: Situation) -> Iterator[Finding]:
    """Tell whether GKE Dataplane V2 is on, and whether its agent works on every node.

    Symptoms: `failed to setup network for sandbox` in FailedCreatePodSandBox events with `cilium-cni` behind it; pods on
    one node stay ContainerCreating although the node has addresses left.

    Cause: the agent anetd does not run on a node, or does not answer the plugin there.

    Impact: none; nothing is changed. Who restarts the agent interrupts what it does for the node.

    Rollback: none is needed.
    """
    off = _off(now)
    if off is None:
        found = [*_missing(now), *_late(now), *_without_network(now)]
        yield from found or [_healthy(now)]
    else:
        yield off


def _off(now: Situation) -> Finding | None:
    """Return why there is nothing to judge: it is off, or nobody can tell."""
    if not now.readable and now.datapath is None:
        who = f"neither {_ADDRESS} may be read nor was the GKE API asked: add --project, --location and --cluster"
        return Finding("unknown", f"whether Dataplane V2 is on is not known: {who}")
    if now.agent is not None or now.datapath == "ADVANCED_DATAPATH":
        return None
    said = (
        f"datapathProvider is {now.datapath or 'not set'}"
        if now.datapath is not None
        else "there is no DaemonSet anetd"
    )
    own = ("a Cilium of your own runs here, which is something else",) if now.other else ()
    return Finding("not_applicable", f"Dataplane V2 is off: {said}", evidence=own)


def _missing(now: Situation) -> list[Finding]:
    """Report an agent that is not there, or that nobody may look at."""
    if not now.readable:
        return [Finding("unknown", f"Dataplane V2 is on; its agent may not be read: {_ADDRESS}", _ADDRESS)]
    if now.agent is None:
        said = "the GKE API says that Dataplane V2 is on, and its agent anetd is not there"
        return [Finding("fault", said, _ADDRESS, by_hand=_NEVER)]
    return []


def _late(now: Situation) -> Iterator[Finding]:
    """Report the nodes without a working agent; no node at all is not healthy either."""
    if now.agent is None:
        return
    if not now.nodes:
        yield Finding("unknown", "Dataplane V2 is on, and there is no node that could show its health", _ADDRESS)
    if late := now.late:
        told = few((f"{node}: {why}" for node, why in late.items()), 5)
        summary = f"the agent of Dataplane V2 does not work on {len(late)} of {len(now.nodes)} nodes: {told}"
        yield Finding("fault", summary, _ADDRESS, _evidence(now), by_hand=_NEVER)


def _without_network(now: Situation) -> Iterator[Finding]:
    """Report pods that got no network on nodes whose agent works: then it is not the agent that is missing."""
    told = [each for each in now.reports if each.node not in now.late]
    if told and now.agent is not None:
        nodes = few({each.node for each in told}, 3)
        evidence = (f"{told[0].origin}: {told[0].message}", events_are_text(told))
        ruled_out = ("the agent works there", "the node has addresses left")
        yield Finding(
            "fault", f"pods get no network on {nodes}", _ADDRESS, evidence, "possible", ruled_out, by_hand=_NEVER
        )


def _evidence(now: Situation) -> tuple[str, ...]:
    told = [each for each in now.reports if each.node in now.late][:1]
    events = (f"{told[0].origin}: {told[0].message}", events_are_text(told)) if told else ()
    return (f"its containers were started again {now.restarts} times", *events)


def _healthy(now: Situation) -> Finding:
    said = "" if now.datapath is None else f", datapathProvider {now.datapath}"
    restarts = (f"its containers were started again {now.restarts} times",) if now.restarts else ()
    return Finding(
        "healthy",
        f"Dataplane V2 is on{said}, and its agent works on {len(now.nodes)} of {len(now.nodes)} nodes",
        evidence=restarts,
    )
