"""A field of a Google resource that an operation sets, on the emulated Compute Engine."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from google.api_core.exceptions import Forbidden as GoogleForbidden

from remediation.model.changes import Change, Written
from remediation.model.errors import Conflict, Forbidden, NotFound, Occupied, OperationFailed, Refused, Throttled
from remediation.model.long_writes import Underway
from remediation.model.records import from_record, to_record
from remediation.providers.google.client import Google
from remediation.providers.google.errors import translated
from remediation.providers.google.fields import GoogleField
from runbook_sandbox.google import OWNER, GoogleCloud, serve
from runbook_sandbox.google.network import Network

SUBNET = "projects/example-prod/regions/europe-west3/subnetworks/default"
FIELD = GoogleField("compute", "subnetworks", SUBNET, "privateIpGoogleAccess", True, method="setPrivateIpGoogleAccess")
PATCHED = GoogleField("compute", "subnetworks", SUBNET, "logConfig.enable", True, guard="fingerprint")


@pytest.fixture
def cloud() -> GoogleCloud:
    return GoogleCloud()


@pytest.fixture
def network(cloud: GoogleCloud) -> Network:
    return cloud.projects["example-prod"].network


@pytest.fixture
def api(cloud: GoogleCloud) -> Iterator[Any]:
    server = serve(cloud)
    yield SimpleNamespace(google=Google({"google": server.url, "iam": server.grpc_target, "token": server.token}))
    server.close()


def _change(field: GoogleField, api: Any) -> Change:
    before = field.read(api)
    return Change.between(field.address, before, field.desired(before))


def _submit(field: GoogleField, api: Any, change: Change, token: str = "") -> str:
    return field.submit(api, change, "run", token or str(uuid4()))


@pytest.mark.parametrize("field", [FIELD, PATCHED])
def test_a_field_is_set_and_put_back(api: Any, field: GoogleField) -> None:
    """By a method of its own or by a patch; nothing else of the resource changes, and the reverse is exact."""
    subnet = lambda: api.google.get("compute", f"/compute/v1/{SUBNET}")  # noqa: E731 - one request, asked again
    beginning, change = subnet(), _change(field, api)
    assert (field.plans(change), field.foreign(change)) == (True, [])
    done = field.poll(api, _submit(field, api, change))
    assert isinstance(done, Written)
    assert done.after == change.after
    field.poll(api, _submit(field, api, change.reverse()))
    volatile = {"fingerprint", "logConfig"}
    assert {k: v for k, v in subnet().items() if k not in volatile} == {k: v for k, v in beginning.items() if k not in volatile}  # fmt: skip
    assert field.read(api) == change.before


def test_progress_is_told_until_the_operation_ends(api: Any, network: Network) -> None:
    """In the API's word, with its own percentage."""
    network.operations.seconds = 0.5
    handle = _submit(FIELD, api, _change(FIELD, api))
    assert handle.startswith("projects/example-prod/regions/europe-west3/operations/operation-")
    told = FIELD.poll(api, handle)
    assert isinstance(told, Underway)
    assert told.state in ("PENDING", "RUNNING")
    while isinstance(told := FIELD.poll(api, handle), Underway):
        assert 0 <= (told.percent or 0) <= 100
    assert told.after == {"privateIpGoogleAccess": True}


def test_a_lost_answer_is_found_by_its_token(api: Any, network: Network) -> None:
    """Another process finds the operation, asks with the same token, and begins none."""
    network.operations.seconds = 5.0
    token, change = str(uuid4()), _change(FIELD, api)
    handle = _submit(FIELD, api, change, token)
    assert FIELD.find(api, change, token, 0.0) == handle == _submit(FIELD, api, change, token)
    assert FIELD.find(api, change, str(uuid4()), 0.0) is None


def test_a_resource_that_is_busy_is_waited_for(api: Any, network: Network) -> None:
    """The reason decides: the status is that of a bad request."""
    network.operations.seconds = 5.0
    change = _change(FIELD, api)
    _submit(FIELD, api, change)
    with pytest.raises(Occupied, match="is not ready"):
        _submit(FIELD, api, change)


def test_who_was_slower_begins_nothing(api: Any, network: Network) -> None:
    """The field was set by somebody else, or the fingerprint is an old one."""
    change, patch = _change(FIELD, api), _change(PATCHED, api)
    network.subnetwork("europe-west3", "default").update(privateIpGoogleAccess=True, logConfig={"enable": True})
    for field, late in ((FIELD, change), (PATCHED, patch)):
        with pytest.raises(Conflict):
            _submit(field, api, late)
    assert network.operations.list("europe-west3") == []


def test_an_operation_that_fails_says_why(api: Any, network: Network) -> None:
    """In Google's words, and how to look at it."""
    network.operations.error = {"code": "INTERNAL_ERROR", "message": "Internal error. Please try again."}
    with pytest.raises(OperationFailed, match=r"INTERNAL_ERROR: Internal error\.") as failed:
        FIELD.poll(api, _submit(FIELD, api, _change(FIELD, api)))
    assert "gcloud compute operations describe operation-" in str(failed.value.next[0])
    assert FIELD.left(api, _change(FIELD, api)) is None


def test_an_operation_of_another_project_or_resource_is_not_ours(api: Any) -> None:
    """A record that names one would pass for a change that is made."""
    handle = _submit(FIELD, api, _change(FIELD, api))
    name = handle.rpartition("/")[2]
    for other in (
        handle.replace("example-prod", "example-shop"),
        f"../{name}",
        f"projects/example-prod/global/operations/{name}",
    ):
        with pytest.raises(NotFound):
            FIELD.poll(api, other)
    neighbour = GoogleField(**{**vars(FIELD), "resource": SUBNET.replace("default", "other")})
    with pytest.raises(NotFound, match="is no operation on"):
        neighbour.poll(api, handle)
    assert isinstance(FIELD.poll(api, handle), Written)


def test_what_is_not_there(api: Any) -> None:
    """A resource that does not exist is not made, and an operation that nobody remembers is not found."""
    absent = GoogleField("compute", "subnetworks", SUBNET.replace("default", "absent"), "privateIpGoogleAccess", True)
    assert absent.read(api) is None
    with pytest.raises(Refused, match="compute has no projects/example-prod/regions/europe-west3/subnetworks/absent"):
        absent.desired(None)
    with pytest.raises(NotFound):
        FIELD.poll(api, SUBNET.replace("subnetworks/default", "operations/operation-1"))


def test_its_rights_are_enough_and_each_is_needed(api: Any, cloud: GoogleCloud) -> None:
    """What it declares is what Google asks for."""
    declared = {right.resource for right in FIELD.permissions}
    cloud.permissions[OWNER] = set(declared)

    def use() -> None:
        change, token = _change(FIELD, api), str(uuid4())
        FIELD.poll(api, _submit(FIELD, api, change, token))
        FIELD.find(api, change, token, 0.0)
        FIELD.poll(api, _submit(FIELD, api, change.reverse()))

    use()
    for lacking in declared:
        cloud.permissions[OWNER] = declared - {lacking}
        with pytest.raises(Forbidden, match=lacking):
            use()
        cloud.projects["example-prod"].network.subnetwork("europe-west3", "default")["privateIpGoogleAccess"] = False


def test_rights_in_another_project_are_named_and_not_asked_of_the_target(api: Any, cloud: GoogleCloud) -> None:
    """Those in the project of a shared network may be granted on the one subnet, which the project does not show."""
    there = GoogleField(*("compute", "subnetworks", SUBNET, "privateIpGoogleAccess"), value=True, foreign_project=True)
    assert str(there.permissions[0]) == "compute.subnetworks.get in project example-prod"
    cloud.permissions[OWNER] = set()
    assert api.google.missing("example-prod", list(there.permissions)) == []
    assert api.google.missing("example-prod", list(FIELD.permissions)) == list(FIELD.permissions)


def test_it_is_recorded() -> None:
    """A journal gives it back as it was."""
    assert from_record(to_record(FIELD)) == FIELD


def test_asking_too_often_is_no_missing_right() -> None:
    """Compute Engine says so with a 403, whose reason decides."""
    problem = GoogleForbidden("Quota exceeded for quota metric 'Queries'", errors=[{"reason": "rateLimitExceeded"}])
    assert isinstance(translated(problem), Throttled)
    assert isinstance(translated(GoogleForbidden("no", errors=[{"reason": "forbidden"}])), Forbidden)
