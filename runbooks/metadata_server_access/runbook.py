"""AUTH-07: let pods that a NetworkPolicy isolates ask GKE's metadata server for tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from remediation import (
    Caution,
    Cluster,
    Command,
    During,
    Ensure,
    Finding,
    KubernetesObject,
    Namespace,
    ObjectName,
    PinnedImage,
    Risk,
    Steps,
    Unchecked,
    allow,
    applies,
    command,
    few,
    need,
    runbook,
)

from .policies import fewest, selects
from .proof import IMAGE, ClientsReady, ProbeAnswered, probe
from .situation import POLICIES, Isolated, PoliciesAbove, Situation


def findings(target: Cluster, now: Situation) -> Iterator[Finding]:
    """Report each policy that keeps pods from tokens which they need; isolation that nobody minds is no fault."""
    blocked = [item for item in now.isolated if item.pods and not item.allowed]
    needed = [(item, signs) for item in blocked if (signs := now.signs(item))]
    yield from (_finding(item, signs) for item, signs in needed)
    if now.peer is None:
        yield Finding("not_applicable", "no anetd and no calico-node runs here, so nobody enforces network policies")
    elif not needed:
        yield Finding("healthy", "no network policy keeps pods that need tokens from the metadata server")


def _finding(item: Isolated, signs: tuple[str, ...]) -> Finding:
    where, policy = item.peer.words, f"networkpolicy/{item.namespace}/{item.name}"
    said = f"pods in {item.namespace} get no token: {item.name} does not let them reach {where}"
    evidence = (f"{len(item.unready)} of {len(item.pods)} pods that it isolates are not ready", *signs)
    ruled_out = ("no other policy for these pods lets them reach it",)
    if item.on_purpose:
        return Finding("not_applicable", f"{said}, and that is meant to be so: {item.on_purpose}", policy, evidence)
    parameters = {"namespace": item.namespace, "policy": item.name}
    sure: Literal["probable", "possible"] = "probable" if signs[0].startswith("log") else "possible"
    return Finding("fault", said, policy, evidence, sure, ruled_out, parameters)


@runbook(
    id="AUTH-07",
    risk=Risk.MEDIUM,
    alerts=("MetadataServerTimeout",),
    diagnose=findings,
    source="https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy",
    example="--namespace shop --policy restrict-egress --context example-prod",
)
def metadata_server_access(
    target: Cluster,
    now: Situation,
    namespace: Annotated[Namespace, "namespace of the pods that get no token"],
    policy: Annotated[ObjectName, "NetworkPolicy that isolates them"],
    image: Annotated[PinnedImage, "image with bash for a pod that asks once, pinned by digest"] = IMAGE,
) -> Steps:
    """Let pods that a NetworkPolicy isolates ask GKE's metadata server for tokens.

    Symptoms: `dial tcp 169.254.169.254:80: i/o timeout`, `cannot find the metadata server` or
    `default credentials were not found` in pods that an egress policy selects; pods elsewhere are fine.

    Cause: the policy lists what its pods may reach, and the metadata server is not among it.

    Impact: one more NetworkPolicy for exactly the pods that the first one isolates, which adds to what they may reach.
    Nothing else changes and no pod restarts. For a moment a pod runs that asks once for a token.

    Rollback: the policy is deleted; tokens that pods hold stay valid until they expire.
    """
    applies(now.peer is not None, "no anetd and no calico-node runs here, so nobody enforces network policies")
    chosen = _chosen(now, namespace, policy)
    yield from _meant(now, chosen)
    allowing = _allowing(chosen)
    taken = now.of_others(namespace, allowing.name)
    need(not taken, f"{taken} is not from this runbook, and what it isolates would be open", _shown(allowing))
    if set(chosen.allowed) <= {allowing.name}:
        yield allowing
        yield Caution("the selector", f"when somebody changes podSelector of {policy}, change that of {allowing.name}")
    yield from _tried(now, chosen, image)
    yield Ensure(ClientsReady(namespace, chosen.selector), within=120)


def _chosen(now: Situation, namespace: str, policy: str) -> Isolated:
    """Return the policy that was named, with its pods."""
    found = {item.name: item for item in now.isolated}
    allow(
        policy in found,
        f"--policy {policy!r} is none of {namespace} that limits what pods may reach; allowed: {few(found, 5) or 'none'}",
        command("kubectl", "-n", namespace, "get", "networkpolicies"),
    )
    return found[policy]


def _meant(now: Situation, chosen: Isolated) -> Steps:
    """Refuse what is meant to be so, and what a policy of the namespace cannot override."""
    show = command("kubectl", "-n", chosen.namespace, "get", "networkpolicy", chosen.name, "-o", "yaml")
    need(
        not chosen.on_purpose,
        f"{chosen.name} keeps its pods from {chosen.peer.address} on purpose: {chosen.on_purpose}",
        show,
    )
    above = now.facts(PoliciesAbove())
    need(not above, f"a policy of the namespace cannot override those of the cluster: {few(above or ())}", show)
    yield from _unseen(above)


def _unseen(above: tuple[str, ...] | None) -> tuple[Unchecked, ...]:
    """Say where whoever runs this may not look."""
    why = "they may not be read; one that denies cannot be overridden here"
    return () if above is not None else (Unchecked("policies of the whole cluster", why),)


def _allowing(chosen: Isolated) -> KubernetesObject:
    """Return a policy of its own for the same pods; it goes when theirs goes, for alone it would cut them off."""
    about = chosen.policy["metadata"]
    owner = {"apiVersion": POLICIES[0], "kind": POLICIES[1], "name": chosen.name, "uid": about["uid"]}
    spec = {"podSelector": chosen.selector, "policyTypes": ["Egress"], "egress": [chosen.peer.rule]}
    wanted = {"metadata": {"ownerReferences": [owner]}, "spec": spec}
    return KubernetesObject(*POLICIES, f"{chosen.name}-metadata-server", chosen.namespace, wanted, row="AUTH-07")


def _shown(allowing: KubernetesObject) -> Command:
    return command("kubectl", "-n", allowing.namespace, "get", "networkpolicy", allowing.name, "-o", "yaml")


def _tried(now: Situation, chosen: Isolated, image: str) -> Steps:
    """Let a new pod ask, unless it would be no proof, or a controller would take it for one of its own."""
    labels = fewest(chosen.selector)
    adopters = now.adopters(chosen.namespace, labels)
    if adopters or not selects(chosen.selector, labels):
        theirs = f"{few(adopters)} would take a pod with the labels that {chosen.name} selects for its own"
        yield Unchecked(
            "that a new pod gets a token", theirs if adopters else f"{chosen.name} selects no labels that were found"
        )
        return
    account = next((pod["spec"].get("serviceAccountName") for pod in chosen.pods), None) or "default"
    asking = probe(chosen.namespace, chosen.selector, account, image)
    yield During((asking,), Ensure(ProbeAnswered(chosen.namespace), within=120, always=False), proves=True)
