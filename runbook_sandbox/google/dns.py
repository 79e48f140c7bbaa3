"""Cloud DNS, as far as reading zones and response policies goes.

Source: https://cloud.google.com/dns/docs/reference/rest/v1
"""

from __future__ import annotations

from runbook_sandbox.google.compute_operations import ComputeError
from runbook_sandbox.google.routing import Json, Request, route

_API = "dns.googleapis.com"
_PROJECT = "/dns/v1/projects/{project}"


@route("GET", _PROJECT + "/managedZones")
def zones(request: Request) -> Json:
    """List the managed zones."""
    _require(request, "dns.managedZones.list")
    return {"kind": "dns#managedZonesListResponse", "managedZones": request.project.network.zones}


@route("GET", _PROJECT + "/responsePolicies")
def response_policies(request: Request) -> Json:
    """List the response policies, without their rules."""
    _require(request, "dns.responsePolicies.list")
    found = [
        {key: value for key, value in each.items() if key != "rules"}
        for each in request.project.network.response_policies
    ]
    return {"responsePolicies": found}


@route("GET", _PROJECT + "/responsePolicies/{policy}/rules")
def response_policy_rules(request: Request) -> Json:
    """List the rules of a response policy."""
    _require(request, "dns.responsePolicyRules.list")
    for each in request.project.network.response_policies:
        if each["responsePolicyName"] == request.part["policy"]:
            return {"responsePolicyRules": each.get("rules", [])}
    text = f"The 'parameters.responsePolicy' resource named '{request.part['policy']}' does not exist."
    raise ComputeError(404, text, "notFound")


def _require(request: Request, permission: str) -> None:
    if not request.project.services.get(_API):
        text = f"Google Cloud DNS API has not been used in project {request.project.number} before or it is disabled."
        raise ComputeError(403, text, "accessNotConfigured", reason="SERVICE_DISABLED")
    if not request.cloud.may(request.caller, permission, f"projects/{request.part['project']}"):
        raise ComputeError(403, f"Forbidden: {permission} is missing", "forbidden")
