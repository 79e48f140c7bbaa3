"""Google's own library and gcloud on the emulated Compute Engine: both have to take it for the real one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest, Forbidden, NotFound
from google.cloud import compute_v1
from google.oauth2.credentials import Credentials

from runbook_sandbox.google import OWNER, GoogleCloud, Server, serve

PROJECT, REGION = "example-prod", "europe-west3"
SUBNET = {"project": PROJECT, "region": REGION, "subnetwork": "default"}
ON = compute_v1.SubnetworksSetPrivateIpGoogleAccessRequest(private_ip_google_access=True)


@pytest.fixture
def cloud() -> Iterator[tuple[GoogleCloud, Server]]:
    found = GoogleCloud()
    server = serve(found)
    yield found, server
    server.close()


@pytest.fixture
def client(cloud: tuple[GoogleCloud, Server]) -> Any:
    """Make a client of Google's library, by its name."""

    def make(name: str) -> Any:
        options = ClientOptions(api_endpoint=cloud[1].url)
        return getattr(compute_v1, name)(credentials=Credentials(token=cloud[1].token), client_options=options)

    return make


def _set(client: Any, **more: Any) -> Any:
    request = {**SUBNET, "subnetworks_set_private_ip_google_access_request_resource": ON, **more}
    return client("SubnetworksClient").set_private_ip_google_access_unary(request=request, retry=None)


def _flag(client: Any) -> bool:
    return bool(client("SubnetworksClient").get(**SUBNET).private_ip_google_access)


def test_an_operation_is_pending_then_runs_then_is_done(client: Any, cloud: tuple[GoogleCloud, Server]) -> None:
    """The subnet changes when it ends and not before; progress never falls."""
    cloud[0].projects[PROJECT].network.operations.seconds = 1.0
    begun = _set(client)
    assert (begun.status.name, begun.progress, _flag(client)) == ("PENDING", 0, False)
    assert begun.target_link.endswith(f"/projects/{PROJECT}/regions/{REGION}/subnetworks/default")
    seen = []
    while not seen or seen[-1].status.name != "DONE":
        seen.append(client("RegionOperationsClient").get(project=PROJECT, region=REGION, operation=begun.name))
        time.sleep(0.05)
    assert list(dict.fromkeys(item.status.name for item in seen)) in (
        ["PENDING", "RUNNING", "DONE"],
        ["RUNNING", "DONE"],
    )
    assert [item.progress for item in seen] == sorted(item.progress for item in seen)
    assert (seen[-1].progress, bool(seen[-1].error.errors), _flag(client)) == (100, False, True)


def test_waiting_is_one_request_and_keeps_nobody_else(client: Any, cloud: tuple[GoogleCloud, Server]) -> None:
    """The answer comes when the operation has ended, not a time-out later."""
    cloud[0].projects[PROJECT].network.operations.seconds = 0.4
    begun, started = _set(client), time.monotonic()
    done = client("RegionOperationsClient").wait(project=PROJECT, region=REGION, operation=begun.name)
    assert (done.status.name, time.monotonic() - started < 5) == ("DONE", True)


def test_the_same_request_id_is_the_same_operation(client: Any, cloud: tuple[GoogleCloud, Server]) -> None:
    """Who was not answered asks again, and finds what the first request has begun; it is shown with the id."""
    cloud[0].projects[PROJECT].network.operations.seconds = 5.0
    token = str(uuid4())
    first, again = _set(client, request_id=token), _set(client, request_id=token)
    assert (first.name, first.client_operation_id) == (again.name, token)
    listed = client("RegionOperationsClient").list(
        request={"project": PROJECT, "region": REGION, "filter": f'clientOperationId = "{token}"'}
    )
    assert [item.name for item in listed] == [first.name]
    with pytest.raises(BadRequest, match="Must be a valid UUID"):
        _set(client, request_id="again")


def test_a_second_operation_finds_the_subnet_not_ready(client: Any, cloud: tuple[GoogleCloud, Server]) -> None:
    """The reason says so; the status of HTTP is that of a bad request."""
    cloud[0].projects[PROJECT].network.operations.seconds = 5.0
    _set(client)
    with pytest.raises(BadRequest, match="is not ready") as refused:
        _set(client)
    assert [item["reason"] for item in refused.value.errors] == ["resourceNotReady"]


def test_an_operation_that_fails_changes_nothing(client: Any, cloud: tuple[GoogleCloud, Server]) -> None:
    """It is done, and has errors."""
    cloud[0].projects[PROJECT].network.operations.error = {"code": "INTERNAL_ERROR", "message": "Internal error."}
    done = _set(client)
    assert (done.status.name, done.error.errors[0].code, _flag(client)) == ("DONE", "INTERNAL_ERROR", False)


def test_what_is_asked_about_a_network(client: Any, cloud: tuple[GoogleCloud, Server]) -> None:
    """Routes, routers with their NAT, firewall rules and those that come from above."""
    network = cloud[0].projects[PROJECT].network
    network.add_nat(REGION)
    rule = {"priority": 10, "direction": "EGRESS", "action": "deny", "match": {"destIpRanges": ["199.36.153.8/30"], "layer4Configs": [{"ipProtocol": "all"}]}}  # fmt: skip
    network.policies["default"] = [{"name": "1", "shortName": "org", "type": "HIERARCHY", "rules": [rule]}]
    (router,) = client("RoutersClient").list(project=PROJECT, region=REGION)
    assert (router.nats[0].type_, router.nats[0].source_subnetwork_ip_ranges_to_nat) == ("PUBLIC", "ALL_SUBNETWORKS_ALL_IP_RANGES")  # fmt: skip
    (way,) = client("RoutesClient").list(project=PROJECT)
    assert way.next_hop_gateway.endswith("/default-internet-gateway")
    assert client("NetworksClient").get(project=PROJECT, network="default").auto_create_subnetworks
    assert [item.name for item in client("FirewallsClient").list(project=PROJECT)] == ["default-allow-internal"]
    effective = client("NetworksClient").get_effective_firewalls(project=PROJECT, network="default")
    assert effective.firewall_policys[0].rules[0].match.dest_ip_ranges == ["199.36.153.8/30"]


@pytest.mark.parametrize(
    ("permission", "kind"),
    [("compute.subnetworks.get", Forbidden), ("compute.subnetworks.setPrivateIpGoogleAccess", Forbidden)],
)
def test_each_method_wants_its_permission(
    client: Any, cloud: tuple[GoogleCloud, Server], permission: str, kind: type[Exception]
) -> None:
    """What is missing is named, with the reason that clients look at."""
    cloud[0].permissions[OWNER] = {"compute.regionOperations.get"}
    with pytest.raises(kind, match=f"Required '{permission}' permission for 'projects/{PROJECT}/regions") as refused:
        _flag(client) if permission.endswith(".get") else _set(client)
    assert refused.value.errors[0]["reason"] == "forbidden"


def test_what_is_not_there_or_switched_off(client: Any, cloud: tuple[GoogleCloud, Server]) -> None:
    """Both are told in Google's words."""
    with pytest.raises(NotFound, match=f"'projects/{PROJECT}/regions/{REGION}/subnetworks/absent' was not found"):
        client("SubnetworksClient").get(**SUBNET | {"subnetwork": "absent"})
    cloud[0].enable_service(PROJECT, "compute.googleapis.com", enabled=False)
    with pytest.raises(Forbidden, match="has not been used in project") as refused:
        _flag(client)
    assert refused.value.reason == "SERVICE_DISABLED"


def test_the_state_survives_the_process(cloud: tuple[GoogleCloud, Server]) -> None:
    """Also an operation that runs: it ends when it would have ended."""
    network = cloud[0].projects[PROJECT].network
    network.operations.seconds = 0.2
    path = f"regions/{REGION}/subnetworks/default"
    network.operations.begin(
        "compute.subnetworks.setPrivateIpGoogleAccess", path, {"privateIpGoogleAccess": True}, OWNER
    )
    later = GoogleCloud()
    later.load(cloud[0].dump())
    assert not later.projects[PROJECT].network.subnetwork(REGION, "default")["privateIpGoogleAccess"]
    time.sleep(0.25)
    assert later.projects[PROJECT].network.subnetwork(REGION, "default")["privateIpGoogleAccess"]
