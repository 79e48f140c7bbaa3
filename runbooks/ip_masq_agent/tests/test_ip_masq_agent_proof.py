"""What the agents' logs prove of ip-masq-agent, and how long the proof is waited for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from remediation.model.steps import Verdict
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from runbook_sandbox.kubernetes import Fault, PodOutcome
from runbook_sandbox.kubernetes.requests import Response
from runbooks.ip_masq_agent.config import MasqueradeConfig
from runbooks.ip_masq_agent.proof import AgentsAtDefaults, AgentUsesConfig
from tests.catalogue import CONFIG
from tests.masquerade import World

CONFIG_MAP = ("configmaps", "ip-masq-agent", "kube-system")
RUN = ("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes")


REFUSED = {
    "apiVersion": "v1",
    "kind": "Status",
    "status": "Failure",
    "code": 400,
    "message": 'container "ip-masq-agent" in pod is waiting to start: trying and failing to pull image',
}


class Api:
    """What a check asks."""

    def __init__(self, world: World) -> None:
        self.kubernetes = KubernetesClient(configurations.load(world.cli.options[1], None)[0])


def verdict(world: World, text: str | None) -> Verdict:
    """Ask whether the agents use a configuration."""
    return AgentUsesConfig(MasqueradeConfig.parse(text).digest).ask(Api(world))


def on_node(world: World, path: str) -> str:
    """Return the node of the pod whose log a request is for."""
    return str((world.cluster.get("pods", path.split("/")[-2], "kube-system") or {"spec": {}})["spec"].get("nodeName"))


def logs(world: World) -> list[str]:
    pods = [pod for pod in world.cluster.store.list("pods", "kube-system") if pod["spec"]["nodeName"] == "node-1"]
    log = world.agents.log(pods[0], "") or ""
    return [line.partition("] ")[2] for line in log.splitlines()]


def remove(world: World, *place: str) -> None:
    world.cluster.store.remove(place[0], place[2], place[1])


# What an agent logs


def test_the_emulated_agent_logs_like_the_real_one(world: World) -> None:
    """Each round says what it found; without a file it never says that it uses a configuration; the log only grows."""
    world.put(CONFIG)
    world.cluster.edit(*CONFIG_MAP[:2], lambda found: found["data"].update(config="resyncInterval: 60"), CONFIG_MAP[2])
    remove(world, *CONFIG_MAP)
    found, using, found_again, error, none = logs(world)
    assert found == found_again == 'Config file found at "/etc/config/ip-masq-agent"'
    logged = json.loads(using.removeprefix("Using config: "))
    assert (logged["nonMasqueradeCIDRs"][0], logged["resyncInterval"]) == ("10.0.0.0/8", 60_000_000_000)
    assert error == "Error syncing configuration: json: cannot unmarshal number into Go value of type string"
    assert none == 'No config file found at "/etc/config/ip-masq-agent", using default values'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('resyncInterval: "60"', 'time: missing unit in duration "60"'),
        ("resyncInterval: 60x", 'time: unknown unit "x" in duration "60x"'),
        ("nonMasqueradeCIDRs: [10.0.0.1/8]", 'is not aligned to a CIDR block, ip: "10.0.0.1" network: "10.0.0.0/8"'),
        ("nonMasqueradeCIDRs: [ten]", 'CIDR "ten" could not be parsed, invalid CIDR address: ten'),
        ('nonMasqueradeCIDRs: ["fd00::/8"]', "ipv6 is not enabled, but ipv6 cidr fd00::/8 provided"),
        (
            "cidrLimit: 1\nnonMasqueradeCIDRs: [10.0.0.0/8, 11.0.0.0/8]",
            "up to 1 CIDRs (excluding link-local), but got 2",
        ),
        ("masqLinkLocal: 1", "cannot unmarshal number into Go struct field MasqConfig.masqLinkLocal"),
        ("masqLinkLocal: 1", "of type bool"),
        (
            "nonMasqueradeCIDRs: [7]",
            "cannot unmarshal number into Go struct field MasqConfig.nonMasqueradeCIDRs of type string",
        ),
        ("nonMasqueradeCIDRs: [10.0.0.0/8, null]", 'CIDR "" could not be parsed'),
        ("nonMasqueradeCIDRs: [10.0.0.0/255.0.0.0]", "invalid CIDR address: 10.0.0.0/255.0.0.0"),
        ("nonMasqueradeCIDRs: [10.0.0.0/0.255.255.255]", "invalid CIDR address: 10.0.0.0/0.255.255.255"),
        ("- 10.0.0.0/8", "cannot unmarshal array"),
        ("a: [", "yaml: "),
        ("a: \x07", "yaml: "),
    ],
)
def test_what_the_emulated_agent_rejects_is_a_fault(world: World, text: str, says: str) -> None:
    """Both read the same texts as broken; an agent that rejects its file leaves the rules as they are."""
    world.put(text)
    assert says in logs(world)[-1]
    assert world.finding()["status"] == "fault"
    assert not world.agents.masquerades("node-1", "100.64.0.1")


def test_a_configuration_that_cannot_be_used_is_logged_as_used(world: World) -> None:
    """Right before the error: the agent's own mistake, which must not pass for a proof."""
    world.put(CONFIG)
    text = "nonMasqueradeCIDRs: [10.0.0.0/8]\ncidrLimit: 0\n"
    world.cluster.edit(*CONFIG_MAP[:2], lambda found: found["data"].update(config=text), CONFIG_MAP[2])
    using, error = logs(world)[-2:]
    assert json.loads(using.removeprefix("Using config: "))["nonMasqueradeCIDRs"] == ["10.0.0.0/8"]
    assert error.startswith("Error syncing configuration: the daemon can only accept up to 0 CIDRs")
    found = verdict(world, "nonMasqueradeCIDRs: [10.0.0.0/8]\n")
    assert (found.status, "it rejects its configuration" in found.detail) == ("failing", True)


def test_of_a_key_that_is_there_twice_the_last_counts(world: World) -> None:
    """The agent's reader is not strict and says nothing, so a person has to decide which one is meant."""
    world.put("nonMasqueradeCIDRs: [10.0.0.0/8]\n# later\nnonMasqueradeCIDRs: [10.0.0.0/16]\n")
    assert world.agents.masquerades("node-1", "10.1.0.1")
    for words in ((), ("--masquerade", "10.1.0.0/16")):
        assert "nonMasqueradeCIDRs is written a second time" in world.refused(*words)["summary"]


# What that proves


def test_an_agent_without_a_file_uses_its_defaults_whatever_it_used_before(world: World) -> None:
    """An older line about a configuration is no evidence; the built-in ranges are what counts now."""
    world.put(CONFIG)
    assert verdict(world, CONFIG).status == "ok"
    remove(world, *CONFIG_MAP)
    assert "Using config" in str(logs(world))
    found = verdict(world, CONFIG)
    assert (found.status, found.final) == ("failing", False)
    assert "it finds no configuration file and uses its built-in ranges (2 of 2 agents)" in found.detail
    assert verdict(world, None).status == "ok"


def test_the_built_in_ranges_depend_on_the_agents_arguments(world: World) -> None:
    """Without --nomasq-all-reserved-ranges they are the private ones, which is another configuration."""
    world.put(None, "config", "--nomasq-all-reserved-ranges=false")
    assert verdict(world, None).status == "failing"
    assert verdict(world, CONFIG).status == "ok"


def test_an_interval_with_a_fraction_is_recognised(world: World) -> None:
    """The agent logs nanoseconds."""
    text = CONFIG.replace("60s", "1m30.5s")
    world.put(text)
    assert verdict(world, text).status == "ok"
    assert verdict(world, CONFIG).status == "failing"


def test_every_node_that_should_have_an_agent_is_counted(world: World) -> None:
    """One that is missing is not proven by those that are there."""
    world.put(CONFIG)
    world.cluster.faults = five_wanted(world)
    found = verdict(world, CONFIG)
    assert (found.status, found.detail) == ("failing", "2 of 5 agents are there")


def five_wanted(world: World) -> Callable[..., Fault | None]:
    daemonset = json.loads(json.dumps(world.cluster.get("daemonsets.apps", "ip-masq-agent", "kube-system")))
    daemonset["status"]["desiredNumberScheduled"] = 5
    return lambda method, path, *_: (
        Fault(answer=Response(200, daemonset)) if path.endswith("/daemonsets/ip-masq-agent") else None
    )


def test_a_log_that_cannot_be_read_is_named_with_the_reason(world: World) -> None:
    """Which nodes, and what their kubelets said."""
    world.put(CONFIG)
    message = "Get \"https://192.0.2.2:10250/containerLogs/kube-system\": dial tcp 192.0.2.2:10250: i/o timeout"  # fmt: skip
    body = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 500, "message": message}

    def look(method: str, path: str, *_: Any) -> Fault | None:
        pod = world.cluster.get("pods", path.split("/")[-2], "kube-system") if path.endswith("/log") else None
        return Fault(answer=Response(500, body)) if pod and pod["spec"]["nodeName"] == "node-2" else None

    world.cluster.faults = look
    found = verdict(world, CONFIG)
    assert (found.status, found.final) == ("unknown", True)
    assert found.detail.startswith("node-2: its log cannot be read: ")
    assert "192.0.2.2:10250: i/o timeout" in found.detail
    assert found.detail.endswith("(1 of 2 agents)")


def test_an_agent_is_back_at_its_defaults_when_its_newest_round_says_so(world: World) -> None:
    """Until then it is not: it stays, and is asked again."""
    world.put(CONFIG)
    world.agents.asleep = {"node-2"}
    remove(world, *CONFIG_MAP)
    found = AgentsAtDefaults().ask(Api(world))
    assert (found.status, found.final) == ("failing", False)
    assert found.detail == "node-2: the last that it logs is a configuration"
    world.agents.wake()
    assert AgentsAtDefaults().ask(Api(world)) == Verdict("ok", "2 agents")


def test_an_agent_that_never_ran_has_left_nothing(world: World) -> None:
    """Its image cannot be pulled there, so there is no log and no rule either."""
    broken = PodOutcome("waiting", "ImagePullBackOff", "Back-off pulling image")
    on_node_2 = lambda pod, _: broken if pod["spec"]["nodeName"] == "node-2" else None  # noqa: E731 - one use
    world.cluster.kubelet_rules.insert(0, on_node_2)
    world.put(None)
    world.cluster.faults = lambda method, path, *_: (
        Fault(answer=Response(400, REFUSED)) if path.endswith("/log") and on_node(world, path) == "node-2" else None
    )
    assert AgentsAtDefaults().ask(Api(world)) == Verdict("ok", "2 agents")


# How long it is waited for


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (CONFIG, 210),
        (CONFIG.replace("60s", "10m"), 750),
        (CONFIG.replace("resyncInterval: 60s\n", ""), 210),
        (None, 210),
    ],
)
def test_without_a_restart_the_old_interval_is_waited_for(world: World, text: str | None, seconds: int) -> None:
    """The kubelet takes up to 150 s to bring the file, and the agent sleeps for as long as it was told before."""
    world.put(text)
    plan = world.cli("plan", *RUN[1:4], "--no-restart").expect(0).json["plan"]
    assert [item["within_seconds"] for item in plan["checks"] if item["status"] == "planned"] == [seconds]


def test_a_repair_without_a_restart_waits_for_the_interval_that_the_agent_has(world: World) -> None:
    """It rejects the one that stands there, so it sleeps for its own minute."""
    world.put(CONFIG.replace("60s", "600"))
    plan = world.cli("plan", "ip-masq-agent", "--no-restart").expect(0).json["plan"]
    assert [item["within_seconds"] for item in plan["checks"] if item["status"] == "planned"] == [210]


def test_an_agent_that_still_sleeps_is_waited_for(world: World) -> None:
    """The run is verified when the last one has woken up, not before."""
    world.put(CONFIG)
    world.agents.asleep = {"node-2"}
    waker = threading.Timer(4, world.agents.wake)
    waker.start()
    done = world.cli(*RUN, "--no-restart").expect(0)
    waker.join()
    assert done.status == "verified"
    assert done.json["verify"]["checks"][0]["detail"] == "2 of 2 agents"
