"""The answers of the emulated REST APIs, asked as Google's own session asks them."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.auth.transport.requests import AuthorizedSession
from google.cloud.iam_admin_v1 import IAMClient
from google.cloud.iam_admin_v1.services.iam.transports import IAMGrpcTransport
from google.oauth2.credentials import Credentials

from remediation.providers.google.clock import Clock
from runbook_sandbox.google import GoogleCloud, Server
from runbook_sandbox.listening import MOST_BYTES
from tests.sandbox.google.conftest import PULLER

PROJECT = "/v1/projects/example-prod"
ACCOUNT = f"{PROJECT}/serviceAccounts/{PULLER}"
KEYS = ("create", "list", "get", "disable", "enable", "delete")


class Asking:
    """A session of a caller."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.session = url, AuthorizedSession(Credentials(token=token))

    def __call__(self, method: str, path: str, body: Any = None, code: int = 200) -> Any:
        answer = self.session.request(method, self.url + path, json=body)
        assert answer.status_code == code, answer.text
        return answer.json() if code == 200 else answer.json()["error"]


@pytest.fixture
def ask(served: tuple[GoogleCloud, Server]) -> Asking:
    return Asking(served[1].url, served[1].token)


@pytest.fixture
def visitor(served: tuple[GoogleCloud, Server]) -> Asking:
    """Somebody who may nothing."""
    served[0].tokens["visitor"] = "user:visitor@example.com"
    served[0].permissions["user:visitor@example.com"] = set()
    return Asking(served[1].url, "visitor")


def test_without_a_token_nobody_learns_anything(served: tuple[GoogleCloud, Server]) -> None:
    """Over REST and gRPC alike; nor is there a place that hands tokens out."""
    import requests  # noqa: PLC0415 - the plain library is the stranger here

    for path in (PROJECT, "/nowhere", "/token"):
        error = requests.post(served[1].url + path, json={}, timeout=10).json()["error"]
        assert (error["code"], error["status"]) == (401, "UNAUTHENTICATED")
        assert error["details"][0]["reason"] == "CREDENTIALS_MISSING"
    served[1].wait_ready()
    client = IAMClient(transport=IAMGrpcTransport(channel=grpc.insecure_channel(served[1].grpc_target)))
    with pytest.raises(exceptions.Unauthenticated):
        client.list_service_account_keys(name=f"projects/-/serviceAccounts/{PULLER}")


@pytest.mark.parametrize("verb", KEYS)
def test_rights_for_keys_are_needed(served: tuple[GoogleCloud, Server], visitor: Asking, verb: str) -> None:
    """Whoever lacks one is told which; over gRPC too."""
    key = served[0].account(PULLER).create_key(forbidden=False)["name"].rpartition("/")[2]
    method, path = {
        "create": ("POST", "/keys"),
        "list": ("GET", "/keys"),
        "get": ("GET", f"/keys/{key}"),
        "delete": ("DELETE", f"/keys/{key}"),
    }.get(verb, ("POST", f"/keys/{key}:{verb}"))
    wanted = f"Permission 'iam.serviceAccountKeys.{verb}' denied on resource"
    assert wanted in visitor(method, ACCOUNT + path, None if method != "POST" else {}, 403)["message"]
    served[1].wait_ready()
    channel = Clock().of_grpc(grpc.insecure_channel(served[1].grpc_target), "visitor")
    client = IAMClient(transport=IAMGrpcTransport(channel=channel))
    name = f"projects/-/serviceAccounts/{PULLER}"
    call = getattr(client, f"{verb}_service_account_key" + ("s" if verb == "list" else ""))
    with pytest.raises(exceptions.PermissionDenied, match=wanted):
        call(name=name if verb in ("create", "list") else f"{name}/keys/{key}")
    served[0].account(PULLER).delete_key(key)


@pytest.mark.parametrize("body", [{}, {"policy": None}, {"policy": []}, {"policy": {"bindings": {}}}, [], "x"])
def test_a_body_that_makes_no_sense_is_an_answer(ask: Asking, body: Any) -> None:
    """Not a lost connection."""
    error = ask("POST", f"{PROJECT}:setIamPolicy", body, 400)
    assert error["status"] == "INVALID_ARGUMENT"


def test_a_body_has_a_limit(ask: Asking) -> None:
    """What is too large is not read."""
    error = ask("POST", f"{PROJECT}:setIamPolicy", {"policy": "x" * MOST_BYTES}, 413)
    assert error["message"].startswith("Request payload size exceeds the limit")


@pytest.mark.parametrize(
    ("member", "says"),
    [
        ("nonsense", 'Policy members must be of the form "<type>:<value>".'),
        ("user:", 'Policy members must be of the form "<type>:<value>".'),
        ("foo:a@example.com", "The member foo:a@example.com is of an unknown type."),
        ("allUsers", "Member allUsers is invalid due to membership type restrictions on the resource."),
        ("user:nobody", "User nobody does not exist."),
        (f"user:{PULLER}", 'is of type "serviceAccount". Please set the type prefix to be "serviceAccount:".'),
        ("serviceAccount:a@example.com", 'Account a@example.com is of type "user".'),
        ("serviceAccount:no@example-prod.iam.gserviceaccount.com", "Service account no@example-prod"),
        (7, 'Policy members must be of the form "<type>:<value>".'),
    ],
)
def test_members_that_cannot_be_are_refused(ask: Asking, member: Any, says: str) -> None:
    """The policy stays as it is."""
    before = ask("POST", f"{PROJECT}:getIamPolicy", {})
    policy = before | {"bindings": [{"role": "roles/viewer", "members": [member]}]}
    error = ask("POST", f"{PROJECT}:setIamPolicy", {"policy": policy}, 400)
    assert error["status"] == "INVALID_ARGUMENT"
    assert says in error["message"]
    assert ask("POST", f"{PROJECT}:getIamPolicy", {}) == before


def test_members_that_can_be_are_taken(ask: Asking) -> None:
    """Every form of the documentation."""
    members = [
        "user:a@example.com", "group:b@example.com", "domain:example.com", f"serviceAccount:{PULLER}",
        "serviceAccount:example-prod.svc.id.goog[shop/web]", f"deleted:serviceAccount:{PULLER}?uid=123456789012345678901",
        "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/p/subject/s",
        "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/p/*",
        "serviceAccount:123456789012-compute@developer.gserviceaccount.com", "projectViewer:example-prod",
    ]  # fmt: skip
    policy = ask("POST", f"{PROJECT}:getIamPolicy", {}) | {"bindings": [{"role": "roles/viewer", "members": members}]}
    assert ask("POST", f"{PROJECT}:setIamPolicy", {"policy": policy})["bindings"][0]["members"] == members


@pytest.mark.parametrize("etag", ["+/+/+/+/+/+/", "-_-_-_-_-_-_"])
def test_an_etag_is_the_same_in_both_alphabets(ask: Asking, served: tuple[GoogleCloud, Server], etag: str) -> None:
    """Gcloud answers with the one for URLs; the bytes are what counts."""
    policy = ask("POST", f"{PROJECT}:getIamPolicy", {})
    served[0].projects["example-prod"].box.policy["etag"] = "+/+/+/+/+/+/"
    assert ask("POST", f"{PROJECT}:setIamPolicy", {"policy": policy | {"etag": etag}})["etag"] != etag
    assert ask("POST", f"{PROJECT}:setIamPolicy", {"policy": policy | {"etag": etag}}, 409)["status"] == "ABORTED"


def test_a_typical_cluster(ask: Asking, served: tuple[GoogleCloud, Server]) -> None:
    """What gcloud shows in its table is there; the range of the nodes is not, as in most real clusters."""
    found = ask("GET", f"{PROJECT}/locations/europe-west3/clusters/example")
    assert {"currentNodeVersion", "currentNodeCount", "endpoint", "zone", "nodePools", "locations"} <= found.keys()
    assert "nodeIpv4CidrBlock" not in str(found)
    served[0].add_operation("example-prod", "UPDATE_CLUSTER", "DeployPatch failed", "example")
    operation = ask("GET", f"{PROJECT}/locations/-/operations")["operations"][0]
    assert operation["statusMessage"] == operation["error"]["message"] == "DeployPatch failed"
    assert operation["targetLink"].endswith("/clusters/example")


@pytest.mark.parametrize(
    ("method", "path", "body", "key"),
    [
        ("GET", "/v1/projects", None, "projects"),
        ("GET", "/v3/projects:search", None, "projects"),
        ("GET", f"{PROJECT}/services?filter=state:ENABLED", None, "services"),
        ("POST", f"{PROJECT}/services/compute.googleapis.com:enable", {}, "done"),
        ("POST", f"{PROJECT}/services:batchEnable", {"serviceIds": ["compute.googleapis.com"]}, "response"),
        ("POST", "/v1beta1/projects/example-prod/services/container.googleapis.com:generateServiceIdentity", {}, "response"),
        ("GET", f"{PROJECT}/serviceAccounts", None, "accounts"),
        ("GET", "/v1/roles/container.serviceAgent", None, "includedPermissions"),
        ("POST", f"{PROJECT}/roles", {"roleId": "runbook", "role": {"title": "Runbook"}}, "name"),
        ("GET", f"{PROJECT}/roles/runbook", None, "title"),
        ("GET", f"{PROJECT}/locations/europe-west3/repositories/shop:getIamPolicy", None, "etag"),
    ],
)  # fmt: skip
def test_what_is_recommended_is_there(
    ask: Asking, visitor: Asking, method: str, path: str, body: Any, key: str
) -> None:
    """Each answers, and each asks for its right."""
    assert key in ask(method, path, body)
    if path.startswith(PROJECT) or "v1beta1" in path:
        assert "denied on resource" in visitor(method, path, body, 403)["message"]


def test_a_service_account_from_its_creation_to_its_end(ask: Asking) -> None:
    """Created, disabled, enabled, deleted; then it is gone."""
    made = ask("POST", f"{PROJECT}/serviceAccounts", {"accountId": "new-one", "serviceAccount": {"displayName": "New"}})
    path = f"{PROJECT}/serviceAccounts/{made['email']}"
    assert (made["displayName"], "disabled" in made) == ("New", False)
    ask("POST", f"{path}:disable", {})
    assert ask("GET", path)["disabled"] is True
    ask("POST", f"{path}:enable", {})
    ask("DELETE", path)
    assert ask("GET", path, None, 404)["status"] == "NOT_FOUND"
    error = ask("POST", f"{PROJECT}/serviceAccounts", {"accountId": "x"}, 400)
    assert error["message"].startswith("The account ID does not have a length between 6 and 30")


def test_lists_come_in_pages(ask: Asking) -> None:
    """Each page names the next."""
    first = ask("GET", f"{PROJECT}/services?pageSize=3")
    second = ask("GET", f"{PROJECT}/services?pageSize=100&pageToken={first['nextPageToken']}")
    assert len(first["services"]) == 3
    assert "nextPageToken" not in second
    assert not {each["name"] for each in first["services"]} & {each["name"] for each in second["services"]}
