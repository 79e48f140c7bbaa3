"""Compute Engine v1, as far as networks go.

Source: https://cloud.google.com/compute/docs/reference/rest/v1; its errors have a list of reasons,
https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-common-compute-errors
"""

from __future__ import annotations

import re
import threading
import time
from uuid import UUID

from runbook_sandbox.google.compute_operations import ComputeError
from runbook_sandbox.google.network import Network
from runbook_sandbox.google.routing import Json, Request, route

_API = "compute.googleapis.com"
_PROJECT = "/compute/v1/projects/{project}"
_GLOBAL = "networks|routes|firewalls"
_REGIONAL = "subnetworks|routers"
# How long `wait` holds an answer back at most.
_LONGEST_WAIT = 120.0
_TERM = re.compile(r"""\(*\s*([\w.]+)\s*(=|!=|:|eq|ne)\s*("[^"]*"|'[^']*'|[^\s()]+)\s*\)*""")


@route("GET", _PROJECT + rf"/(?P<scope>global)/(?P<kind>{_GLOBAL})/{{name}}")
@route("GET", _PROJECT + rf"/(?P<scope>regions/[a-z0-9-]+)/(?P<kind>{_REGIONAL})/{{name}}")
def thing(request: Request) -> Json:
    """Return a network, a route, a firewall rule, a subnet or a router."""
    _require(request, f"compute.{request.part['kind']}.get", _path(request))
    return _found(request)


@route("GET", _PROJECT + rf"/(?P<scope>global)/(?P<kind>{_GLOBAL})")
@route("GET", _PROJECT + rf"/(?P<scope>regions/[a-z0-9-]+)/(?P<kind>{_REGIONAL})")
def things(request: Request) -> Json:
    """List what there is of a kind."""
    kind, scope = request.part["kind"], request.part["scope"]
    _require(request, f"compute.{kind}.list")
    found = _network(request).things[kind]
    listed = [value for path, value in found.items() if path.startswith(scope)]
    return _listed(request, f"compute#{kind.removesuffix('s')}List", listed)


@route("GET", _PROJECT + rf"/aggregated/(?P<kind>{_REGIONAL})")
def everywhere(request: Request) -> Json:
    """List what there is of a kind in every region."""
    kind = request.part["kind"]
    _require(request, f"compute.{kind}.list")
    items: dict[str, Json] = {}
    for path, value in _network(request).things[kind].items():
        if _fits(request.query.get("filter", ""), value):
            items.setdefault("/".join(path.split("/")[:2]), {kind: []})[kind].append(value)
    return {"kind": f"compute#{kind.removesuffix('s')}AggregatedList", "items": items}


@route("GET", _PROJECT + "/(?P<scope>global)/(?P<kind>networks)/{name}/getEffectiveFirewalls")
def effective_firewalls(request: Request) -> Json:
    """Return all that filters the packets of a network."""
    _require(request, "compute.networks.getEffectiveFirewalls", _path(request))
    _found(request)
    return _network(request).effective_firewalls(request.part["name"])


@route("POST", _PROJECT + r"/(?P<scope>regions/[a-z0-9-]+)/(?P<kind>subnetworks)/{name}/setPrivateIpGoogleAccess")
def set_private_google_access(request: Request) -> Json:
    """Begin to switch a subnet's Private Google Access on or off."""
    _require(request, "compute.subnetworks.setPrivateIpGoogleAccess", _path(request))
    _found(request)
    wanted = request.body.get("privateIpGoogleAccess", False)
    if not isinstance(wanted, bool):
        raise ComputeError(
            400, f"Invalid value at 'resource.private_ip_google_access' (TYPE_BOOL), {wanted!r}", "invalid"
        )
    kind, fields = "compute.subnetworks.setPrivateIpGoogleAccess", {"privateIpGoogleAccess": wanted}
    target = f"{request.part['scope']}/subnetworks/{request.part['name']}"
    return _network(request).operations.begin(kind, target, fields, request.caller, _request_id(request))


@route("PATCH", _PROJECT + r"/(?P<scope>regions/[a-z0-9-]+)/(?P<kind>subnetworks)/{name}")
def patch_subnetwork(request: Request) -> Json:
    """Begin to change fields of a subnet; who does not know its fingerprint was too slow."""
    _require(request, "compute.subnetworks.update", _path(request))
    found, fields = _found(request), dict(request.body)
    if fields.pop("fingerprint", "") != found["fingerprint"]:
        raise ComputeError(412, "Invalid fingerprint.", "conditionNotMet")
    target = f"{request.part['scope']}/subnetworks/{request.part['name']}"
    operations = _network(request).operations
    return operations.begin("compute.subnetworks.patch", target, fields, request.caller, _request_id(request))


@route("GET", _PROJECT + "/regions/{region}/operations/{operation}")
def operation(request: Request) -> Json:
    """Return an operation."""
    part = request.part
    place = f"projects/{part['project']}/regions/{part['region']}/operations/{part['operation']}"
    _require(request, "compute.regionOperations.get", place)
    found = _network(request).operations.get(part["region"], part["operation"])
    if found is None:
        raise ComputeError(404, f"The resource '{place}' was not found", "notFound")
    return found


@route("POST", _PROJECT + "/regions/{region}/operations/{operation}/wait")
def wait(request: Request) -> Json:
    """Return an operation when it is done, or after two minutes as it is then; others are served in the meantime."""
    deadline = time.monotonic() + _LONGEST_WAIT
    awake = threading.Condition(request.cloud.lock)
    while (found := operation(request))["status"] != "DONE" and time.monotonic() < deadline:
        awake.wait(0.05)
    return found


@route("GET", _PROJECT + "/regions/{region}/operations")
def operations(request: Request) -> Json:
    """List the operations of a region."""
    _require(request, "compute.regionOperations.list")
    return _listed(request, "compute#operationList", _network(request).operations.list(request.part["region"]))


@route("GET", _PROJECT + "/aggregated/operations")
def every_operation(request: Request) -> Json:
    """List the operations of all regions."""
    _require(request, "compute.regionOperations.list")
    items: dict[str, Json] = {}
    for region, each in _network(request).operations.everywhere():
        if _fits(request.query.get("filter", ""), each):
            items.setdefault(f"regions/{region}", {"operations": []})["operations"].append(each)
    return {"kind": "compute#operationAggregatedList", "items": items}


def _network(request: Request) -> Network:
    network = request.project.network
    network.operations.settle()
    return network


def _path(request: Request) -> str:
    part = request.part
    return f"projects/{part['project']}/{part['scope']}/{part['kind']}/{part['name']}"


def _found(request: Request) -> Json:
    part = request.part
    found: Json | None = _network(request).things[part["kind"]].get(f"{part['scope']}/{part['kind']}/{part['name']}")
    if found is None:
        raise ComputeError(404, f"The resource '{_path(request)}' was not found", "notFound")
    return found


def _request_id(request: Request) -> str:
    text = request.query.get("requestId", "")
    try:
        if text and not UUID(text).int:
            raise ValueError  # noqa: TRY301 - a UUID of zeros is refused like one that is none
    except ValueError:
        raise ComputeError(
            400, f"Invalid value for field 'requestId': '{text}'. Must be a valid UUID.", "invalid"
        ) from None
    return text


def _require(request: Request, permission: str, place: str = "") -> None:
    project = request.project
    if not project.services.get(_API):
        text = f"Compute Engine API has not been used in project {project.number} before or it is disabled. Enable it by visiting"
        link = f"https://console.developers.google.com/apis/api/{_API}/overview?project={project.number}"
        raise ComputeError(403, f"{text} {link} then retry.", "accessNotConfigured", reason="SERVICE_DISABLED")
    where = place or f"projects/{request.part['project']}"
    if not request.cloud.may(request.caller, permission, where):
        raise ComputeError(403, f"Required '{permission}' permission for '{where}'", "forbidden")


def _listed(request: Request, kind: str, found: list[Json]) -> Json:
    """Return one page of a list; ``maxResults`` of them, of those that the filter lets through."""
    fitting = [each for each in found if _fits(request.query.get("filter", ""), each)]
    size, start = request.query.get("maxResults", "500"), request.query.get("pageToken") or "0"
    if not (size.isdecimal() and start.isdecimal()):
        raise ComputeError(400, f"Invalid value for field 'maxResults': '{size}'.", "invalid")
    end = int(start) + int(size)
    page = fitting[int(start) : end]
    return {"kind": kind} | ({"items": page} if page else {}) | ({"nextPageToken": str(end)} if fitting[end:] else {})


def _fits(text: str, item: Json) -> bool:
    """Tell whether something passes a filter whose terms are all to hold; ``eq`` and ``ne`` compare with an expression."""
    left = _TERM.sub("", text).replace("AND", "").strip(" ()")
    if left:
        raise ComputeError(
            400, f"Invalid value for field 'filter': '{text}'. Invalid list filter expression.", "invalid"
        )
    return all(_holds(item, *found.groups()) for found in _TERM.finditer(text))


def _holds(item: Json, name: str, comparison: str, quoted: str) -> bool:
    wanted, value = quoted.strip("\"'"), str(item.get(name, ""))
    if comparison == ":":
        return wanted in value
    equal = value == wanted if comparison in ("=", "!=") else re.fullmatch(wanted, value) is not None
    return equal == (comparison in ("=", "eq"))
