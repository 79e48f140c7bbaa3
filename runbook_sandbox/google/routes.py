"""The REST methods that are emulated: a pattern for the path, and what it does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runbook_sandbox.google.cloud import AGENT_ROLE, GoogleCloud
from runbook_sandbox.google.faults import GoogleError
from runbook_sandbox.google.policy import PolicyBox

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One REST request."""

    cloud: GoogleCloud
    caller: str
    query: dict[str, str]
    body: Json
    part: dict[str, str]


Route = tuple[str, re.Pattern[str], Callable[[Request], Json]]
ROUTES: list[Route] = []


def route(method: str, pattern: str) -> Callable[[Callable[[Request], Json]], Callable[[Request], Json]]:
    """Register a function for a path; ``{name}`` matches one segment."""
    expression = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+(?::[^/:]+)*?)", pattern) + r"\Z")

    def register(function: Callable[[Request], Json]) -> Callable[[Request], Json]:
        ROUTES.append((method, expression, function))
        return function

    return register


def _policy(request: Request, box: PolicyBox, resource: str, service: str, verb: str) -> Json:
    """Answer ``getIamPolicy``, ``setIamPolicy`` and ``testIamPermissions``."""
    if verb == "testIamPermissions":
        return {"permissions": request.cloud.allowed(request.caller, request.body.get("permissions", []))}
    if verb == "getIamPolicy":
        request.cloud.require(request.caller, f"{service}.getIamPolicy", resource)
        options = request.body.get("options") or {}
        version = options.get("requestedPolicyVersion") or request.query.get("options.requestedPolicyVersion") or 1
        return box.read(int(version))
    request.cloud.require(request.caller, f"{service}.setIamPolicy", resource)
    return box.write(request.body["policy"], request.cloud.stale_reads)


@route("POST", r"/v[13]/projects/{project}:(?P<verb>getIamPolicy|setIamPolicy|testIamPermissions)")
def project_policy(request: Request) -> Json:
    """Read and write a project's policy."""
    project = request.cloud.project(request.part["project"])
    answer = _policy(request, project.box, f"projects/{project.id}", "resourcemanager.projects", request.part["verb"])
    if request.part["verb"] == "setIamPolicy":
        request.cloud.repeat(project)
    return answer


@route("GET", "/v3/projects/{project}")
def project_v3(request: Request) -> Json:
    """Look a project up; its number is in its name."""
    project = request.cloud.project(request.part["project"])
    request.cloud.require(request.caller, "resourcemanager.projects.get", f"projects/{project.id}")
    return {"name": f"projects/{project.number}", "projectId": project.id, "state": "ACTIVE", "displayName": project.id}


@route("GET", "/v1/projects/{project}")
def project_v1(request: Request) -> Json:
    """Look a project up the way gcloud does."""
    project = request.cloud.project(request.part["project"])
    return {"projectNumber": project.number, "projectId": project.id, "lifecycleState": "ACTIVE", "name": project.id}


@route("GET", "/v1/projects/{project}/services/{service}")
def service(request: Request) -> Json:
    """Tell whether an API is on."""
    project, name = request.cloud.project(request.part["project"]), request.part["service"]
    request.cloud.require(request.caller, "serviceusage.services.get", f"projects/{project.id}/services/{name}")
    return {
        "name": f"projects/{project.number}/services/{name}",
        "state": "ENABLED" if project.services.get(name) else "DISABLED",
    }


@route("POST", "/v1/projects/{project}/services/{service}:(?P<verb>enable|disable)")
def switch_service(request: Request) -> Json:
    """Switch an API on or off; the operation is done at once."""
    project, name = request.cloud.project(request.part["project"]), request.part["service"]
    project.services[name] = request.part["verb"] == "enable"
    return {
        "name": f"operations/acf.{name}",
        "done": True,
        "response": {"@type": "type.googleapis.com/google.protobuf.Empty"},
    }


@route("GET", "/v1/projects/{project}/locations/{location}/clusters")
def clusters(request: Request) -> Json:
    """List the clusters of a location, or of all with ``-``."""
    project = request.cloud.project(request.part["project"])
    request.cloud.require(request.caller, "container.clusters.list", f"projects/{project.id}")
    _require_enabled(project, "container.googleapis.com")
    found = [item for item in project.clusters.values() if request.part["location"] in ("-", item["location"])]
    return {"clusters": found} if found else {}


@route("GET", "/v1/projects/{project}/locations/{location}/clusters/{cluster}")
def cluster(request: Request) -> Json:
    """Return one cluster."""
    project = request.cloud.project(request.part["project"])
    request.cloud.require(request.caller, "container.clusters.get", f"projects/{project.id}")
    _require_enabled(project, "container.googleapis.com")
    key = f"{request.part['location']}/{request.part['cluster']}"
    if key not in project.clusters:
        raise GoogleError(
            404,
            f"Not found: projects/{project.id}/locations/{request.part['location']}/clusters/{request.part['cluster']}.",
        )
    return project.clusters[key]


@route("PUT", "/v1/projects/{project}/locations/{location}/clusters/{cluster}")
def update_cluster(request: Request) -> Json:
    """Update a cluster; the operation fails while the GKE service agent lacks its role."""
    cluster(request)
    project = request.cloud.project(request.part["project"])
    granted = project.box.grants(AGENT_ROLE, project.agent, request.cloud.propagation)
    request.cloud.add_operation(project.id, "UPDATE_CLUSTER", "" if granted else "DeployPatch failed")
    return project.operations[0]


@route("GET", "/v1/projects/{project}/locations/{location}/operations")
def operations(request: Request) -> Json:
    """List GKE operations."""
    project = request.cloud.project(request.part["project"])
    request.cloud.require(request.caller, "container.operations.list", f"projects/{project.id}")
    return {"operations": project.operations} if project.operations else {}


@route("GET", "/v1/projects/{project}/locations/{location}/operations/{operation}")
def operation(request: Request) -> Json:
    """Return one GKE operation."""
    for item in request.cloud.project(request.part["project"]).operations:
        if item["name"] == request.part["operation"]:
            return item
    raise GoogleError(404, f"Not found: {request.part['operation']}.")


@route("GET", "/v1/projects/{project}/locations/{location}/repositories/{repository}:getIamPolicy")
def repository_policy(request: Request) -> Json:
    """Read the policy of an Artifact Registry repository; its API takes a GET here."""
    project, part = request.cloud.project(request.part["project"]), request.part
    name = f"projects/{project.id}/locations/{part['location']}/repositories/{part['repository']}"
    box = project.repositories.get(f"{part['location']}/{part['repository']}")
    if box is None:
        raise GoogleError(404, f"Requested entity was not found: {name}")
    return _policy(request, box, name, "artifactregistry.repositories", "getIamPolicy")


@route("POST", "/v1/projects/{project}/serviceAccounts/{email}:(?P<verb>getIamPolicy|setIamPolicy|testIamPermissions)")
def account_policy(request: Request) -> Json:
    """Read and write the policy of a service account."""
    account = request.cloud.account(request.part["email"])
    return _policy(request, account.box, account.name, "iam.serviceAccounts", request.part["verb"])


@route("POST", "/v1/projects/{project}/serviceAccounts")
def create_account(request: Request) -> Json:
    """Create a service account."""
    email = f"{request.body['accountId']}@{request.cloud.project(request.part['project']).id}.iam.gserviceaccount.com"
    if email in request.cloud.accounts:
        raise GoogleError(409, f"Service account {email} already exists.", "ALREADY_EXISTS")
    return request.cloud.add_account(email).as_json()


@route("GET", "/v1/projects/{project}/serviceAccounts/{email}")
def account(request: Request) -> Json:
    """Return a service account."""
    return request.cloud.account(request.part["email"]).as_json()


@route("GET", "/v1/projects/{project}/serviceAccounts/{email}/keys")
def keys(request: Request) -> Json:
    """List keys without their private parts."""
    request.cloud.require(request.caller, "iam.serviceAccountKeys.list", request.part["email"])
    return {"keys": list(request.cloud.account(request.part["email"]).keys.values())}


@route("POST", "/v1/projects/{project}/serviceAccounts/{email}/keys")
def create_key(request: Request) -> Json:
    """Create a key."""
    request.cloud.require(request.caller, "iam.serviceAccountKeys.create", request.part["email"])
    return request.cloud.account(request.part["email"]).create_key(forbidden=request.cloud.keys_forbidden)


@route("GET", "/v1/projects/{project}/serviceAccounts/{email}/keys/{key}")
def key(request: Request) -> Json:
    """Return a key without its private part."""
    return request.cloud.account(request.part["email"]).key(request.part["key"])


@route("POST", "/v1/projects/{project}/serviceAccounts/{email}/keys/{key}:(?P<verb>disable|enable)")
def switch_key(request: Request) -> Json:
    """Disable or enable a key."""
    request.cloud.account(request.part["email"]).key(request.part["key"])["disabled"] = (
        request.part["verb"] == "disable"
    )
    return {}


@route("DELETE", "/v1/projects/{project}/serviceAccounts/{email}/keys/{key}")
def delete_key(request: Request) -> Json:
    """Delete a key."""
    request.cloud.account(request.part["email"]).delete_key(request.part["key"])
    return {}


@route("POST", "/token")
def token(request: Request) -> Json:
    """Give any service-account assertion a token, so that Google's clients work with an overridden endpoint."""
    del request
    return {"access_token": "sandbox", "expires_in": 3600, "token_type": "Bearer"}


def _require_enabled(project: Any, name: str) -> None:
    if not project.services.get(name):
        raise GoogleError(
            403,
            f"{name} has not been used in project {project.number} before or it is disabled.",
            reason="SERVICE_DISABLED",
        )


def dispatch(cloud: GoogleCloud, method: str, path: str, query: dict[str, str], body: Json, caller: str) -> Json:
    """Answer one REST request; raises GoogleError."""
    for wanted, pattern, function in ROUTES:
        match = pattern.match(path)
        if wanted == method and match:
            with cloud.lock:
                return function(Request(cloud, caller, query, body, match.groupdict()))
    raise GoogleError(404, f"Method not found: {method} {path}")
