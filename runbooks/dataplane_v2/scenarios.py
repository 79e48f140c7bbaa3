"""How the agent of Dataplane V2 fails on one node."""

from __future__ import annotations

from datetime import UTC, datetime

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
    world.wait_until(lambda: _placed(world), "the pod checkout has a node")
    world.put(_unanswered(_placed(world)[0]))


def _placed(world: World) -> list[State]:
    found = world.list(Ref("v1", "Pod", "", "shop"), "app=checkout")
    return [pod for pod in found if pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]]


def _unanswered(pod: State) -> State:
    about = {name: pod["metadata"][name] for name in ("name", "namespace", "uid")}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = 'failed to setup network for sandbox "6e8f1c": plugin type="cilium-cni" failed (add): Cilium API client timeout exceeded'
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "checkout.no-network", "namespace": "shop"},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", **about},
        "type": "Warning",
        "reason": "FailedCreatePodSandBox",
        "message": f"Failed to create pod sandbox: rpc error: code = Unknown desc = {text}",
        "source": {"component": "kubelet", "host": pod["spec"]["nodeName"]},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


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


FAILING = Scenario(
    "dataplane-v2",
    "pods on node-2 get no network: the agent of Dataplane V2 crashes there",
    _fail_on_one_node,
    Symptom("does not work on 1 of 3 nodes: node-2: CrashLoopBackOff", kubectl=_EVENTS, shown="cilium.sock"),
    ends="refused",
    says="only looks",
    servers=("emulated",),
)
HEALTHY = Scenario(
    "dataplane-v2-healthy",
    "nothing: Dataplane V2 is on, and its agent works",
    _turn_on,
    Symptom("its agent works on 3 of 3 nodes", status="healthy"),
    ends="refused",
    says="only looks",
    rehearsed=False,
    servers=("emulated",),
)
MISSING = Scenario(
    "dataplane-v2-missing",
    "the GKE API says that Dataplane V2 is on, and there is no agent",
    _lose_agent,
    Symptom("its agent anetd is not there"),
    ends="refused",
    says="only looks",
    rehearsed=False,
    servers=("emulated",),
)
NO_NODES = Scenario(
    "dataplane-v2-no-nodes",
    "nothing can be said: there is no node",
    _without_nodes,
    Symptom("there is no node that could show its health", status="unknown"),
    ends="refused",
    says="only looks",
    rehearsed=False,
    servers=("emulated",),
)
OFF = Scenario(
    "dataplane-v2-off",
    "nothing: Dataplane V2 is off",
    _leave_off,
    Symptom("Dataplane V2 is off", status="not_applicable"),
    ends="refused",
    says="only looks",
    rehearsed=False,
    servers=("emulated",),
)
TIMED_OUT = Scenario(
    "dataplane-v2-timed-out",
    "pods get no network on a node whose agent works",
    _time_out,
    Symptom("pods get no network on node-"),
    ends="refused",
    says="only looks",
    rehearsed=False,
    servers=("emulated",),
)
