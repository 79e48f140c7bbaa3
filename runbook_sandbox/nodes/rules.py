"""What the emulated nodes make of pods: the symptoms of the faults, for as long as they are there.

Each rule plays a real program, and is written from what that program does:

- `_image_name`: the kubelet before it pulls, pkg/kubelet/images/image_manager.go of https://github.com/kubernetes/kubernetes;
  what an image reference is stands in `images`.
- `_dial`: the same, and what the node's network lets through; see `paths`.
- `_pull`: kubelet and containerd, core/remotes/docker of https://github.com/containerd/containerd; which credentials
  are tried stands in `keyring`.
- `_address`: the CNI plugins ptp and host-local, plugins/ipam/host-local/backend/allocator of
  https://github.com/containernetworking/plugins.
- `without_agent`: the CNI plugin of Dataplane V2; see `dataplane`.
- `_reach`: the node's masquerade rules, which the ip-masq-agent writes; see `agent`.
- `Programs`: what people try in a pod of their own; see `programs`.
- `_identity`: a client library that asks GKE's metadata server for a token; what lets it is in `network_policies`.
- `_clean`: no program of others: the script that a cleaning pod carries.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import threading
import time
from dataclasses import replace
from functools import partial
from typing import Any

from runbook_sandbox.kubernetes import Cluster, EventText, PodOutcome
from runbook_sandbox.nodes.agent import Agents
from runbook_sandbox.nodes.dataplane import without_agent
from runbook_sandbox.nodes.images import Image, NotAnImage, parse_image
from runbook_sandbox.nodes.keyring import Unreadable, credentials
from runbook_sandbox.nodes.marks import DESTINATION, LEAKED, METADATA_CLIENT
from runbook_sandbox.nodes.network_policies import METADATA, NetworkPolicies
from runbook_sandbox.nodes.paths import DEFAULT_POOL, POOL_LABEL, Paths
from runbook_sandbox.nodes.programs import Programs
from runbook_sandbox.places import HOST, REAL_HOST

Object = dict[str, Any]
# The result has to fit into a termination message.
_MOST_LISTED = 100
# A real kubelet waits for ten seconds, and then ever longer.
_AGAIN_SECONDS = 0.5
_CLEANUP = ("app.kubernetes.io/name", "ipam-cleanup")


def install(cluster: Cluster, paths: Paths | None = None) -> Agents:
    """Make the nodes of a cluster follow these rules; return the masquerade agents that may run on them.

    ``paths`` are the ways out of nodes that are in a cloud; without them every registry answers.
    """
    agents, policies = Agents(cluster), NetworkPolicies(cluster)
    reach, identity = partial(_reach, agents), partial(_identity, policies)
    reachable = [partial(_dial, paths)] if paths else []
    for node in cluster.store.list("nodes") if paths else ():
        cluster.edit("nodes", node["metadata"]["name"], _label)
    cluster.kubelet_rules += [_image_name, *reachable, _pull, without_agent, _address, reach, identity, _clean]
    cluster.log_rules.append(agents.log)
    cluster.program = Programs(agents.masquerades, policies.allow)
    return agents


def _image_name(pod: Object, cluster: Cluster) -> PodOutcome | None:
    """The kubelet does not try to pull what is no image reference, such as one with capital letters."""
    for container in pod["spec"]["containers"]:
        try:
            parse_image(container["image"])
        except NotAnImage as problem:
            quoted = json.dumps(container["image"])
            text = f"Failed to apply default image tag {quoted}: couldn't parse image name {quoted}: {problem}"
            return PodOutcome("waiting", "InvalidImageName", text, container["name"])
    return None


def _label(node: Object) -> None:
    """Give a node the label of the pool that it is in, as GKE does."""
    node["metadata"].setdefault("labels", {}).setdefault(POOL_LABEL, DEFAULT_POOL)


def _dial(paths: Paths, pod: Object, cluster: Cluster) -> PodOutcome | None:
    """A registry that a node has no way to does not answer, whatever the credentials; the kubelet tries again by itself."""
    node = cluster.get("nodes", pod["spec"].get("nodeName", "")) or {"metadata": {}}
    for container in pod["spec"]["containers"]:
        image = parse_image(container["image"])
        if address := paths.dead_end(node, image.host):
            text = container["image"]
            url = f"https://{image.host}/v2/{image.path}/manifests/{text.rpartition(':')[2]}"
            why = f'failed to do request: Head "{url}": dial tcp {address}:443: i/o timeout'
            failed = f'failed to pull and unpack image "{text}": failed to resolve reference "{text}": {why}'
            return replace(_not_pulled(container, failed), retry=_AGAIN_SECONDS)
    return None


def _pull(pod: Object, cluster: Cluster) -> PodOutcome | None:
    """A private registry answers only with credentials that name it."""
    for container in pod["spec"]["containers"]:
        image = parse_image(container["image"])
        try:
            tried = credentials(image, _pull_secrets(pod, cluster))
        except Unreadable as problem:
            return _not_pulled(container, str(problem))
        if image.host in (HOST, REAL_HOST) and not any(user for user, _ in tried):
            return _not_pulled(container, _forbidden(container["image"], image))
    return None


def _pull_secrets(pod: Object, cluster: Cluster) -> list[Object]:
    names = [item["name"] for item in pod["spec"].get("imagePullSecrets") or [] if item.get("name")]
    found = (cluster.get("secrets", name, pod["metadata"]["namespace"]) for name in names)
    return [secret for secret in found if secret]


def _forbidden(text: str, image: Image) -> str:
    return (
        f'failed to pull and unpack image "{text}": failed to resolve reference "{text}": failed to authorize: '
        f"failed to fetch oauth token: unexpected status from GET request to https://{image.host}/v2/token: 403 Forbidden"
    )


def _not_pulled(container: Object, why: str) -> PodOutcome:
    quoted = json.dumps(container["image"])
    return PodOutcome(
        "waiting",
        "ImagePullBackOff",
        f"Back-off pulling image {quoted}: ErrImagePull: {why}",
        container["name"],
        events=(
            EventText("Failed", f"Failed to pull image {quoted}: {why}"),
            EventText("Failed", "Error: ErrImagePull"),
        ),
    )


def _address(pod: Object, cluster: Cluster) -> PodOutcome | None:
    """A node whose addresses leaked has none for a new pod of the pod network."""
    node = cluster.get("nodes", pod["spec"].get("nodeName", "")) or {"metadata": {}, "spec": {}}
    if pod["spec"].get("hostNetwork") or LEAKED not in (node["metadata"].get("annotations") or {}):
        return None
    hosts = list(ipaddress.ip_network(node["spec"]["podCIDR"]).hosts())
    text = (
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "'
        f'{hashlib.sha256(pod["metadata"]["uid"].encode()).hexdigest()}": plugin type="ptp" failed (add): '
        f"failed to allocate for range 0: no IP addresses available in range set: {hosts[0]}-{hosts[-1]}"
    )
    return PodOutcome("creating", events=(EventText("FailedCreatePodSandBox", text),))


def _reach(agents: Agents, pod: Object, cluster: Cluster) -> PodOutcome | None:
    """A pod that needs an address outside is ready only when its packets leave with the node's address."""
    wanted = (pod["metadata"].get("annotations") or {}).get(DESTINATION)
    if wanted is None:
        return None
    if agents.masquerades(pod["spec"]["nodeName"], wanted):
        return PodOutcome("running", log=f"connected to {wanted}:443\n")
    text = f"dial tcp {wanted}:443: i/o timeout"
    return PodOutcome(
        "running", ready=False, log=f"{text}\n", events=(EventText("Unhealthy", f"Readiness probe failed: {text}"),)
    )


def _identity(policies: NetworkPolicies, pod: Object, cluster: Cluster) -> PodOutcome | None:
    """A pod that needs a token of its own is ready only when its node lets it ask the metadata server."""
    if METADATA_CLIENT not in (pod["metadata"].get("annotations") or {}):
        return None
    if policies.allow(pod, METADATA, 80):
        return PodOutcome("running", log="signed in\n")
    url = f"http://{METADATA}/computeMetadata/v1/instance/service-accounts/default/token"
    text = f'Get "{url}": dial tcp {METADATA}:80: i/o timeout'
    unready = EventText("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    return PodOutcome("running", ready=False, log=f"{text}\n", events=(unready,))


def _clean(pod: Object, cluster: Cluster) -> PodOutcome | None:
    """The cleaning pod reports like its script, and the node has addresses again a moment later."""
    if (pod["metadata"].get("labels") or {}).get(_CLEANUP[0]) != _CLEANUP[1]:
        return None
    env = {item["name"]: item.get("value", "") for item in pod["spec"]["initContainers"][0].get("env", [])}
    if reason := _refusal(env, pod["spec"]["nodeName"], cluster):
        refused = {"mode": env.get("MODE"), "run_id": env.get("RUN_ID"), "status": "refused", "reason": reason}
        return PodOutcome("running", init_message=json.dumps(refused))
    node = cluster.get("nodes", pod["spec"]["nodeName"])
    count = _leaked(node)
    if env.get("MODE") == "clean" and count:
        threading.Timer(0.05, _free, (cluster, pod["spec"]["nodeName"])).start()
    return PodOutcome("running", init_message=json.dumps(_report(pod, env, count, node)))


def _refusal(env: dict[str, str], node: str, cluster: Cluster) -> str:
    """Return why the real script would not act with these settings, empty when it would."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", env.get("RUN_ID", "")):
        return "RUN_ID must be 1 to 63 letters, digits, dots, dashes"
    if not env.get("NOT_AFTER", "").isdecimal() or int(env["NOT_AFTER"]) < time.time():
        return "the approval of this run has expired"
    config = (cluster.get("configmaps", "runbook-ipam-cleanup", "kube-system") or {}).get("data") or {}
    try:
        list(map(ipaddress.ip_address, config[f"live-ips.{node}"].split()))
    except (KeyError, ValueError):
        return "LIVE_IPS_FILE is missing, or has a line that is not an address"
    count = _leaked(cluster.get("nodes", node)) if env.get("MODE") == "clean" else 0
    if count > int(env["MAX_RESERVATIONS"]):
        return f"{count} leaked and 0 quarantined reservations exceed the limit of {env['MAX_RESERVATIONS']}"
    return ""


def _leaked(node: Any) -> int:
    return int(((node or {}).get("metadata", {}).get("annotations") or {}).get(LEAKED, "0"))


def _report(pod: Object, env: dict[str, str], count: int, node: Any) -> dict[str, Any]:
    moved = (
        [str(item) for item in list(ipaddress.ip_network(node["spec"]["podCIDR"]).hosts())[-count:]]
        if count and env.get("MODE") == "clean"
        else []
    )
    return {
        "node": pod["spec"]["nodeName"],
        "mode": env.get("MODE"),
        "status": "ok" if moved else "nothing_to_do",
        "reason": "",
        "run_id": env.get("RUN_ID"),
        "candidates": count,
        "quarantined_count": len(moved),
        "quarantined": moved[:_MOST_LISTED],
        "restored_count": 0,
        "restored": [],
    }


def _free(cluster: Cluster, node: str) -> None:
    cluster.edit("nodes", node, lambda found: found["metadata"].get("annotations", {}).pop(LEAKED, None))
