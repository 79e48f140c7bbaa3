"""What pull-secret asks of the registry before a key is made, and what it makes of a registry's refusal."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_sandbox.google import Fault
from runbook_sandbox.places import PULLER, REPOSITORY
from runbooks.pull_secret.tests.shop import IMAGE, NEW_KEY, Shop

NAME = "projects/example-prod/locations/europe-west3/repositories/shop"
DENIED = f'denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource "{NAME}" (or it may not exist)'


def bind(shop: Shop, *bindings: dict[str, Any]) -> None:
    """Let the repository's policy be this."""
    shop.world.cloud.projects["example-prod"].repositories[REPOSITORY].policy["bindings"] = list(bindings)


def test_no_key_is_made_for_an_account_that_may_not_read(shop: Shop) -> None:
    """The repository grants the account nothing: that is said, with the grant to make, before there is a key."""
    bind(shop, {"role": "roles/artifactregistry.reader", "members": ["user:somebody@example.com"]})
    error = shop("run", *NEW_KEY, "--yes", code=3)["error"]
    assert f"it may not read {NAME}" in error["summary"]
    assert "add-iam-policy-binding shop --project=example-prod --location=europe-west3" in error["next"]
    assert shop.keys == []
    assert shop.secret() is None


def test_a_grant_on_the_project_is_enough(shop: Shop) -> None:
    """What the repository does not grant its project may."""
    bind(shop)
    shop.world.cloud.grant("example-prod", "roles/artifactregistry.writer", f"serviceAccount:{PULLER}")
    assert shop("run", *NEW_KEY, "--yes")["status"] == "verified"


def test_a_repository_that_is_not_there(shop: Shop) -> None:
    """No key opens a repository that does not exist."""
    del shop.world.cloud.projects["example-prod"].repositories[REPOSITORY]
    assert "there is no such repository" in shop("plan", *NEW_KEY, code=3)["error"]["summary"]


@pytest.mark.parametrize(
    ("binding", "why"),
    [
        ({"role": "roles/artifactregistry.reader", "members": ["group:pullers@example.com"]}, "group:pullers@example.com"),
        ({"role": "projects/example-prod/roles/puller", "members": [f"serviceAccount:{PULLER}"]}, "roles/puller"),
        ({"role": "roles/artifactregistry.reader", "members": [f"serviceAccount:{PULLER}"],
          "condition": {"title": "office", "expression": "true"}}, "roles/artifactregistry.reader"),
    ],
)  # fmt: skip
def test_what_the_policies_leave_open_is_said(shop: Shop, binding: dict[str, Any], why: str) -> None:
    """A group, a role of one's own and a condition may hold the right or not; the plan says that nobody looked."""
    bind(shop, binding)
    assert why in unchecked(shop)[f"that {PULLER} may read {NAME}"]


def test_a_policy_that_may_not_be_read_is_said(shop: Shop) -> None:
    """Who may not see the policy is told so, and may go on."""
    shop.faults(None, lambda _, method, path, *__: Fault(403, "no") if "repositories" in path else None)
    assert "cannot be read" in unchecked(shop)[f"that {PULLER} may read {NAME}"]


def test_what_policies_do_not_tell_is_said(shop: Shop) -> None:
    """A grant is no proof: a deny policy, or the upstream of a virtual repository, may say no all the same."""
    told = unchecked(shop)[f"what else may keep {PULLER} from reading {NAME}"]
    assert "deny policies" in told
    assert "virtual repository" in told


def unchecked(shop: Shop) -> dict[str, str]:
    checks = shop("plan", *NEW_KEY)["plan"]["checks"]
    return {item["check"]: item["detail"] for item in checks if item["status"] != "planned"}


def test_the_registry_leaves_open_whether_there_is_such_a_repository(shop: Shop) -> None:
    """Artifact Registry says the same for a repository that is not there: the finding is only possible, and says why."""
    found = waiting(shop, f"failed to authorize: {DENIED}")
    assert (found["status"], found["confidence"]) == ("fault", "possible")
    assert "the same where there is no such repository" in found["summary"]


def test_a_missing_pull_secret_has_an_event_of_its_own(shop: Shop) -> None:
    """The kubelet names the secret that it did not find in an event with another reason; the fix takes that name."""
    waiting(shop, "401 Unauthorized")
    pod = shop.world.cluster.get("pods", "one", "shop")
    assert pod
    text = "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
    shop.world.cluster.record_event(pod, "FailedToRetrieveImagePullSecret", text, "Warning")
    (found,) = shop("diagnose", "pull-secret")["findings"]
    assert "there is no pull secret regcred" in found["summary"]
    (told,) = found["evidence"]
    assert (told.startswith("event of pod shop/one on node-"), told.endswith(f": {text}")) == (True, True)
    assert found["parameters"]["secret"] == "regcred"


def waiting(shop: Shop, message: str) -> Any:
    """Return what a diagnosis says when the only pod without an image has this message."""
    shop.world.cluster.edit("deployments.apps", "web", lambda found: found["spec"].update(replicas=0), "shop")
    shop.world.cluster.settle()
    shop.put_pod("one", image=IMAGE, account="default")
    shop.world.cluster.settle()
    status = {"name": "c", "image": IMAGE, "imageID": "", "ready": False, "restartCount": 0,
              "state": {"waiting": {"reason": "ImagePullBackOff", "message": message}}}  # fmt: skip
    new = {"phase": "Pending", "containerStatuses": [status]}
    shop.world.cluster.edit("pods", "one", lambda item: item.update(status=new), "shop")
    (found,) = shop("diagnose", "pull-secret")["findings"]
    return found
