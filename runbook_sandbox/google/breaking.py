"""The faults in the cloud, by the words that ask for them."""

from __future__ import annotations

from collections.abc import Callable

from runbook_sandbox.google.cloud import GoogleCloud, Project
from runbook_sandbox.google.gke import region_of
from runbook_sandbox.google.network import BASE
from runbook_sandbox.google.policy import new_policy
from runbook_sandbox.places import REPOSITORY


def break_agent(cloud: GoogleCloud) -> None:
    """Take the GKE service agent's role away and let an operation fail for it, which somebody repeats once it can work."""
    cloud.repeats = True
    for project in cloud.projects.values():
        cloud.revoke(project.id, "roles/container.serviceAgent", project.agent)
        cloud.add_operation(project.id, "UPDATE_CLUSTER", "DeployPatch failed")


def hide_nodes(cloud: GoogleCloud, *more: str) -> None:
    """Let the nodes of all clusters have no external addresses, in subnets without Private Google Access or Cloud NAT.

    ``more`` words change that: see `_TRAITS`.
    """
    if unknown := sorted(set(more) - set(_TRAITS)):
        raise ValueError(f"the embedded cloud knows no network like {unknown[0]!r}; it knows: {', '.join(_TRAITS)}")
    for project in list(cloud.projects.values()):
        for cluster in project.clusters.values():
            cluster["networkConfig"]["defaultEnablePrivateNodes"] = True
            for pool in cluster["nodePools"]:
                pool.setdefault("networkConfig", {})["enablePrivateNodes"] = True
        for word in more:
            _TRAITS[word](cloud, project)


def _translate(cloud: GoogleCloud, project: Project) -> None:
    for region in _regions(project):
        project.network.add_nat(region)


def _open(cloud: GoogleCloud, project: Project) -> None:
    for subnet in project.network.things["subnetworks"].values():
        subnet["privateIpGoogleAccess"] = True


def _deny(cloud: GoogleCloud, project: Project) -> None:
    everything = {"destIpRanges": ["0.0.0.0/0"], "layer4Configs": [{"ipProtocol": "all"}]}
    rule = {"priority": 1000, "direction": "EGRESS", "action": "deny", "match": everything}
    policy = {"name": "100000000001", "shortName": "no-egress", "type": "HIERARCHY", "rules": [rule]}
    project.network.policies["default"] = [policy]


def _lead_nowhere(cloud: GoogleCloud, project: Project) -> None:
    project.network.things["routes"].clear()


def _migrate_half(cloud: GoogleCloud, project: Project) -> None:
    seen = {"networks": [{"networkUrl": f"{BASE}/{project.id}/global/networks/default"}]}
    zone = {"kind": "dns#managedZone", "id": "1", "name": "registry", "dnsName": "gcr.io.", "visibility": "private"}
    project.network.zones.append(zone | {"privateVisibilityConfig": seen})
    rule = {"ruleName": "apis", "dnsName": "*.googleapis.com.", "behavior": "behaviorUnspecified"}
    project.network.response_policies.append({"responsePolicyName": "apis", **seen, "rules": [rule]})


def _share(cloud: GoogleCloud, project: Project) -> None:
    """Let the clusters of a project be in the network of another one."""
    host = cloud.add_project("example-net", "210987654321")
    for cluster in project.clusters.values():
        subnet = f"projects/{host.id}/regions/{region_of(cluster['location'])}/subnetworks/default"
        shared = {"network": f"projects/{host.id}/global/networks/default", "subnetwork": subnet}
        cluster["networkConfig"] |= shared
        for pool in cluster["nodePools"]:
            pool["networkConfig"]["subnetwork"] = subnet


def _slow(cloud: GoogleCloud, project: Project) -> None:
    project.network.operations.seconds = 3.0


def _busy(cloud: GoogleCloud, project: Project) -> None:
    """Let somebody else's operation run on each subnet, which changes nothing that matters here."""
    project.network.operations.seconds = 1.5
    for path in project.network.things["subnetworks"]:
        project.network.operations.begin("compute.subnetworks.patch", path, {}, "user:a@example.com")
    project.network.operations.seconds = 0.0


def _fail(cloud: GoogleCloud, project: Project) -> None:
    project.network.operations.error = {"code": "INTERNAL_ERROR", "message": "Internal error. Please try again."}


def _switch_dns_off(cloud: GoogleCloud, project: Project) -> None:
    cloud.enable_service(project.id, "dns.googleapis.com", enabled=False)


def _add_pool(cloud: GoogleCloud, project: Project) -> None:
    """Let each cluster have a second pool, in a subnet of its own."""
    for cluster in project.clusters.values():
        region, first = region_of(cluster["location"]), cluster["nodePools"][0]
        subnet = {"enablePrivateNodes": True, "subnetwork": f"projects/{project.id}/regions/{region}/subnetworks/batch"}
        project.network.add_subnetwork(region, "batch", "10.200.0.0/20")
        cluster["nodePools"].append(first | {"name": "batch", "networkConfig": subnet})


def _regions(project: Project) -> set[str]:
    return {region_of(cluster["location"]) for cluster in project.clusters.values()}


_TRAITS: dict[str, Callable[[GoogleCloud, Project], None]] = {
    "nat": _translate,
    "google-access": _open,
    "denied": _deny,
    "no-route": _lead_nowhere,
    "half-migrated": _migrate_half,
    "shared": _share,
    "dns-off": _switch_dns_off,
    "two-pools": _add_pool,
    "slow": _slow,
    "busy": _busy,
    "failing": _fail,
}


def turn_on_dataplane_v2(cloud: GoogleCloud) -> None:
    """Let every cluster have GKE Dataplane V2."""
    for project in cloud.projects.values():
        for cluster in project.clusters.values():
            cluster["networkConfig"]["datapathProvider"] = "ADVANCED_DATAPATH"


def grant_agent(cloud: GoogleCloud, role: str) -> None:
    """Let the GKE service agent have another role."""
    for project in cloud.projects.values():
        cloud.grant(project.id, role, project.agent)


def disable_service(cloud: GoogleCloud, service: str) -> None:
    """Switch an API off."""
    for project in cloud.projects.values():
        cloud.enable_service(project.id, service, enabled=False)


def share_network(cloud: GoogleCloud, host: str) -> None:
    """Put every cluster into the network of another project."""
    for cluster in _clusters(cloud):
        cluster["networkConfig"] |= {"network": f"projects/{host}/global/networks/shared"}


def delete_clusters(cloud: GoogleCloud) -> None:
    """Delete every cluster."""
    for project in cloud.projects.values():
        project.clusters.clear()


def let_read(cloud: GoogleCloud, member: str) -> None:
    """Let only this member read the repository of the images."""
    bindings = [{"role": "roles/artifactregistry.reader", "members": [member]}]
    for project in cloud.projects.values():
        project.add_repository(REPOSITORY, new_policy(bindings))


def _clusters(cloud: GoogleCloud) -> list[dict[str, dict[str, str]]]:
    every: list[Project] = list(cloud.projects.values())
    return [cluster for project in every for cluster in project.clusters.values()]


_FAULTS: dict[str, Callable[..., None]] = {
    "break-agent": break_agent,
    "hide-nodes": hide_nodes,
    "turn-on-dataplane-v2": turn_on_dataplane_v2,
    "grant-agent": grant_agent,
    "disable-service": disable_service,
    "share-network": share_network,
    "delete-clusters": delete_clusters,
    "let-read": let_read,
}


def tell(cloud: GoogleCloud, fault: str, *words: str) -> None:
    """Change the cloud as a scenario wants it; raises ValueError for words that it does not know."""
    if fault not in _FAULTS:
        raise ValueError(f"the embedded cloud knows no fault {fault!r}; it knows: {', '.join(_FAULTS)}")
    with cloud.lock:
        _FAULTS[fault](cloud, *words)
