"""private-google-access where the common suite cannot look: what decides over packets, whose operation it is, and what stays."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.cloud import compute_v1
from google.oauth2.credentials import Credentials

from remediation import Ref
from remediation.catalogue.scenarios import load
from remediation.testing.worlds import EmulatedWorld
from runbook_sandbox.google.breaking import hide_nodes
from runbook_sandbox.google.network import Network
from runbooks.private_google_access.network import Subnet, registry_of_google

PATH, ADDRESS = "projects/example-prod/regions/europe-west3/subnetworks/default", "142.250.102.82"
WORDS = ("private-google-access", "--yes")
GATEWAY = "https://www.googleapis.com/compute/v1/projects/example-prod/global/gateways/default-internet-gateway"
OUT = {"name": "out", "destRange": "0.0.0.0/0", "priority": 1000, "nextHopGateway": GATEWAY}


def _subnet(**more: Any) -> Subnet:
    known = {"nats": (), "routes": (OUT,), "firewalls": {}, "zones": ()}
    return Subnet(PATH, False, False, **known | more)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("us-docker.pkg.dev", "pkg.dev"),
        ("gcr.io", "gcr.io"),
        ("eu.gcr.io", "gcr.io"),
        ("docker.io", ""),
        ("quay.io", ""),
        ("ghcr.io", ""),
        ("notpkg.dev", ""),
        ("gcr.io.example.com", ""),
    ],
)
def test_whose_registry_it_is(host: str, domain: str) -> None:
    """Private Google Access leads to Google's own registries only."""
    assert registry_of_google(host) == domain


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        ([OUT], ""),
        ([], "no route leads to 142.250.102.82"),
        ([OUT, OUT | {"name": "vpn", "destRange": "142.250.0.0/15", "nextHopGateway": ""}], "route vpn leads"),
        ([OUT, OUT | {"name": "proxy", "priority": 10, "nextHopGateway": ""}], "route proxy leads"),
        ([OUT | {"destRange": "199.36.153.8/30"}], "no route leads to"),
    ],
)
def test_the_most_special_route_decides(routes: list[Any], says: str) -> None:
    """It has to lead to the internet gateway, through which Google's addresses are reached without leaving Google."""
    found = "; ".join(_subnet(routes=tuple(routes)).obstacles(ADDRESS))
    assert found.startswith(says)
    assert bool(found) == bool(says)


def _rule(action: str, priority: int, ports: list[str] | None = None, **more: Any) -> dict[str, Any]:
    entry = {"IPProtocol": "tcp", "ports": ports} if ports else {"IPProtocol": "all"}
    rule = {"name": f"{action}-{priority}", "direction": "EGRESS", "priority": priority}
    return rule | {"denied" if action == "deny" else "allowed": [entry]} | more


def _policy(action: str, kind: str) -> dict[str, Any]:
    match = {"destIpRanges": ["0.0.0.0/0"], "layer4Configs": [{"ipProtocol": "all"}]}
    rule = {"priority": 1, "direction": "EGRESS", "action": action, "match": match}
    return {"shortName": kind.lower(), "type": kind, "rules": [rule]}


@pytest.mark.parametrize(
    ("own", "policies", "denied"),
    [
        ([], [], ""),
        ([_rule("deny", 1000)], [], "firewall rule deny-1000 denies"),
        ([_rule("deny", 1000), _rule("allow", 900, destinationRanges=["142.250.0.0/15"])], [], ""),
        (
            [_rule("deny", 1000), _rule("allow", 900, destinationRanges=["199.36.153.8/30"])],
            [],
            "firewall rule deny-1000",
        ),
        ([_rule("deny", 1000), _rule("allow", 1000)], [], "firewall rule deny-1000"),
        ([_rule("deny", 1000, ["80", "8000-9000"])], [], ""),
        ([_rule("deny", 1000, ["400-500"])], [], "firewall rule deny-1000"),
        ([_rule("deny", 1000, disabled=True)], [], ""),
        ([_rule("deny", 1000, direction="INGRESS")], [], ""),
        ([_rule("deny", 1000, targetTags=["db"])], [], "firewall rule deny-1000 denies 142.250.102.82:443 to some VMs"),
        ([], [_policy("deny", "HIERARCHY")], "firewall policy hierarchy denies"),
        ([_rule("deny", 1000)], [_policy("allow", "HIERARCHY")], ""),
        ([_rule("deny", 1000)], [_policy("goto_next", "HIERARCHY")], "firewall rule deny-1000"),
        ([_rule("allow", 1000)], [_policy("deny", "NETWORK")], ""),
        ([], [_policy("deny", "NETWORK")], "firewall policy network denies"),
    ],
)
def test_the_first_rule_that_fits_decides(own: list[Any], policies: list[Any], denied: str) -> None:
    """Policies of the organisation first, then the network's own rules, then its policies; deny wins at the same priority."""
    found = _subnet(firewalls={"firewalls": own, "firewallPolicys": policies}).obstacles(ADDRESS)
    assert "; ".join(found).startswith(denied)
    assert bool(found) == bool(denied)


def test_what_could_not_be_read_is_no_obstacle_and_is_told() -> None:
    """A refusal is an open question, never a sign of health or of a fault."""
    unread = _subnet(nats=None, routes=None, firewalls=None, zones=None)
    assert unread.obstacles(ADDRESS) == ()
    assert unread.unread == ("Cloud NAT", "routes", "firewalls", "DNS zones")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedWorld]:
    found = EmulatedWorld(tmp_path_factory.mktemp("world"), secure=False)
    yield found
    found.close()


@pytest.fixture
def network(world: EmulatedWorld) -> Network:
    """A world with private nodes, nothing running yet."""
    world.set_back()
    hide_nodes(world.cloud)
    return world.cloud.projects["example-prod"].network


def _broken(world: EmulatedWorld, name: str = "private-google-access") -> Network:
    world.set_back()
    load()[name].breaks(world)
    _until(world, lambda: "i/o timeout" in json.dumps(world.cluster.store.list("pods")))
    return world.cloud.projects["example-prod"].network


def _until(world: EmulatedWorld, holds: Any) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    world.settle()


def _is_on(network: Network) -> bool:
    return bool(network.subnetwork("europe-west3", "default")["privateIpGoogleAccess"])


def _begun(network: Network) -> list[dict[str, Any]]:
    listed = network.operations.list("europe-west3")
    return [item for item in listed if item["operationType"].endswith("setPrivateIpGoogleAccess")]


def test_google_sees_one_operation_and_the_flag(world: EmulatedWorld, tmp_path: Path) -> None:
    """Google's own library finds the operation done, with the token of the run, and the subnet open."""
    _broken(world)
    store = str(tmp_path / "journal.db")
    assert world.verb(store, "run", *WORDS)["document"]["status"] == "verified"
    options = {"credentials": Credentials(token=world.google.token), "client_options": ClientOptions(api_endpoint=world.google.url)}  # fmt: skip
    where = {"project": "example-prod", "region": "europe-west3"}
    assert compute_v1.SubnetworksClient(**options).get(**where, subnetwork="default").private_ip_google_access
    (done,) = compute_v1.RegionOperationsClient(**options).list(**where)
    assert (done.status.name, done.progress, done.target_link.endswith(PATH)) == ("DONE", 100, True)
    assert done.client_operation_id


@pytest.mark.parametrize(("verb", "ends", "on"), [("resume", "verified", True), ("rollback", "rolled_back", False)])
def test_killed_while_the_operation_runs(world: EmulatedWorld, tmp_path: Path, verb: str, ends: str, on: bool) -> None:
    """Another process finds the operation again, waits for it, and ends in all of the plan or in none; it begins no second one."""
    network, store = _broken(world, "private-google-access-slow"), str(tmp_path / "journal.db")
    points = world.verb(str(tmp_path / "whole.db"), "run", *WORDS)["points"]
    network = _broken(world, "private-google-access-slow")
    sent = next(index for index, name in enumerate(points) if "change.submitted" in name or "operation" in name)
    killed = world.verb(store, "run", *WORDS, point=sent + 1)
    assert "code" not in killed
    assert len(_begun(network)) == 1
    done = world.verb(store, verb, "last", "--yes")
    assert (done["document"]["status"], _is_on(network)) == (ends, on), done["text"]
    assert len(_begun(network)) == (1 if on else 2)


def test_a_way_that_leads_to_a_refusal_stays(world: EmulatedWorld, tmp_path: Path) -> None:
    """The registry answers now, with a 403: unhealthy, said as another fault, and not undone though that was asked beforehand."""
    world.set_back()
    world.tell("hide-nodes")
    world.run("web", f"{world.places['images']}/web:1.4.2", 2)
    _until(world, lambda: "i/o timeout" in json.dumps(world.cluster.store.list("pods")))
    network, store = world.cloud.projects["example-prod"].network, str(tmp_path / "journal.db")
    done = world.verb(store, "run", *WORDS, "--on-unhealthy", "rollback")
    assert (done["code"], done["document"]["status"]) == (5, "unhealthy"), done["text"]
    assert "that is an answer, so the way is there" in done["text"]
    assert "others may depend on it by now" in done["text"]
    assert _is_on(network)
    shown = world.verb(store, "rollback", "last", "--dry-run")["document"]
    assert any("loses Google APIs and registries" in text for text in shown["plan"]["impact"]), shown
    assert world.verb(store, "rollback", "last", "--yes")["document"]["status"] == "rolled_back"
    assert not _is_on(network)


def test_nothing_but_the_flag_is_ever_written(world: EmulatedWorld, tmp_path: Path) -> None:
    """No NAT, no route, no firewall rule, no zone, no address: neither by the run nor by its undo."""
    _broken(world)
    store = str(tmp_path / "journal.db")
    with world.recorded() as requests:
        world.verb(store, "run", *WORDS)
        world.verb(store, "rollback", "last", "--yes")
    written = [item for item in requests if "/compute/" in item]
    assert len(written) == 2
    assert all(item.endswith("/subnetworks/default/setPrivateIpGoogleAccess") for item in written)


def test_somebody_else_switched_it_off_meanwhile(world: EmulatedWorld, tmp_path: Path) -> None:
    """Then it is as before the run already: the rollback has nothing to undo there, and begins no operation."""
    network, store = _broken(world), str(tmp_path / "journal.db")
    assert world.verb(store, "run", *WORDS)["code"] == 0
    network.subnetwork("europe-west3", "default")["privateIpGoogleAccess"] = False
    assert world.verb(store, "rollback", "last", "--yes")["code"] == 0
    assert len(_begun(network)) == 1


def test_pods_that_are_gone_prove_nothing(world: EmulatedWorld, tmp_path: Path) -> None:
    """A later verification without any of the pods that waited is unknown, never green."""
    _broken(world)
    store = str(tmp_path / "journal.db")
    run = world.verb(store, "run", *WORDS)["document"]["run_id"]
    world.delete(Ref("apps/v1", "Deployment", "web", "shop"))
    _until(world, lambda: not world.cluster.store.list("pods"))
    verified = world.verb(store, "verify", run)["document"]
    assert verified["status"] == "unknown", verified
    assert "nobody has made them anew" in json.dumps(verified)


def test_an_operation_of_others_is_waited_for(world: EmulatedWorld, tmp_path: Path) -> None:
    """Resource not ready is no failure: the run waits, looks again, and begins one operation of its own."""
    network, store = _broken(world), str(tmp_path / "journal.db")
    network.operations.seconds = 2.0
    network.operations.begin("compute.subnetworks.patch", PATH.partition("example-prod/")[2], {}, "user:a@example.com")
    network.operations.seconds = 0.0
    done = world.verb(store, "run", *WORDS)
    assert done["document"]["status"] == "verified", done["text"]
    assert len(_begun(network)) == 1


@pytest.mark.parametrize("more", [{"type": "PRIVATE"}, {"sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS"}])
def test_nat_of_another_kind_is_none(world: EmulatedWorld, tmp_path: Path, more: dict[str, str]) -> None:
    """Private NAT, or NAT for other subnets, brings no Private Google Access along."""
    network = _broken(world)
    network.add_nat("europe-west3", **more)
    plan = world.verb(str(tmp_path / "journal.db"), "plan", "private-google-access")["document"]
    assert [change["action"] for change in plan["plan"]["changes"]] == ["update"]


def test_without_coordinates_nobody_guesses(world: EmulatedWorld, tmp_path: Path) -> None:
    """Which subnets the nodes are in only the GKE API knows: the diagnosis says what to add, the plan is refused as misused."""
    _broken(world)
    where = (
        "--kubeconfig",
        str(world.kubeconfig),
        "--context",
        "sandbox",
        "--store",
        str(tmp_path / "j.db"),
        "-o",
        "json",
    )
    done = world.program.run("plan", "private-google-access", *where, env=world.env)
    assert done["code"] == 2
    assert "only the GKE API knows the subnets" in done["text"]
    found = json.loads(world.program.run("diagnose", "private-google-access", *where, env=world.env)["text"])
    assert found["findings"][0]["status"] == "unknown"


def test_nodes_with_addresses_of_their_own_are_no_case_for_it(world: EmulatedWorld, tmp_path: Path) -> None:
    """A time-out there has another cause, and no subnet is touched for it."""
    network = _broken(world)
    for cluster in world.cloud.projects["example-prod"].clusters.values():
        cluster["nodePools"][0]["networkConfig"]["enablePrivateNodes"] = False
    done = world.verb(str(tmp_path / "journal.db"), "run", *WORDS)["document"]
    assert done["status"] == "not_applicable"
    assert _begun(network) == []
