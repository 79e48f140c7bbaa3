"""DPV2-05 and DPV2-06: free pod addresses that leaked on a node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from remediation import (
    AT_DEADLINE,
    KNOWN_AFTER_APPLY,
    NODES,
    Cluster,
    Count,
    During,
    Ensure,
    Evidence,
    Facts,
    Finding,
    KubernetesObject,
    Note,
    ObjectName,
    PinnedImage,
    Risk,
    Steps,
    Unchecked,
    advice,
    allow,
    command,
    file_beside,
    image_host,
    manifest,
    merge,
    need,
    runbook,
)

from .addressing import HOSTNAME, Addressing, NodeAddressing
from .config_map import CleanupConfig, live_key
from .leaks import DataplaneV2, cure
from .proof import NodesReported, PodsHaveAddresses

NAMESPACE, NAME, SELECTOR = "kube-system", "runbook-ipam-cleanup", "app.kubernetes.io/name=ipam-cleanup"
IMAGE = "debian:bookworm-slim@sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716"
_MOST_NODES = 3
_MORE_NODES = advice("add nodes, or move pods away")
_RANGES = "pod-cidrs."


def _cordoned(node: str) -> KubernetesObject:
    return KubernetesObject(
        "v1", "Node", node, "", {"spec": {"unschedulable": True}}, may="patch", reason="cordoned already, and stays so"
    )


def _config(nodes: list[NodeAddressing]) -> CleanupConfig:
    data = {"clean-reservations.sh": file_beside(__name__, "clean-reservations.sh")}
    for item in nodes:
        data |= live_key(item.node) | {_RANGES + item.node: ",".join(item.ranges)}
    # Its script runs as root on the nodes, so nobody is to change it between the plan and the run.
    wanted = {"data": data, "immutable": True}
    return CleanupConfig("v1", "ConfigMap", NAME, NAMESPACE, wanted, row="DPV2-06", may="new")


def _daemonset(nodes: list[NodeAddressing], mode: str, image: str, limit: int) -> KubernetesObject:
    values = {"MODE": mode, "RUN_ID": KNOWN_AFTER_APPLY, "MAX_RESERVATIONS": str(limit), "NOT_AFTER": AT_DEADLINE}
    env = [{"name": name, "value": value} for name, value in values.items()]
    terms = [{"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": [item.hostname for item in nodes]}]}]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    pod = {
        "affinity": affinity,
        "initContainers": [{"name": "clean", "image": image, "env": env}],
        "containers": [{"name": "wait", "image": image}],
    }
    wanted = merge(manifest(__name__, "daemonset.yaml"), {"spec": {"template": {"spec": pod}}})
    return KubernetesObject("apps/v1", "DaemonSet", NAME, NAMESPACE, wanted, row="DPV2-06", may="new")


def _work(nodes: list[NodeAddressing], mode: Literal["clean", "restore"], image: str, limit: int) -> During:
    names = tuple(item.node for item in nodes)
    resources = (*map(_cordoned, names), _config(nodes), _daemonset(nodes, mode, image, limit))
    return During(resources, Ensure(NodesReported(NAMESPACE, SELECTOR, names, mode), within=300, always=False))


def _needs(target: Cluster, node: tuple[str, ...] = (), image: str = IMAGE, **_: Any) -> list[Any]:
    nodes = [NodeAddressing(name, name, (), 0, 0, (), "") for name in dict.fromkeys(node or ("NODE",))]
    during = _work(nodes, "clean", image, 1)
    return [
        Addressing(node),
        Addressing(),
        DataplaneV2(),
        *during.resources,
        during.until.check,
        PodsHaveAddresses(tuple(item.node for item in nodes)),
    ]


def _diagnose(target: Cluster, facts: Facts) -> Iterator[Finding]:
    found = [item for item in facts(Addressing()).values() if item.waiting]
    for item in found:
        cause = (
            f"its pods use {item.used} of {item.capacity}, so add nodes instead"
            if item.full
            else "addresses leaked on the node"
        )
        yield Finding(
            "fault",
            f"pods on {item.node} get no address: {cause}",
            f"node/{item.node}",
            (item.numbers, f"{item.origin}: {item.error}", cure(item.version, facts(DataplaneV2()))),
            "possible" if item.full else "probable",
            ("a full node",) if not item.full else (),
            {} if item.full else {"node": item.node},
            _MORE_NODES if item.full else None,
        )
    if not found:
        yield Finding("healthy", "no pod waits for an address")


def _restore(target: Cluster, facts: Facts, made: Mapping[str, Any]) -> Steps:
    """Put quarantined reservations back whose container turned out to be alive; the others stay in quarantine."""
    if f"daemonset/{NAMESPACE}/{NAME}" not in made:
        return  # nothing has been cleaned
    clean = made[f"daemonset/{NAMESPACE}/{NAME}"]["spec"]["template"]["spec"]["initContainers"][0]
    limit = next(int(item["value"]) for item in clean["env"] if item["name"] == "MAX_RESERVATIONS")
    keys = made[f"configmap/{NAMESPACE}/{NAME}"]["data"]
    cleaned = tuple(key.removeprefix(_RANGES) for key in keys if key.startswith(_RANGES))
    known = facts(Addressing(cleaned)) if cleaned else {}
    if known:
        yield _work(list(known.values()), "restore", clean["image"], limit)


@runbook(
    id="DPV2-06",
    covers=("DPV2-06", "DPV2-05"),
    risk=Risk.HIGH,
    alerts=("PodAddressesExhausted",),
    needs=_needs,
    diagnose=_diagnose,
    undo=_restore,
    source="https://cloud.google.com/kubernetes-engine/docs/troubleshooting/dataplane-v2",
    example="--node node-2 --context example-prod",
)
def ipam_cleanup(
    target: Cluster,
    facts: Facts,
    node: Annotated[tuple[ObjectName, ...], "node to clean; no other node is touched"] = (),
    max_reservations: Annotated[Count, "refuse to move more than N reservations of a node; 254 is a whole /24"] = 254,
    image: Annotated[PinnedImage, "image with bash, coreutils, findutils and util-linux, pinned by digest"] = IMAGE,
) -> Steps:
    """Free pod addresses that leaked on the named nodes.

    Symptoms: `failed to allocate for range 0: no IP addresses available in range set` in FailedCreatePodSandBox events;
    pods on one node stay ContainerCreating while few pods run there.

    Cause: containerd forgot to release addresses of pods whose creation failed. An upgrade cures the fault of GKE 1.22 to
    1.25 with Dataplane V2, and no other; the plan says which the node has. Replacing the node is the safest remedy: gcloud
    compute instances delete, after a drain.

    Impact: the nodes are cordoned while a DaemonSet as powerful as root moves reservations without a container into a
    quarantine beside the network directory. Everything it needs is removed at the end, the nodes are uncordoned.

    Rollback: reservations whose container is alive go back where their address is still free; the others stay in quarantine.
    """
    allow(bool(node), "--node is missing; allowed is the name of a node", command("kubectl", "get", "nodes"))
    allow(len(node) <= _MOST_NODES, f"--node was given {len(node)} times; allowed are {_MOST_NODES} nodes in one run")
    known = facts(Addressing(tuple(dict.fromkeys(node))))
    for name in node:
        if name not in known:
            near = get_close_matches(name, [item["metadata"]["name"] for item in facts(NODES)], 3, 0.0)
            allow(
                False,
                f"--node {name!r} is not a node of this cluster; allowed: {', '.join(near)}",
                command("kubectl", "get", "nodes"),
            )
        _cleanable(known[name])
    leaking = [known[name] for name in dict.fromkeys(node) if known[name].leaking]
    for item in leaking:
        yield from _told(facts, item, max_reservations, image)
    if leaking:
        yield _work(leaking, "clean", image, max_reservations)
        yield Unchecked(
            "which reservations leaked",
            "only the node knows; the script refuses on any doubt and reports what it moved",
        )
    yield Ensure(PodsHaveAddresses(tuple(dict.fromkeys(node))), within=300)


def _told(facts: Facts, item: NodeAddressing, limit: int, image: str) -> Steps:
    """Refuse a limit that the node's leak exceeds for certain, and say what a reader should know of the node."""
    most = min(item.most_leaked, 1024)
    allow(
        limit >= most,
        f"--max-reservations {limit} is too small for {item.node}: it has no address left, and its pods use {item.used} of "
        f"{item.capacity}, so up to {item.most_leaked} leaked; allowed is {most} to 1024",
        command("runbook", "plan", "ipam-cleanup", "--node", item.node, "--max-reservations", str(most)),
    )
    yield Evidence("addresses in use", f"{item.numbers}, says {item.origin}")
    yield Note("what cures the cause", f"{item.node}: {cure(item.version, facts(DataplaneV2()))}")
    if image_host(image) == "docker.io" and not item.external and not _has(item, image):
        yield Unchecked(
            f"that {item.node} can pull the image",
            "it is on Docker Hub, and the node has no address outside: without Cloud NAT give a copy in your own registry "
            "with --image",
        )


def _has(item: NodeAddressing, image: str) -> bool:
    """Tell whether a node has an image; the digest says which, whatever it is called there."""
    return any(name.rpartition("@")[2] == image.rpartition("@")[2] for name in item.images if "@" in name)


def _cleanable(item: NodeAddressing) -> None:
    """Refuse a node that cannot be cleaned, or has nothing to clean."""
    need(
        not item.node.startswith("gk3-"),
        f"--node {item.node!r} belongs to Autopilot, which forbids what this needs",
        advice("replace the pods instead"),
    )
    need(
        item.linux and bool(item.ranges) and bool(item.hostname),
        f"node {item.node} is not a Linux node with a pod range and a hostname label",
    )
    need(
        not (item.waiting and item.full),
        f"node {item.node} is full: {item.numbers}, so hardly any can have leaked",
        _MORE_NODES,
    )
