"""How the agent of Dataplane V2 fails on one node."""

from __future__ import annotations

from functools import partial

from remediation import Ref, Scenario, State, Symptom, World

_NODE = Ref("v1", "Node", "node-2")
_EVENTS = ("get", "events", "-A", "--field-selector", "reason=FailedCreatePodSandBox")


def _agent() -> State:
    labels, container = {"k8s-app": "cilium"}, {"name": "cilium-agent", "image": "gke.gcr.io/cilium/cilium:1.0.0"}
    pod = {"hostNetwork": True, "containers": [container], "terminationGracePeriodSeconds": 0}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    about = {"name": "anetd", "namespace": "kube-system"}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": about, "spec": spec}


def _fail_on_one_node(world: World) -> None:
    """Let the agent crash on a node, then start pods there."""
    world.tell("turn-on-dataplane-v2")
    world.change(_NODE, {"metadata": {"annotations": {world.marks["broken_dataplane"]: "true"}}})
    world.put(_agent())
    world.run(
        "checkout",
        "registry.example.com/checkout:5.0.2",
        2,
        spec={"nodeSelector": {"kubernetes.io/hostname": "node-2"}},
    )


def _turn_on(world: World) -> None:
    world.tell("turn-on-dataplane-v2")
    world.put(_agent())
    world.wait_until(lambda: _ready(world), "the agent runs on every node")


def _time_out(world: World) -> None:
    """Let the agent work, and its plugin wait for it in vain."""
    _turn_on(world)
    world.run("checkout", "registry.example.com/checkout:5.0.2")
    text = 'failed to setup network for sandbox "6e8f1c": plugin type="cilium-cni" failed (add): Cilium API client timeout exceeded'
    said = f"Failed to create pod sandbox: rpc error: code = Unknown desc = {text}"
    world.report("checkout", "FailedCreatePodSandBox", said)


def _ready(world: World) -> bool:
    status = (world.read(Ref("apps/v1", "DaemonSet", "anetd", "kube-system")) or {}).get("status", {})
    return bool(status.get("numberReady")) and status["numberReady"] == status.get("desiredNumberScheduled")


def _lose_agent(world: World) -> None:
    world.tell("turn-on-dataplane-v2")


def _without_nodes(world: World) -> None:
    world.put(_agent())
    for node in world.list(Ref("v1", "Node", "")):
        world.delete(Ref("v1", "Node", node["metadata"]["name"]))


def _leave_off(world: World) -> None:
    """Change nothing: the embedded cluster has another dataplane."""


# No run mends it, and only the emulated nodes have a network.
_Looked = partial(Scenario, ends="refused", says="only looks", servers=("emulated",))

FAILING = _Looked(
    "dataplane-v2",
    "pods on node-2 get no network: the agent of Dataplane V2 crashes there",
    _fail_on_one_node,
    Symptom("does not work on 1 of 3 nodes: node-2: CrashLoopBackOff", kubectl=_EVENTS, shown="cilium.sock"),
)
HEALTHY = _Looked(
    "dataplane-v2-healthy",
    "nothing: Dataplane V2 is on, and its agent works",
    _turn_on,
    Symptom("its agent works on 3 of 3 nodes", status="healthy"),
    rehearsed=False,
)
MISSING = _Looked(
    "dataplane-v2-missing",
    "the GKE API says that Dataplane V2 is on, and there is no agent",
    _lose_agent,
    Symptom("its agent anetd is not there"),
    rehearsed=False,
)
NO_NODES = _Looked(
    "dataplane-v2-no-nodes",
    "nothing can be said: there is no node",
    _without_nodes,
    Symptom("there is no node that could show its health", status="unknown"),
    rehearsed=False,
)
OFF = _Looked(
    "dataplane-v2-off",
    "nothing: Dataplane V2 is off",
    _leave_off,
    Symptom("Dataplane V2 is off", status="not_applicable"),
    rehearsed=False,
)
TIMED_OUT = _Looked(
    "dataplane-v2-timed-out",
    "pods get no network on a node whose agent works",
    _time_out,
    Symptom("pods get no network on node-"),
    rehearsed=False,
)
