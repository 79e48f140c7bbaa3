"""container-service-agent through Google's own clients, on emulated APIs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runbook_sandbox.google import OWNER, Fault, GoogleCloud, Server
from tests.running import Cli, google_env

ROLE = "roles/container.serviceAgent"
MEMBER = "serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com"
RUN = ("run", "container-service-agent", "--project", "example-prod", "--yes")
CONDITION = {"title": "office hours", "expression": "request.time.getHours() < 18"}


@pytest.fixture
def google(cloud: tuple[GoogleCloud, Server]) -> GoogleCloud:
    return cloud[0]


@pytest.fixture
def cli(tmp_path: Path, cloud: tuple[GoogleCloud, Server]) -> Cli:
    server = cloud[1]
    return Cli(tmp_path, env=google_env(server, tmp_path))


def bindings(google: GoogleCloud) -> list[dict[str, Any]]:
    return list(google.projects["example-prod"].box.policy["bindings"])


def writes(google: GoogleCloud) -> list[str]:
    return [item["path"] for item in google.requests if item["path"].endswith(":setIamPolicy") and item["code"] == 200]


def test_the_whole_loop(cli: Cli, google: GoogleCloud) -> None:
    """The role is granted once, nothing else in the policy moves, and rollback removes that one member only."""
    google.grant("example-prod", ROLE, "user:a@example.com", CONDITION)
    google.grant("example-prod", "roles/viewer", "user:b@example.com")
    before = bindings(google)
    google.add_operation("example-prod", "UPDATE_CLUSTER", "DeployPatch failed")
    found = cli("diagnose", "container-service-agent", "--project", "example-prod").expect(0).json["findings"][0]
    assert found["status"] == "fault"
    assert "DeployPatch failed" in found["evidence"][0]
    assert cli("plan", *RUN[1:4], "--detailed-exitcode").expect(10).json["plan"]["changes"][0]["action"] == "create"
    assert writes(google) == []
    done = cli(*RUN).expect(0)
    assert done.status == "applied"
    assert bindings(google) == [*before, {"role": ROLE, "members": [MEMBER]}]
    assert cli(*RUN).expect(0).status == "already_ok"
    assert len(writes(google)) == 1
    google.grant("example-prod", "roles/editor", "user:later@example.com")
    cli("rollback", done.json["run_id"], "--yes").expect(0)
    assert bindings(google) == [*before, {"role": "roles/editor", "members": ["user:later@example.com"]}]
    google.grant("example-prod", ROLE, MEMBER)
    assert cli("rollback", done.json["run_id"], "--yes").expect(0).status == "rolled_back"
    assert MEMBER in str(bindings(google)), "a second rollback undoes nothing"


def test_a_conditional_grant_is_not_the_role(cli: Cli, google: GoogleCloud) -> None:
    """A grant with a condition does not count, and is not extended."""
    google.grant("example-prod", ROLE, MEMBER, CONDITION)
    cli(*RUN).expect(0)
    assert bindings(google) == [
        {"role": ROLE, "members": [MEMBER], "condition": CONDITION},
        {"role": ROLE, "members": [MEMBER]},
    ]


def test_only_an_operation_is_a_proof(cli: Cli, google: GoogleCloud) -> None:
    """The policy that was just written proves nothing: one operation that fails, and one that ends well, tell."""
    google.add_operation("example-prod", "UPDATE_CLUSTER", "DeployPatch failed")
    done = cli(*RUN).expect(0)
    assert done.status == "applied"
    assert "repeat the one that failed" in done.json["verify"]["checks"][0]["detail"]
    run = done.json["run_id"]
    assert cli("verify", run).expect(5).status == "unknown"
    google.add_operation("example-prod", "UPDATE_CLUSTER", "DeployPatch failed")
    assert cli("verify", run).expect(5).status == "unhealthy"
    google.add_operation("example-prod", "UPDATE_CLUSTER")
    verified = cli("verify", run).expect(0)
    assert verified.status == "verified"
    assert "UPDATE_CLUSTER operation-" in verified.json["verify"]["checks"][0]["detail"]


def test_reads_that_still_show_the_old_policy_are_no_failure(cli: Cli, google: GoogleCloud) -> None:
    """A change takes time to reach every reader."""
    google.stale_reads = 2
    assert cli(*RUN).expect(0).status == "applied"


def test_other_roles_may_be_enough(cli: Cli, google: GoogleCloud) -> None:
    """An agent that has other roles may have what it needs from them: the fault is only probable, and the plan says why."""
    google.grant("example-prod", "roles/editor", MEMBER)
    found = cli("diagnose", "container-service-agent", "--project", "example-prod").expect(0).json["findings"][0]
    assert (found["status"], found["confidence"]) == ("fault", "probable")
    assert "has roles/editor, which may hold the same permissions" in found["summary"]
    checks = cli("plan", *RUN[1:4]).expect(0).json["plan"]["checks"]
    assert any("roles/editor may hold" in item.get("detail", "") for item in checks)


def test_a_project_without_clusters_gets_its_role(cli: Cli, google: GoogleCloud) -> None:
    """Google grants the role with the API; without it the first cluster cannot be made."""
    google.projects["example-prod"].clusters.clear()
    found = cli("diagnose", "container-service-agent", "--project", "example-prod").expect(0).json["findings"][0]
    assert (found["status"], bool(found["fix"])) == ("fault", True)
    done = cli(*RUN).expect(0)
    assert bindings(google) == [{"role": ROLE, "members": [MEMBER]}]
    assert any("no cluster that could tell" in item.get("detail", "") for item in done.json["plan"]["checks"])


def test_newer_clusters_have_a_second_agent(cli: Cli, google: GoogleCloud) -> None:
    """From 1.33 on the nodes have an agent of their own; its role is given back too, and taken away by the rollback."""
    google.grant("example-prod", ROLE, MEMBER)
    pool = {"name": "new", "version": "1.33.4-gke.1036000"}
    google.add_cluster(
        "example-prod", "europe-west1", "other", currentMasterVersion="1.33.4-gke.1036000", nodePools=[pool]
    )
    (found,) = cli("diagnose", "container-service-agent", "--project", "example-prod").expect(0).json["findings"]
    assert "gcp-sa-gkenode.iam.gserviceaccount.com lacks roles/container.defaultNodeServiceAgent" in found["summary"]
    before = bindings(google)
    done = cli(*RUN).expect(0)
    node = {
        "role": "roles/container.defaultNodeServiceAgent",
        "members": [MEMBER.replace("container-engine-robot", "gcp-sa-gkenode")],
    }
    assert bindings(google) == [*before, node]
    cli("rollback", done.json["run_id"], "--yes").expect(0)
    assert bindings(google) == before


def test_shared_vpc_is_looked_at_in_the_other_project(cli: Cli, google: GoogleCloud) -> None:
    """The network is another project's: what the agent lacks there is said with the command, and not changed from here."""
    google.add_project("example-net", "210987654321")
    network = {"networkConfig": {"network": "projects/example-net/global/networks/shared"}}
    google.add_cluster("example-prod", "europe-west1", "other", currentMasterVersion="1.32.9-gke.1000000", **network)
    said = "gcloud projects add-iam-policy-binding example-net --member=" + MEMBER
    findings = cli("diagnose", "container-service-agent", "--project", "example-prod").expect(0).json["findings"]
    assert said in findings[-1]["summary"]
    checks = cli(*RUN).expect(0).json["plan"]["checks"]
    assert any(said in item.get("detail", "") for item in checks)
    assert google.projects["example-net"].box.policy["bindings"] == []
    google.grant("example-net", "roles/container.hostServiceAgentUser", MEMBER)
    assert not any("Shared VPC" in item["check"] for item in cli("plan", *RUN[1:4]).expect(0).json["plan"]["checks"])


def test_a_race_is_read_again(cli: Cli, google: GoogleCloud) -> None:
    """Somebody's concurrent edit of another binding is kept: the policy is read again and written once more."""
    raced = []

    def race(service: str, method: str, path: str, body: dict[str, Any]) -> Fault | None:
        if path.endswith(":setIamPolicy") and not raced:
            raced.append(True)
            google.grant("example-prod", "roles/viewer", "user:racer@example.com")
            google.projects["example-prod"].box.policy["etag"] = "AAAAAAAAAAAA"
        return None

    google.faults = race
    assert cli(*RUN).expect(0).status == "applied"
    assert {"role": "roles/viewer", "members": ["user:racer@example.com"]} in bindings(google)


@pytest.mark.parametrize("close", ["before", "after"])
def test_an_unanswered_write_is_looked_at(cli: Cli, google: GoogleCloud, close: Any) -> None:
    """A connection that breaks around the write ends in exactly one grant."""
    broken: list[str] = []

    def cut(service: str, method: str, path: str, body: dict[str, Any]) -> Fault | None:
        if path.endswith(":setIamPolicy") and not broken:
            broken.append(path)
            return Fault(close=close)
        return None

    google.faults = cut
    assert cli(*RUN).expect(0).status == "applied"
    assert bindings(google) == [{"role": ROLE, "members": [MEMBER]}]


def test_an_agent_that_was_never_made(cli: Cli, google: GoogleCloud) -> None:
    """Google refuses a member that does not exist; what to type is said, with the project."""
    text = f"Service account {MEMBER.partition(':')[2]} does not exist."

    def unknown(service: str, method: str, path: str, body: dict[str, Any]) -> Fault | None:
        return Fault(400, text) if path.endswith(":setIamPolicy") else None

    google.faults = unknown
    error = cli(*RUN).expect(3).json["error"]
    assert "does not exist, so it can have no role" in error["summary"]
    assert "services identity create --service=container.googleapis.com --project=example-prod" in error["next"]


@pytest.mark.parametrize(("code", "exit_code"), [(429, 0), (500, 0), (503, 0), (401, 3), (403, 3)])
def test_faults_of_reads(cli: Cli, google: GoogleCloud, code: int, exit_code: int) -> None:
    """Reads that are throttled or unanswered are repeated; refused ones end the run before anything is written."""
    failed: list[str] = []

    def fail(service: str, method: str, path: str, body: dict[str, Any]) -> Fault | None:
        if code in (401, 403) or path not in failed:
            failed.append(path)
            return (
                Fault(code, headers={"Retry-After": "1"} if code == 429 else {})
                if not path.endswith(":setIamPolicy")
                else None
            )
        return None

    google.faults = fail
    done = cli(*RUN).expect(exit_code)
    assert bool(writes(google)) == (exit_code == 0), done.out


def test_not_applicable(cli: Cli, google: GoogleCloud) -> None:
    """A project without the API has nothing to repair; that is no failure."""
    google.enable_service("example-prod", "container.googleapis.com", enabled=False)
    done = cli(*RUN).expect(0)
    assert (done.status, done.json["run_id"]) == ("not_applicable", None)
    assert "container.googleapis.com is not enabled" in done.json["error"]["summary"]
    assert "not applicable" in cli(*RUN, json_output=False).expect(0).out
    assert writes(google) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [((), "--project is missing"), (("--project", "Bad_Project"), "'Bad_Project' is not a project id")],
)
def test_bad_project(cli: Cli, words: tuple[str, ...], says: str) -> None:
    """A missing or malformed project is one sentence, exit 2."""
    assert says in cli("run", "container-service-agent", *words, "--yes").expect(2).json["error"]["summary"]


def test_missing_permissions_are_named(cli: Cli, google: GoogleCloud) -> None:
    """A caller without setIamPolicy is told so before anything is written."""
    google.permissions[OWNER] = {
        "resourcemanager.projects.get",
        "resourcemanager.projects.getIamPolicy",
        "serviceusage.services.get",
        "container.clusters.list",
    }
    assert "resourcemanager.projects.setIamPolicy" in cli(*RUN).expect(3).json["error"]["summary"]
    assert writes(google) == []
