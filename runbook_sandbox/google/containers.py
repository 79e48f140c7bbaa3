"""GKE's clusters and operations.

Source: https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1
"""

from __future__ import annotations

from typing import Any

from runbook_sandbox.google.cloud import AGENT_ROLE
from runbook_sandbox.google.faults import GoogleError
from runbook_sandbox.google.routing import Json, Request, route

_API = "container.googleapis.com"


@route("GET", "/v1/projects/{project}/locations/{location}/clusters")
def clusters(request: Request) -> Json:
    """List the clusters of a location, or of all with ``-``."""
    request.require("container.clusters.list")
    _require_enabled(request)
    found = [item for item in request.project.clusters.values() if request.part["location"] in ("-", item["location"])]
    return {"clusters": found} if found else {}


@route("GET", "/v1/projects/{project}/locations/{location}/clusters/{cluster}")
def cluster(request: Request) -> Json:
    """Return one cluster."""
    request.require("container.clusters.get")
    _require_enabled(request)
    found: Json = _cluster(request)
    return found


@route("PUT", "/v1/projects/{project}/locations/{location}/clusters/{cluster}")
def update_cluster(request: Request) -> Json:
    """Update a cluster; the operation fails while the GKE service agent lacks its role."""
    request.require("container.clusters.update")
    _require_enabled(request)
    name, project = _cluster(request)["name"], request.project
    granted = project.box.grants(AGENT_ROLE, project.agent, request.cloud.propagation)
    request.cloud.add_operation(project.id, "UPDATE_CLUSTER", "" if granted else "DeployPatch failed", name)
    made: Json = project.operations[0]
    return made


@route("POST", "/v1/projects/{project}/locations/{location}/clusters/{cluster}:setResourceLabels")
def set_labels(request: Request) -> Json:
    """Label a cluster; nothing is deployed for that, so the operation needs no agent."""
    request.require("container.clusters.update")
    found, project = _cluster(request), request.project
    found["resourceLabels"] = request.field("resourceLabels", dict, {})
    request.cloud.add_operation(project.id, "UPDATE_CLUSTER", "", found["name"])
    done: Json = project.operations[0]
    return done


@route("GET", "/v1/projects/{project}/locations/{location}/clusters/{cluster}/nodePools")
def node_pools(request: Request) -> Json:
    """List the node pools of a cluster."""
    request.require("container.clusters.get")
    _require_enabled(request)
    return {"nodePools": _cluster(request)["nodePools"]}


@route("GET", "/v1/projects/{project}/locations/{location}/operations")
def operations(request: Request) -> Json:
    """List GKE operations."""
    request.require("container.operations.list")
    _require_enabled(request)
    place = request.part["location"]
    # What an earlier version has kept does not say where it was.
    found = [item for item in request.project.operations if place in ("-", item.get("location", place))]
    return {"operations": found} if found else {}


@route("GET", "/v1/projects/{project}/locations/{location}/operations/{operation}")
def operation(request: Request) -> Json:
    """Return one GKE operation."""
    request.require("container.operations.get")
    for item in request.project.operations:
        if item["name"] == request.part["operation"]:
            return item
    raise GoogleError(404, f"Not found: {_place(request)}/operations/{request.part['operation']}.")


def _cluster(request: Request) -> Any:
    found = request.project.clusters.get(f"{request.part['location']}/{request.part['cluster']}")
    if found is None:
        raise GoogleError(404, f"Not found: {_place(request)}/clusters/{request.part['cluster']}.")
    return found


def _place(request: Request) -> str:
    return f"projects/{request.project.id}/locations/{request.part['location']}"


def _require_enabled(request: Request) -> None:
    project = request.project
    if not project.services.get(_API):
        raise GoogleError(
            403,
            f"Kubernetes Engine API has not been used in project {project.number} before or it is disabled. Enable it by "
            f"visiting https://console.developers.google.com/apis/api/{_API}/overview?project={project.number} then retry.",
            reason="SERVICE_DISABLED",
        )
