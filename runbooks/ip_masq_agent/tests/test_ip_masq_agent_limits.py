"""What ip-masq-agent refuses, and what it says that it did not prove; on the emulated cluster and cloud."""

from __future__ import annotations

import pytest

from runbook_sandbox.google import GoogleCloud, Server
from tests.catalogue import CONFIG
from tests.masquerade import PLACE, World

RUN = ("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes")


# The configuration


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonMasqueradeCIDRs: [10.0.0.1/8]\nresyncInterval: 60\n", "is not aligned"),
        ("nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 5\n", "resyncInterval is the number 5"),
        ("nonMasqueradeCIDRs: [10.0.0.0/8, fd00::/8]\nresyncInterval: 60\n", "--enable-ipv6"),
        ("nonMasqueradeCIDRs: [10.0.0.0/8]\nnonMasqueradeCIDRs: []\nresyncInterval: 60\n", "write it once"),
    ],
)
def test_what_a_unit_does_not_heal_is_refused(world: World, text: str, says: str) -> None:
    """A repair that the agent would reject, or that would let it do harm, is left to a person, with the command to type."""
    world.put(text)
    error = world.refused()
    assert says in error["summary"]
    assert "-n kube-system edit configmap ip-masq-agent" in error["next"]


def test_a_configuration_that_can_be_repaired_is_to_be_repaired_first(world: World) -> None:
    """A list is not computed from a configuration that the agent rejects; the next command repairs that."""
    world.put(CONFIG.replace("60s", "60"))
    assert "runbook run ip-masq-agent" in world.refused("--masquerade", "10.1.0.0/16")["next"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CONFIG.replace("60s", "1s"), "at least 10s"),
        ("nonMasqueradeCIDRs: [10.0.0.0/8]\n" + CONFIG, "nonMasqueradeCIDRs is written a second time"),
        (CONFIG + "nonMasqueradeCIDRs:\n- 10.0.0.0/16\n", "nonMasqueradeCIDRs is written a second time"),
        ("nonMasqueradeCIDRs: [10.0.0.0/8, 10.0.0.0/8]\n", "list each range once"),
    ],
)
def test_nothing_is_built_on_what_does_harm(world: World, text: str, says: str) -> None:
    """It is a fault, and refused with and without a destination; of two lists the agent takes the last, silently."""
    world.put(text)
    found = world.finding()
    assert found["status"] == "fault"
    assert says in found["evidence"][0]
    for words in ((), ("--masquerade", "10.1.0.0/16")):
        assert says in world.refused(*words)["summary"]


@pytest.mark.parametrize(
    ("text", "says", "left"),
    [
        ("nonMasqueradeCIDRs: [0.0.0.0/0]\n", "only where Cloud NAT serves the pod ranges", "0.0.0.0/5"),
        (CONFIG + "masqLinkLocal: true\n", "link-local destinations outside the node", "10.128.0.0/9"),
    ],
)
def test_what_may_be_meant_is_a_warning(world: World, text: str, says: str, left: str) -> None:
    """Google prescribes 0.0.0.0/0 for Cloud NAT, and today's nodes take no harm from masqLinkLocal: told, never refused."""
    world.put(text)
    found = world.finding()
    assert (found["status"], found["evidence"]) == ("healthy", [found["evidence"][0]])
    assert says in found["evidence"][0]
    assert says in " ".join(world.cli("diagnose", "ip-masq-agent", json_output=False).expect(0).out.split())
    assert says in world.unchecked("--masquerade", "10.1.0.0/16")["present configuration"]
    assert world.cli(*RUN).expect(0).status == "verified"
    assert left in world.text()
    assert "0.0.0.0/0" not in world.text()


def test_a_mixed_fleet_is_told_as_it_is(world: World) -> None:
    """A new node of an agent that rejects its file has the default rules, not none."""
    world.put(CONFIG.replace("60s", "60"))
    assert "new and rebooted nodes have the default rules" in world.finding()["summary"]
    assert world.agents.masquerades("node-1", "8.8.8.8")
    assert not world.agents.masquerades("node-1", "100.64.0.1")


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("config", "nonMasqueradeCIDR: [10.0.0.0/8]\n", "did you mean nonMasqueradeCIDRs?"),
        ("config.yaml", CONFIG, "no key config, so the agent uses its defaults; it has config.yaml"),
    ],
)
def test_settings_that_are_not_read_are_a_fault(world: World, key: str, text: str, says: str) -> None:
    """A wrong key leaves the agent on its defaults without a word in its log, so the diagnosis has to say it."""
    world.put(text, key)
    found = world.finding()
    assert (found["status"], found["confidence"]) == ("fault", "probable")
    assert says in found["evidence"][0]
    assert says in world.refused()["summary"]
    assert says in world.unchecked("--masquerade", "10.1.0.0/16")["present configuration"]


def test_a_key_of_somebody_else_is_no_fault(world: World) -> None:
    """An unknown key beside a good configuration stays evidence."""
    world.put(CONFIG + "team: network\n")
    found = world.finding()
    assert found["status"] == "healthy"
    assert "team is not a key" in found["evidence"][0]


def test_ipv6_needs_an_agent_with_ipv6(world: World) -> None:
    """Without --enable-ipv6 an IPv6 entry is rejected by the agent, and an IPv6 destination is not masqueraded."""
    world.put(CONFIG.replace("- 192.168.0.0/16", "- fd00::/8"))
    found = world.finding()
    assert found["status"] == "fault"
    assert "--enable-ipv6" in found["evidence"][0]
    error = world.refused("--masquerade", "2001:db8::/32")
    assert "an agent without --enable-ipv6 does nothing for 2001:db8::/32" in error["summary"]
    assert "-n kube-system edit daemonset ip-masq-agent" in error["next"]


@pytest.mark.parametrize("flag", ["--enable-ipv6", "--enable-ipv6=true", "-enable-ipv6=1"])
def test_an_agent_with_ipv6_handles_it(world: World, flag: str) -> None:
    """However the flag is written."""
    world.put(CONFIG.replace("- 192.168.0.0/16", "- fd00::/8"), "config", flag)
    assert world.finding()["status"] == "healthy"
    done = world.cli("run", "ip-masq-agent", "--masquerade", "fd00:1::/32", "--yes").expect(0)
    assert done.status == "verified"


def test_an_agent_with_ipv6_switched_off_does_not(world: World) -> None:
    """The value counts, and the last argument wins."""
    world.put(CONFIG, "config", "--enable-ipv6", "--enable-ipv6=false")
    assert "--enable-ipv6" in world.refused("--masquerade", "fd00::/8")["summary"]


# The cluster


def test_a_daemonset_that_waits_for_deletion_is_not_restarted(world: World) -> None:
    """With OnDelete a restart never comes: refused, and --no-restart changes the configuration alone."""
    world.put(CONFIG, updateStrategy={"type": "OnDelete"})
    error = world.refused("--masquerade", "10.1.0.0/16")
    assert "OnDelete" in error["summary"]
    assert "--no-restart" in error["next"]
    assert world.cli(*RUN, "--no-restart").expect(0).status == "verified"
    assert "10.128.0.0/9" in world.text()


def test_an_autopilot_cluster_is_refused(world: World) -> None:
    """There the agent's ConfigMap decides nothing; the nodes' names tell, without the GKE API."""
    world.put(CONFIG)
    node = world.cluster.get("nodes", "node-1") or {}
    copy = {key: node[key] for key in ("apiVersion", "kind", "spec")}
    world.cluster.create(copy | {"metadata": {"name": "gk3-example-pool-1"}})
    assert world.finding()["status"] == "not_applicable"
    assert "egressnatpolicies" in world.refused("--masquerade", "10.1.0.0/16")["next"]


def test_the_gke_api_tells_an_autopilot_cluster_too(world: World, cloud: tuple[GoogleCloud, Server]) -> None:
    """Where the cluster is named."""
    cloud[0].add_cluster("example-prod", "europe-west3", "other", autopilot={"enabled": True})
    world.put(CONFIG)
    assert "Autopilot" in world.refused("--masquerade", "10.1.0.0/16", *PLACE)["summary"]


def test_an_agent_is_not_deployed_where_default_snat_is_disabled(
    world: World, cloud: tuple[GoogleCloud, Server]
) -> None:
    """There pods keep their address towards everything, and an agent would take that away."""
    network = {"defaultSnatStatus": {"disabled": True}}
    cloud[0].add_cluster("example-prod", "europe-west3", "other", networkConfig=network)
    words = ("--masquerade", "10.1.0.0/16", "--deploy-agent")
    for more in (words, words[:2]):
        assert "default SNAT is disabled" in world.refused(*more, *PLACE)["summary"]
    world.put(CONFIG)
    world.cli("plan", "ip-masq-agent", *words, *PLACE).expect(0)


def test_an_agent_is_not_deployed_where_default_snat_is_unknown(world: World) -> None:
    """Only the GKE API tells, so the refusal says how to let it be asked."""
    error = world.refused("--masquerade", "10.1.0.0/16", "--deploy-agent")
    assert "whether default SNAT is on is not known" in error["summary"]
    assert "--project PROJECT --location LOCATION --cluster CLUSTER" in error["next"]


# What is not proven


def test_a_plan_says_what_it_does_not_prove(world: World) -> None:
    """Only a probe shows that pods reach the destination, and the ranges that only GKE knows were not asked."""
    world.put(CONFIG)
    found = world.unchecked("--masquerade", "10.1.125.70/32")
    assert "kubectl run probe" in found["whether pods now reach the destination"]
    assert "10.1.125.70 PORT" in found["whether pods now reach the destination"]
    assert "--cluster" in found["additional pod ranges, subnet range, default SNAT"]


def test_already_ok_says_it_too(world: World) -> None:
    """That the agent masquerades a destination is no proof that pods reach it."""
    world.put(CONFIG)
    done = world.cli("run", "ip-masq-agent", "--masquerade", "8.8.8.0/24", "--yes").expect(0)
    assert done.status == "already_ok"
    assert "kubectl run probe" in str(done.json["plan"]["checks"])
    shown = world.cli("plan", "ip-masq-agent", "--masquerade", "8.8.8.0/24", json_output=False).expect(0)
    assert "kubectl run probe" in " ".join(shown.out.split())


def test_the_gke_api_names_some_ranges_without_addresses(world: World, cloud: tuple[GoogleCloud, Server]) -> None:
    """Additional pod ranges that no node pool uses, and the subnet, are said to be unknown."""
    pools = [{"networkConfig": {"podRange": "pods-2", "podIpv4CidrBlock": "10.40.0.0/20"}}]
    allocation = {"additionalPodRangesConfig": {"podRangeNames": ["pods-2", "pods-3"]}}
    cloud[0].add_cluster("example-prod", "europe-west3", "other", nodePools=pools, ipAllocationPolicy=allocation)
    world.put(CONFIG)
    found = world.unchecked("--masquerade", "10.1.0.0/16", *PLACE)
    assert found["additional pod ranges"] == "the GKE API gives no addresses for pods-3"
    assert "subnet range" in found


def test_nodes_without_pod_ranges_are_told(world: World) -> None:
    """With Calico or the AWS CNI the nodes have no podCIDRs, so the ranges of pods are not protected."""
    world.put(CONFIG)
    assert "pod ranges" not in world.unchecked("--masquerade", "10.1.0.0/16")
    for name in ("node-1", "node-2"):
        world.cluster.edit("nodes", name, lambda node: [node["spec"].pop(key) for key in ("podCIDR", "podCIDRs")])
    found = world.unchecked("--masquerade", "10.1.0.0/16")
    assert "2 of 2 nodes have no podCIDRs" in found["pod ranges"]
