"""Google's real addresses are asked, and their errors become ours."""

from __future__ import annotations

import pytest
import responses
from google.auth.credentials import AnonymousCredentials

from remediation.model.errors import Forbidden, NotFound, Refused, Unauthorized, Unavailable
from remediation.providers.google.client import Google

SERVICE = "https://serviceusage.googleapis.com/v1/projects/example-prod/services/container.googleapis.com"
CLUSTERS = "https://container.googleapis.com/v1/projects/example-prod/locations/-/clusters"
PROJECT = "https://cloudresourcemanager.googleapis.com/v3/projects/example-prod"


@pytest.fixture
def google() -> Google:
    """The clients with the real addresses and no credentials."""
    found = Google(None)
    found.__dict__["_credentials"] = AnonymousCredentials()
    return found


@responses.activate
def test_real_addresses_are_asked(google: Google) -> None:
    """Each API is asked at its own host, and answers are understood."""
    responses.get(SERVICE, json={"state": "ENABLED"})
    responses.get(CLUSTERS, json={"clusters": [{"name": "example"}]})
    responses.get(PROJECT, json={"name": "projects/123456789012", "projectId": "example-prod", "state": "ACTIVE"})
    assert google.service_enabled("example-prod", "container.googleapis.com")
    assert google.clusters("example-prod") == [{"name": "example"}]
    assert google.project("example-prod") == {"id": "example-prod", "number": "123456789012", "state": "ACTIVE"}


@responses.activate
@pytest.mark.parametrize(("code", "error"), [(401, Unauthorized), (403, Forbidden), (404, NotFound)])
def test_refusals_are_told_apart(google: Google, code: int, error: type[Exception]) -> None:
    """A refusal is not repeated, and keeps Google's sentence."""
    responses.get(SERVICE, status=code, json={"error": {"code": code, "message": "it is so", "status": "X"}})
    with pytest.raises(error):
        google.service_enabled("example-prod", "container.googleapis.com")
    assert len(responses.calls) == 1


@responses.activate
def test_a_busy_api_is_asked_again(google: Google) -> None:
    """A read that was not answered is repeated."""
    responses.get(SERVICE, status=503, json={})
    responses.get(SERVICE, json={"state": "DISABLED"})
    assert not google.service_enabled("example-prod", "container.googleapis.com")


@responses.activate
def test_an_empty_list_of_clusters_proves_nothing_while_a_zone_is_silent(google: Google) -> None:
    """Zones that did not answer are named; a project is not taken for one without clusters."""
    responses.get(CLUSTERS, json={"missingZones": ["europe-west3-a"]})
    with pytest.raises(Unavailable, match="no answer from europe-west3-a"):
        google.clusters("example-prod")
    responses.get(CLUSTERS, json={"missingZones": ["europe-west3-a"], "clusters": [{"name": "example"}]})
    assert google.clusters("example-prod") == [{"name": "example"}]


def test_no_credentials_is_one_sentence() -> None:
    """Without credentials the next command is named."""
    with pytest.raises(Refused, match="no Google credentials") as problem:
        Google(None).clusters("example-prod")
    assert str(problem.value.next[0]) == "gcloud auth application-default login"
