"""What Google's clients rely on, asked of the emulation through those clients: REST, gRPC, and the paths that gcloud takes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.cloud import resourcemanager_v3
from google.cloud.iam_admin_v1 import IAMClient
from google.cloud.iam_admin_v1.services.iam.transports import IAMGrpcTransport
from google.iam.v1 import policy_pb2
from google.oauth2.credentials import Credentials

from remediation.providers.google.clock import Clock
from runbook_sandbox.google import OWNER, Fault, GoogleCloud, Server, serve

PROJECT, PULLER = "projects/example-prod", "puller@example-prod.iam.gserviceaccount.com"
ACCOUNT = f"projects/-/serviceAccounts/{PULLER}"
CONDITION = {"title": "office hours", "expression": "request.time.getHours() < 18"}
VIEWER = {"role": "roles/viewer", "members": ["user:a@example.com"]}


@pytest.fixture
def cloud() -> GoogleCloud:
    found = GoogleCloud()
    found.add_account(PULLER)
    found.grant("example-prod", "roles/viewer", "user:a@example.com")
    return found


@pytest.fixture
def server(cloud: GoogleCloud) -> Iterator[Server]:
    found = serve(cloud)
    found.wait_ready()
    yield found
    found.close()


@pytest.fixture
def projects(server: Server) -> Any:
    options = ClientOptions(api_endpoint=server.url)
    return resourcemanager_v3.ProjectsClient(
        credentials=Credentials(token=server.token), transport="rest", client_options=options
    )


@pytest.fixture
def iam(server: Server) -> Any:
    import grpc  # noqa: PLC0415

    channel = Clock().of_grpc(grpc.insecure_channel(server.grpc_target), server.token)
    return IAMClient(transport=IAMGrpcTransport(channel=channel))


def get(projects: Any, version: int = 3) -> Any:
    return projects.get_iam_policy(request={"resource": PROJECT, "options": {"requested_policy_version": version}})


def put(projects: Any, policy: Any) -> Any:
    return projects.set_iam_policy(request={"resource": PROJECT, "policy": policy})


def test_a_policy_is_written_with_the_etag_that_was_read(projects: Any) -> None:
    """Of two who read the same policy, the second to write is told of the first."""
    first, second = get(projects), get(projects)
    first.bindings.append(policy_pb2.Binding(role="roles/editor", members=["user:b@example.com"]))
    assert put(projects, first).etag != second.etag
    with pytest.raises(exceptions.Conflict, match="concurrent policy changes"):
        put(projects, second)
    assert [item.role for item in get(projects).bindings] == ["roles/viewer", "roles/editor"]


def test_conditions_show_at_version_3_only(projects: Any, cloud: GoogleCloud) -> None:
    """Whoever asks for less sees another role name, and may not write such a policy back."""
    cloud.grant("example-prod", "roles/editor", "user:b@example.com", CONDITION)
    assert get(projects).bindings[1].condition.title == "office hours"
    old = get(projects, 1)
    assert old.bindings[1].role.startswith("roles/editor_withcond_")
    with pytest.raises(exceptions.BadRequest, match="cannot be less than"):
        put(projects, old)


def test_a_member_that_does_not_exist(projects: Any) -> None:
    """A service account that nobody made cannot be given a role."""
    policy = get(projects)
    policy.bindings.append(
        policy_pb2.Binding(role="roles/editor", members=["serviceAccount:no@example-prod.iam.gserviceaccount.com"])
    )
    with pytest.raises(exceptions.BadRequest, match="does not exist"):
        put(projects, policy)


def test_reads_can_be_stale_after_a_write(projects: Any, cloud: GoogleCloud) -> None:
    """Like the real policy, which takes its time to be seen."""
    cloud.stale_reads = 2
    policy = get(projects)
    policy.bindings.append(policy_pb2.Binding(role="roles/editor", members=["user:b@example.com"]))
    put(projects, policy)
    assert [len(get(projects).bindings) for _ in range(3)] == [1, 1, 2]


def test_rights_are_asked_and_needed(projects: Any, cloud: GoogleCloud) -> None:
    """TestIamPermissions tells what there is; without it a call is refused."""
    cloud.permissions[OWNER] = {"resourcemanager.projects.getIamPolicy"}
    asked = ["resourcemanager.projects.getIamPolicy", "resourcemanager.projects.setIamPolicy"]
    assert list(projects.test_iam_permissions(resource=PROJECT, permissions=asked).permissions) == asked[:1]
    with pytest.raises(exceptions.Forbidden):
        put(projects, get(projects))


def test_a_project_that_does_not_exist_is_forbidden(projects: Any) -> None:
    """Google does not tell whether it exists."""
    with pytest.raises(exceptions.Forbidden, match="or it may not exist"):
        projects.get_project(name="projects/nowhere")


def test_keys_are_shown_once_and_limited_to_ten(iam: Any) -> None:
    """The private part comes with the creation only; the eleventh key is refused; a deleted one is gone."""
    made = [iam.create_service_account_key(name=ACCOUNT) for _ in range(10)]
    assert json.loads(made[0].private_key_data)["client_email"] == PULLER
    with pytest.raises(exceptions.ResourceExhausted):
        iam.create_service_account_key(name=ACCOUNT)
    listed = iam.list_service_account_keys(name=ACCOUNT).keys
    assert {key.name for key in listed} == {key.name for key in made}
    assert not any(key.private_key_data for key in listed)
    iam.disable_service_account_key(name=made[0].name)
    assert iam.get_service_account_key(name=made[0].name).disabled
    iam.delete_service_account_key(name=made[0].name)
    with pytest.raises(exceptions.NotFound):
        iam.get_service_account_key(name=made[0].name)


def test_an_organisation_may_forbid_keys(iam: Any, cloud: GoogleCloud) -> None:
    """The constraint is named, as Google does."""
    cloud.keys_forbidden = True
    with pytest.raises(exceptions.FailedPrecondition, match="disableServiceAccountKeyCreation"):
        iam.create_service_account_key(name=ACCOUNT)


@pytest.mark.parametrize("code", [403, 404, 429, 500, 503])
def test_faults_reach_the_clients_as_googles_errors(projects: Any, cloud: GoogleCloud, code: int) -> None:
    """Each status becomes the exception of its class."""
    cloud.faults = lambda *_: Fault(code)
    with pytest.raises(exceptions.from_http_status(code, "").__class__):
        projects.get_project(name=PROJECT, retry=None)


def test_state_can_be_kept_and_brought_back(projects: Any, iam: Any, cloud: GoogleCloud) -> None:
    """What was dumped and loaded is the same cloud, keys and etags included."""
    cloud.add_cluster("example-prod", "europe-west3", "example")
    key = iam.create_service_account_key(name=ACCOUNT).name
    etag, kept = get(projects).etag, json.loads(json.dumps(cloud.dump()))
    iam.delete_service_account_key(name=key)
    put(projects, get(projects))
    cloud.load(kept)
    assert get(projects).etag == etag
    assert iam.get_service_account_key(name=key).name == key


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/v1/projects/example-prod", None, "projectNumber"),
        ("/v1/projects/example-prod:getIamPolicy", {}, "etag"),
        ("/v1/projects/example-prod/services/container.googleapis.com", None, "state"),
        ("/v1/projects/example-prod/locations/-/clusters", None, "clusters"),
        (f"/v1/projects/example-prod/serviceAccounts/{PULLER}", None, "uniqueId"),
        (f"/v1/projects/example-prod/serviceAccounts/{PULLER}/keys", None, "keys"),
    ],
)
def test_the_paths_that_gcloud_takes(server: Server, cloud: GoogleCloud, path: str, body: Any, key: str) -> None:
    """With ``api_endpoint_overrides`` gcloud asks these."""
    cloud.add_cluster("example-prod", "europe-west3", "example")
    cloud.account(PULLER).create_key(forbidden=False)
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        server.url + path, data, {"Content-Type": "application/json", "Authorization": f"Bearer {server.token}"}
    )
    with urllib.request.urlopen(request) as answer:
        assert key in json.load(answer)
