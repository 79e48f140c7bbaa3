"""How pods lose the way to networks that cannot route to them."""

from __future__ import annotations

from remediation import Ref, Scenario, Symptom, World, manifest

_CONFIG = """\
nonMasqueradeCIDRs:
- 10.0.0.0/8
- 172.16.0.0/12
- 192.168.0.0/16
resyncInterval: {interval}
"""
_AGENT, _OUTSIDE = "ip-masq-agent", "10.1.125.70"
_DAEMON_SET, _CONFIG_MAP = (
    Ref("apps/v1", "DaemonSet", _AGENT, "kube-system"),
    Ref("v1", "ConfigMap", _AGENT, "kube-system"),
)
_CLIENT_LOG = ("logs", "-n", "shop", "-l", "app=onprem-client")
_AGENT_LOG = ("logs", "-n", "kube-system", "-l", "k8s-app=ip-masq-agent")


def _configure(world: World, text: str) -> None:
    about = {"name": _AGENT, "namespace": "kube-system"}
    world.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": {"config": text}})


def _run_agent(world: World, text: str) -> None:
    _configure(world, text)
    world.put(manifest(__name__, "daemonset.yaml"))


def _need_outside(world: World) -> None:
    """Start a pod that needs the destination; simulated nodes have no network that could fail, so its kubelet says so."""
    image = "registry.example.com/onprem-client:1.0.0"
    world.run("onprem-client", image, annotations={world.marks["destination"]: _OUTSIDE})
    if world.real:
        world.report("onprem-client", "Unhealthy", f"Readiness probe failed: dial tcp {_OUTSIDE}:443: i/o timeout")


def _masquerade(world: World) -> None:
    """Run the agent with a list that keeps pod addresses towards a network that cannot route to them."""
    _run_agent(world, _CONFIG.format(interval="60s"))
    _need_outside(world)


def _misconfigure(world: World) -> None:
    """Run the agent, then give it a configuration that it rejects: nodes keep the rules of the one before."""
    _run_agent(world, _CONFIG.format(interval="60s"))
    world.wait_until(lambda: _all_ready(world), "an agent runs on every node")
    world.change(_CONFIG_MAP, {"data": {"config": _CONFIG.format(interval="60")}})


def _all_ready(world: World) -> bool:
    status = (world.read(_DAEMON_SET) or {}).get("status", {})
    ready = status.get("numberAvailable", 0)
    return bool(ready) and ready == status.get("desiredNumberScheduled")


def _leave_it_to_nodes(world: World) -> None:
    """Leave it to the nodes, whose own list keeps pod addresses towards every private network."""
    world.delete(_DAEMON_SET)
    world.delete(_CONFIG_MAP)
    _need_outside(world)


MASQUERADE = Scenario(
    "ip-masq-agent",
    "pods cannot reach 10.1.125.70: the agent keeps their address for all of 10.0.0.0/8",
    _masquerade,
    Symptom(_OUTSIDE, kubectl=_CLIENT_LOG, shown=_OUTSIDE),
    {"masquerade": ["10.1.0.0/16"]},
)
BROKEN = Scenario(
    "ip-masq-agent-broken",
    "ip-masq-agent rejects its configuration: resyncInterval has no unit",
    _misconfigure,
    Symptom("resyncInterval", kubectl=_AGENT_LOG, shown="Error syncing configuration"),
)
MISSING = Scenario(
    "ip-masq-agent-missing",
    "pods cannot reach 10.1.125.70: no agent runs, so nodes keep their address for every private range",
    _leave_it_to_nodes,
    Symptom(_OUTSIDE, kubectl=_CLIENT_LOG, shown=_OUTSIDE),
    {"masquerade": ["10.1.0.0/16"], "deploy_agent": True},
)


def _be_autopilot(world: World) -> None:
    """Have a node whose name only Autopilot gives."""
    _masquerade(world)
    world.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "gk3-example-1"}})


def _be_managed(world: World) -> None:
    """Let GKE's addon manager own the agent."""
    _masquerade(world)
    world.change(_DAEMON_SET, {"metadata": {"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}})


AUTOPILOT = Scenario(
    "ip-masq-agent-autopilot",
    "pods of an Autopilot cluster cannot reach 10.1.125.70",
    _be_autopilot,
    Symptom("Autopilot", "not_applicable"),
    {"masquerade": ["10.1.0.0/16"]},
    ends="refused",
    says="this is an Autopilot cluster",
    rehearsed=False,
)
MANAGED = Scenario(
    "ip-masq-agent-managed",
    "pods cannot reach 10.1.125.70, and the agent is GKE's own",
    _be_managed,
    Symptom(_OUTSIDE),
    {"masquerade": ["10.1.0.0/16"]},
    ends="refused",
    says="is owned by",
    rehearsed=False,
)


def _listed(*ranges: str) -> str:
    return "\n".join(["nonMasqueradeCIDRs:", *(f"- {item}" for item in ranges), "resyncInterval: 60s", ""])


def _misspell(world: World) -> None:
    """Give the agent a range with host bits, which it rejects; nodes keep the rules of before."""
    _run_agent(world, _CONFIG.format(interval="60s"))
    world.wait_until(lambda: _all_ready(world), "an agent runs on every node")
    world.change(_CONFIG_MAP, {"data": {"config": _listed("10.0.0.7/8", "172.16.0.0/12", "192.168.0.0/16")}})
    _need_outside(world)


def _list_many(world: World) -> None:
    """Give the agent a list that is nearly as long as it may be."""
    neighbours = (f"192.168.{number}.0/24" for number in range(58))
    _run_agent(world, _listed("10.0.0.0/8", "172.16.0.0/12", *neighbours))
    _need_outside(world)


def _masquerade_already(world: World) -> None:
    _run_agent(world, _listed("10.64.0.0/16", "172.16.0.0/12", "192.168.0.0/16"))
    world.wait_until(lambda: _all_ready(world), "an agent runs on every node")


MENDED = Scenario(
    "ip-masq-agent-repair",
    "ip-masq-agent rejects its configuration: a range has host bits",
    _misspell,
    Symptom("10.0.0.7/8"),
    {"masquerade": ["10.1.0.0/16"], "repair": True},
    rehearsed=False,
)
JOINED = Scenario(
    "ip-masq-agent-join",
    "pods cannot reach 10.1.125.70, and the agent's list is nearly full",
    _list_many,
    Symptom(_OUTSIDE),
    {"masquerade": ["10.1.0.0/16"], "join": True},
    rehearsed=False,
)
ALREADY = Scenario(
    "ip-masq-agent-already",
    "nothing is wrong: 10.1.0.0/16 is masqueraded",
    _masquerade_already,
    Symptom("", "healthy"),
    {"masquerade": ["10.1.0.0/16"], "restart": False},
    ends="already_ok",
    rehearsed=False,
)
