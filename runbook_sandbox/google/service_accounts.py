"""Service accounts, their keys, and the roles that can be looked up.

Source: https://cloud.google.com/iam/docs/reference/rest
"""

from __future__ import annotations

import re

from runbook_sandbox.google.accounts import Account
from runbook_sandbox.google.faults import GoogleError, invalid
from runbook_sandbox.google.policy import new_etag
from runbook_sandbox.google.roles import ROLES
from runbook_sandbox.google.routing import Json, Request, answer_policy, route

_ACCOUNT = "/v1/projects/{project}/serviceAccounts/{email}"
_OF_A_ROLE = ("title", "description", "includedPermissions", "stage")
_ACCOUNT_ID = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")


@route("POST", _ACCOUNT + ":(?P<verb>getIamPolicy|setIamPolicy|testIamPermissions)")
def account_policy(request: Request) -> Json:
    """Read and write the policy of a service account."""
    found = _found(request)
    return answer_policy(request, found.box, found.name, "iam.serviceAccounts")


@route("GET", "/v1/projects/{project}/serviceAccounts")
def accounts(request: Request) -> Json:
    """List the service accounts of a project."""
    request.require("iam.serviceAccounts.list")
    found = [each.as_json() for each in request.cloud.accounts.values() if each.project == request.project.id]
    return request.page(sorted(found, key=lambda each: str(each["email"])), "accounts")


@route("POST", "/v1/projects/{project}/serviceAccounts")
def create_account(request: Request) -> Json:
    """Create a service account."""
    request.require("iam.serviceAccounts.create")
    identifier, project = request.field("accountId", str), request.project
    if not _ACCOUNT_ID.fullmatch(identifier):
        raise invalid("The account ID does not have a length between 6 and 30, or has characters that are not allowed.")
    email = f"{identifier}@{project.id}.iam.gserviceaccount.com"
    if email in request.cloud.accounts:
        text = f"Service account {identifier} already exists within project projects/{project.id}."
        raise GoogleError(409, text, "ALREADY_EXISTS")
    made = request.cloud.add_account(email)
    made.display_name = str(request.field("serviceAccount", dict, {}).get("displayName", ""))
    return made.as_json()


@route("GET", _ACCOUNT)
def account(request: Request) -> Json:
    """Return a service account."""
    found = _found(request)
    request.require("iam.serviceAccounts.get", found.name)
    return found.as_json()


@route("DELETE", _ACCOUNT)
def delete_account(request: Request) -> Json:
    """Delete a service account with its keys."""
    found = _found(request)
    request.require("iam.serviceAccounts.delete", found.name)
    del request.cloud.accounts[found.email]
    return {}


@route("POST", _ACCOUNT + ":(?P<verb>disable|enable)")
def switch_account(request: Request) -> Json:
    """Disable or enable a service account."""
    found = _found(request)
    request.require(f"iam.serviceAccounts.{request.part['verb']}", found.name)
    found.disabled = request.part["verb"] == "disable"
    return {}


@route("GET", _ACCOUNT + "/keys")
def keys(request: Request) -> Json:
    """List keys without their private parts."""
    found = _found(request)
    request.require("iam.serviceAccountKeys.list", found.name)
    return {"keys": list(found.keys.values())} if found.keys else {}


@route("POST", _ACCOUNT + "/keys")
def create_key(request: Request) -> Json:
    """Create a key."""
    found = _found(request)
    request.require("iam.serviceAccountKeys.create", found.name)
    return found.create_key(forbidden=request.cloud.keys_forbidden)


@route("GET", _ACCOUNT + "/keys/{key}")
def key(request: Request) -> Json:
    """Return a key without its private part."""
    found = _found(request)
    request.require("iam.serviceAccountKeys.get", found.name)
    return found.key(request.part["key"])


@route("POST", _ACCOUNT + "/keys/{key}:(?P<verb>disable|enable)")
def switch_key(request: Request) -> Json:
    """Disable or enable a key."""
    found = _found(request)
    request.require(f"iam.serviceAccountKeys.{request.part['verb']}", found.name)
    found.key(request.part["key"])["disabled"] = request.part["verb"] == "disable"
    return {}


@route("DELETE", _ACCOUNT + "/keys/{key}")
def delete_key(request: Request) -> Json:
    """Delete a key for good."""
    found = _found(request)
    request.require("iam.serviceAccountKeys.delete", found.name)
    found.delete_key(request.part["key"])
    return {}


@route("GET", "/v1/projects/{project}/roles/{role}")
def project_role(request: Request) -> Json:
    """Return a role of a project."""
    request.require("iam.roles.get")
    name = f"projects/{request.project.id}/roles/{request.part['role']}"
    if name not in request.project.roles:
        raise GoogleError(404, f"The role named {name} was not found.")
    found: Json = request.project.roles[name]
    return found


@route("GET", "/v1/projects/{project}/roles")
def project_roles(request: Request) -> Json:
    """List the roles of a project."""
    request.require("iam.roles.list")
    return request.page(list(request.project.roles.values()), "roles")


@route("POST", "/v1/projects/{project}/roles")
def create_role(request: Request) -> Json:
    """Create a role of a project."""
    request.require("iam.roles.create")
    name = f"projects/{request.project.id}/roles/{request.field('roleId', str)}"
    if name in request.project.roles:
        raise GoogleError(
            409, f"A role named {name} in projects/{request.project.id} already exists.", "ALREADY_EXISTS"
        )
    shown = {key: value for key, value in request.field("role", dict, {}).items() if key in _OF_A_ROLE}
    request.project.roles[name] = {"name": name, "etag": new_etag()} | shown
    return dict(request.project.roles[name])


@route("GET", "/v1/roles/{role}")
def role(request: Request) -> Json:
    """Return a predefined role."""
    name = f"roles/{request.part['role']}"
    if name not in ROLES:
        raise GoogleError(404, f"The role named {name} was not found.")
    return {"name": name, "etag": "AA==", "stage": "GA"} | ROLES[name]


@route("GET", "/v1/roles")
def roles(request: Request) -> Json:
    """List the predefined roles; their permissions are shown one by one, or in the full view."""
    full = request.query.get("view") == "FULL"
    shown = [
        {"name": name, "etag": "AA==", "stage": "GA"}
        | {key: value for key, value in each.items() if full or key != "includedPermissions"}
        for name, each in ROLES.items()
    ]
    return request.page(shown, "roles")


def _found(request: Request) -> Account:
    """Return the account that an address or a unique id names, in its project or with ``-``."""
    name, project = request.part["email"], request.part["project"]
    for each in request.cloud.accounts.values():
        if name in (each.email, each.unique_id) and project in ("-", each.project):
            return each
    if project != "-":
        request.cloud.project(project)
    raise GoogleError(404, f"Unknown service account: projects/{project}/serviceAccounts/{name}")
