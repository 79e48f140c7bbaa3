"""What a person types at gcloud works on the emulated cloud, and what goes wrong there is told in Google's words."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from runbook_sandbox.google import GoogleCloud, Server
from tests.sandbox.google.conftest import PULLER

pytestmark = pytest.mark.skipif(
    shutil.which("gcloud") is None and os.environ.get("CI") != "true", reason="gcloud is not installed"
)
APIS = ("ARTIFACTREGISTRY", "CLOUDRESOURCEMANAGER", "CONTAINER", "IAM", "SERVICEUSAGE")
AGENT = "service-123456789012@container-engine-robot.iam.gserviceaccount.com"


class Gcloud:
    """gcloud with a configuration of its own."""

    def __init__(self, server: Server, folder: Path) -> None:
        token = folder / "token"
        token.write_text(server.token)
        self.env = os.environ | {
            "CLOUDSDK_CONFIG": str(folder),
            "CLOUDSDK_CORE_PROJECT": "example-prod",
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
        }
        self.env |= {f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api}": server.url + "/" for api in APIS}
        self.env |= {
            f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}": f"{server.url}/{api}/v1/" for api in ("compute", "dns")
        }

    def __call__(self, line: str, form: str = "") -> str:
        """Return what a successful command prints."""
        done = self.run(line, *([f"--format=value({form})"] if form else []))
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def refused(self, line: str) -> str:
        """Return why a command is refused."""
        done = self.run(line)
        assert done.returncode == 1, done.stdout
        return done.stderr

    def run(self, line: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        words = ["gcloud", *line.split(), *more]
        return subprocess.run(words, env=self.env, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def gcloud(served: tuple[GoogleCloud, Server], tmp_path_factory: pytest.TempPathFactory) -> Gcloud:
    return Gcloud(served[1], tmp_path_factory.mktemp("gcloud"))


def test_a_policy_is_changed_whatever_its_etag(gcloud: Gcloud, served: tuple[GoogleCloud, Server]) -> None:
    """Gcloud writes etags in the alphabet for URLs; three of four have a character that differs there."""
    policy = served[0].projects["example-prod"].box.policy
    policy["etag"] = "+/+/+/+/+/+/"
    gcloud(
        "projects add-iam-policy-binding example-prod --role=roles/viewer --condition=None --member=user:a@example.com"
    )
    assert served[0].projects["example-prod"].box.grants("roles/viewer", "user:a@example.com")


def test_a_failed_operation_shows_its_headline(gcloud: Gcloud, served: tuple[GoogleCloud, Server]) -> None:
    """The column that people look at is not empty."""
    served[0].add_operation("example-prod", "UPDATE_CLUSTER", "DeployPatch failed", "example")
    row = gcloud("container operations list", form="operationType,zone,targetLink.basename(),statusMessage,status")
    assert row.split("\t") == ["UPDATE_CLUSTER", "europe-west3", "example", "DeployPatch failed", "DONE\n"]


def test_a_cluster_has_all_that_its_table_shows(gcloud: Gcloud) -> None:
    """Location, address, versions and number of nodes."""
    heading, row = gcloud("container clusters list").splitlines()
    assert "MASTER_IP" in heading
    assert row.split()[:4] == ["example", "europe-west3", "1.33.4-gke.1036000", "203.0.113.10"]
    assert row.split()[4:] == ["e2-standard-4", "1.33.4-gke.1036000", "3", "RUNNING"]


def test_projects_and_their_apis(gcloud: Gcloud, served: tuple[GoogleCloud, Server]) -> None:
    """What the tool recommends to look at, and to switch on."""
    assert gcloud("projects list", form="projectId,projectNumber") == "example-prod\t123456789012\n"
    served[0].enable_service("example-prod", "compute.googleapis.com", enabled=False)
    assert "compute.googleapis.com" not in gcloud("services list", form="config.name").split()
    gcloud("services enable compute.googleapis.com")
    assert served[0].projects["example-prod"].services["compute.googleapis.com"]


def test_service_accounts(gcloud: Gcloud, served: tuple[GoogleCloud, Server]) -> None:
    """Listed, disabled and deleted."""
    assert PULLER in gcloud("iam service-accounts list", form="email").split()
    gcloud(f"iam service-accounts disable {PULLER}")
    assert served[0].accounts[PULLER].disabled
    served[0].add_account("old@example-prod.iam.gserviceaccount.com")
    gcloud("iam service-accounts delete old@example-prod.iam.gserviceaccount.com")
    assert list(served[0].accounts) == [PULLER]


def test_roles_and_service_agents(gcloud: Gcloud) -> None:
    """What a role holds, and which agent an API has."""
    assert "container.clusters.update" in gcloud("iam roles describe roles/container.serviceAgent")
    done = gcloud.run("beta services identity create --service=container.googleapis.com")
    assert AGENT in done.stderr or "You do not currently have this command group installed" in done.stderr


def test_a_subnet_gets_private_google_access(gcloud: Gcloud, served: tuple[GoogleCloud, Server]) -> None:
    """Looked at, switched on and waited for, as the tool recommends it to a person."""
    served[0].projects["example-prod"].network.operations.seconds = 0.5
    subnet = "default --region=europe-west3"
    assert gcloud(f"compute networks subnets describe {subnet}", form="privateIpGoogleAccess") == "False\n"
    assert "Updated [" in gcloud(f"compute networks subnets update {subnet} --enable-private-ip-google-access")
    assert gcloud(f"compute networks subnets describe {subnet}", form="privateIpGoogleAccess") == "True\n"
    begun = gcloud("compute operations list", form="operationType,status,progress")
    assert begun.split() == ["compute.subnetworks.setPrivateIpGoogleAccess", "DONE", "100"]


def test_what_filters_and_names_a_network(gcloud: Gcloud, served: tuple[GoogleCloud, Server]) -> None:
    """Rules, routes, NAT and private zones, in the tables that people read."""
    network = served[0].projects["example-prod"].network
    network.add_nat("europe-west3")
    network.zones.append(
        {"kind": "dns#managedZone", "name": "registry", "dnsName": "pkg.dev.", "visibility": "private"}
    )
    assert "network-firewall" in gcloud("compute networks get-effective-firewalls default")
    assert gcloud("compute routers list").split()[-3:] == ["default-router", "europe-west3", "default"]
    assert "default-internet-gateway" in gcloud("compute routes list")
    assert gcloud("dns managed-zones list", form="dnsName") == "pkg.dev.\n"


def test_nonsense_is_refused_in_googles_words(gcloud: Gcloud) -> None:
    """The member and what is wrong with it."""
    line = "projects add-iam-policy-binding example-prod --role=roles/viewer --condition=None --member="
    assert 'INVALID_ARGUMENT: Policy members must be of the form "<type>:<value>".' in gcloud.refused(line + "nonsense")


def test_a_wrong_token_is_refused(gcloud: Gcloud, tmp_path: Path) -> None:
    """Somebody else of this machine gets nothing."""
    (tmp_path / "token").write_text("wrong")
    stranger = object.__new__(Gcloud)
    stranger.env = gcloud.env | {"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(tmp_path / "token")}
    assert "UNAUTHENTICATED: Request had invalid authentication credentials." in stranger.refused("projects list")
