"""Which APIs of a project are on, and the service agents that come with them.

Source: https://cloud.google.com/service-usage/docs/reference/rest (v1, and v1beta1 for ``generateServiceIdentity``)
"""

from __future__ import annotations

import zlib

from runbook_sandbox.google.cloud import Project
from runbook_sandbox.google.faults import GoogleError, invalid
from runbook_sandbox.google.routing import Json, Request, route

_TITLES = {
    "artifactregistry": "Artifact Registry API",
    "cloudresourcemanager": "Cloud Resource Manager API",
    "compute": "Compute Engine API",
    "container": "Kubernetes Engine API",
    "iam": "Identity and Access Management (IAM) API",
    "iamcredentials": "IAM Service Account Credentials API",
    "serviceusage": "Service Usage API",
}
# Service agents are named after the API, with a prefix that is its own.
_AGENTS = {"container": "container-engine-robot", "artifactregistry": "gcp-sa-artifactregistry"}
_DOMAIN = ".googleapis.com"


@route("GET", "/v1/projects/{project}/services/{service}")
def service(request: Request) -> Json:
    """Tell whether an API is on."""
    request.require("serviceusage.services.get")
    return _shown(request.project, _known(request))


@route("GET", "/v1/projects/{project}/services")
def services(request: Request) -> Json:
    """List APIs; the filter is the state."""
    request.require("serviceusage.services.list")
    wanted = request.query.get("filter", "").replace(" ", "").removeprefix("state:")
    if wanted not in ("", "ENABLED", "DISABLED"):
        raise invalid("Invalid filter. Supported filters are: state:ENABLED, state:DISABLED.")
    found = [_shown(request.project, name) for name in sorted(request.project.services)]
    return request.page([each for each in found if wanted in ("", each["state"])], "services")


@route("POST", "/v1/projects/{project}/services/{service}:(?P<verb>enable|disable)")
def switch_service(request: Request) -> Json:
    """Switch an API on or off; the operation is done at once."""
    verb, name = request.part["verb"], _known(request)
    request.require(f"serviceusage.services.{verb}")
    request.project.services[name] = verb == "enable"
    kind = f"type.googleapis.com/google.api.serviceusage.v1.{verb.title()}ServiceResponse"
    return _done(request.project, {"@type": kind, "service": _shown(request.project, name)})


@route("POST", "/v1/projects/{project}/services:batchEnable")
def enable_services(request: Request) -> Json:
    """Switch several APIs on."""
    request.require("serviceusage.services.enable")
    names = request.field("serviceIds", list)
    for name in names:
        request.project.services[_checked(str(name))] = True
    kind = "type.googleapis.com/google.api.serviceusage.v1.BatchEnableServicesResponse"
    return _done(request.project, {"@type": kind, "services": [_shown(request.project, name) for name in names]})


@route("POST", "/v1beta1/projects/{project}/services/{service}:generateServiceIdentity")
def make_agent(request: Request) -> Json:
    """Make the service agent of an API, or find it; it gets no role by that."""
    request.require("serviceusage.services.enable")
    project, short = request.project, _known(request).removesuffix(_DOMAIN)
    email = f"service-{project.number}@{_AGENTS.get(short, f'gcp-sa-{short}')}.iam.gserviceaccount.com"
    project.agents.add(email)
    kind = "type.googleapis.com/google.api.serviceusage.v1beta1.ServiceIdentity"
    return _done(project, {"@type": kind, "email": email, "uniqueId": f"1{zlib.crc32(email.encode()):020d}"})


@route("GET", "/v1(?:beta1)?/operations/{operation}")
def operation(request: Request) -> Json:
    """Return an operation of this API: each was done when it was answered."""
    return {"name": f"operations/{request.part['operation']}", "done": True, "response": {}}


def _known(request: Request) -> str:
    return _checked(request.part["service"])


def _checked(name: str) -> str:
    if not name.endswith(_DOMAIN):
        raise GoogleError(
            403, f"Not found or permission denied for service(s): {name}.", reason="SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED"
        )  # fmt: skip
    return name


def _shown(project: Project, name: str) -> Json:
    title = _TITLES.get(name.removesuffix(_DOMAIN), name)
    return {
        "name": f"projects/{project.number}/services/{name}",
        "config": {"name": name, "title": title},
        "state": "ENABLED" if project.services.get(name) else "DISABLED",
        "parent": f"projects/{project.number}",
    }


def _done(project: Project, response: Json) -> Json:
    return {"name": f"operations/acat.p2-{project.number}-{zlib.crc32(str(response).encode())}", "done": True, "response": response}  # fmt: skip
