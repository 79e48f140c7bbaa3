"""Projects and their policies, Artifact Registry's among them.

Source: https://cloud.google.com/resource-manager/reference/rest, v1 as gcloud asks it and v3 as Google's libraries do,
and https://cloud.google.com/artifact-registry/docs/reference/rest
"""

from __future__ import annotations

from typing import Any

from runbook_sandbox.google.cloud import Project
from runbook_sandbox.google.faults import GoogleError
from runbook_sandbox.google.routing import Json, Request, answer_policy, route

_CREATED = "2026-01-05T08:00:00.000000Z"


@route("POST", r"/v[13]/projects/{project}:(?P<verb>getIamPolicy|setIamPolicy|testIamPermissions)")
def project_policy(request: Request) -> Json:
    """Read and write a project's policy."""
    project = request.project
    answer = answer_policy(request, project.box, f"projects/{project.id}", "resourcemanager.projects")
    if request.part["verb"] == "setIamPolicy":
        request.cloud.repeat(project)
    return answer


@route("GET", "/v3/projects/{project}")
def project_v3(request: Request) -> Json:
    """Look a project up; its number is in its name."""
    request.require("resourcemanager.projects.get")
    return _v3(request.project)


@route("GET", "/v3/projects:search")
def search_projects(request: Request) -> Json:
    """List the projects that the caller sees."""
    return request.page([_v3(each) for each in _seen(request)], "projects")


@route("GET", "/v1/projects/{project}")
def project_v1(request: Request) -> Json:
    """Look a project up the way gcloud does."""
    request.require("resourcemanager.projects.get")
    return _v1(request.project)


@route("GET", "/v1/projects")
def projects_v1(request: Request) -> Json:
    """List the projects that the caller sees, the way gcloud does."""
    return request.page([_v1(each) for each in _seen(request)], "projects")


def _seen(request: Request) -> list[Project]:
    allowed = request.cloud.allowed(request.caller, ["resourcemanager.projects.get"])
    return list(request.cloud.projects.values()) if allowed else []


def _v1(project: Project) -> Json:
    return {
        "projectNumber": project.number,
        "projectId": project.id,
        "lifecycleState": "ACTIVE",
        "name": project.id,
        "createTime": _CREATED,
    }


def _v3(project: Project) -> Json:
    name = f"projects/{project.number}"
    return {"name": name, "projectId": project.id, "state": "ACTIVE", "displayName": project.id, "createTime": _CREATED}


@route("GET", "/v1/projects/{project}/locations/{location}/repositories/{repository}:(?P<verb>getIamPolicy)")
@route(
    "POST",
    "/v1/projects/{project}/locations/{location}/repositories/{repository}:(?P<verb>setIamPolicy|testIamPermissions)",
)
def repository_policy(request: Request) -> Json:
    """Read and write the policy of an Artifact Registry repository; its API takes a GET to read."""
    name, box = _repository(request)
    return answer_policy(request, box, name, "artifactregistry.repositories")


@route("GET", "/v1/projects/{project}/locations/{location}/repositories/{repository}")
def repository(request: Request) -> Json:
    """Return a repository."""
    name, _ = _repository(request)
    request.require("artifactregistry.repositories.get", name)
    return {"name": name, "format": "DOCKER", "mode": "STANDARD_REPOSITORY", "createTime": _CREATED}


def _repository(request: Request) -> tuple[str, Any]:
    project, part = request.project, request.part
    name = f"projects/{project.id}/locations/{part['location']}/repositories/{part['repository']}"
    box = project.repositories.get(f"{part['location']}/{part['repository']}")
    if box is None:
        raise GoogleError(404, f"Requested entity was not found: {name}")
    return name, box
