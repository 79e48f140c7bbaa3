"""What GKE shows of a cluster and of an operation.

Source: https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters and
.../projects.locations.operations. As in most real clusters ``nodeIpv4CidrBlock`` is not there: the subnet has that range.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_BASE = "https://container.googleapis.com/v1/projects"
_VERSION, _NODES = "1.33.4-gke.1036000", 3
_SCOPES = ["https://www.googleapis.com/auth/devstorage.read_only", "https://www.googleapis.com/auth/logging.write"]


def new_cluster(project: str, location: str, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a running cluster with one node pool; ``fields`` take the place of what it would have."""
    version = fields.get("currentMasterVersion", _VERSION)
    link = f"{_BASE}/{project}/locations/{location}/clusters/{name}"
    subnet = f"projects/{project}/regions/{region_of(location)}/subnetworks/default"
    return {
        "name": name,
        "location": location,
        "zone": location,
        "locations": [f"{location}-{zone}" for zone in "abc"],
        "selfLink": link,
        "status": "RUNNING",
        "endpoint": "203.0.113.10",
        "initialClusterVersion": version,
        "currentMasterVersion": version,
        "currentNodeVersion": version,
        "currentNodeCount": _NODES,
        "createTime": "2026-01-05T08:00:00+00:00",
        "network": "default",
        "subnetwork": "default",
        "networkConfig": {"network": f"projects/{project}/global/networks/default", "subnetwork": subnet},
        "nodePools": [_pool(link, version, [f"{location}-{zone}" for zone in "abc"], subnet)],
    } | fields


def region_of(location: str) -> str:
    """Return the region of a location, which may be one of its zones."""
    return location if location[-1].isdigit() else location.rpartition("-")[0]


def _pool(cluster: str, version: str, zones: list[str], subnet: str) -> dict[str, Any]:
    return {
        "name": "default-pool",
        "selfLink": f"{cluster}/nodePools/default-pool",
        "config": {"machineType": "e2-standard-4", "diskSizeGb": 100, "serviceAccount": "default", "oauthScopes": _SCOPES},
        "initialNodeCount": 1,
        "locations": zones,
        "podIpv4CidrSize": 24,
        "maxPodsConstraint": {"maxPodsPerNode": "110"},
        "version": version,
        "status": "RUNNING",
        "networkConfig": {"enablePrivateNodes": False, "subnetwork": subnet},
    }  # fmt: skip


def new_operation(project: Any, number: int, kind: str, error: str, cluster: str) -> dict[str, Any]:
    """Return a finished operation; of a failed one the status message is what people see."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"
    found = next((each for each in project.clusters.values() if each["name"] == cluster), None)
    location = found["location"] if found else "europe-west3"
    links, name = f"{_BASE}/{project.number}/locations/{location}", f"operation-{number:013d}"
    failed = {"statusMessage": error, "error": {"code": 13, "message": error}} if error else {}
    return {
        "name": name,
        "operationType": kind,
        "status": "DONE",
        "zone": location,
        "location": location,
        "startTime": now,
        "endTime": now,
        "selfLink": f"{links}/operations/{name}",
        "targetLink": f"{links}/clusters/{cluster}",
    } | failed
