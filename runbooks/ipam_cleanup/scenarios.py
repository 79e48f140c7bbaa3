"""How a node comes to believe that its addresses are taken."""

from __future__ import annotations

from remediation import Ref, Scenario, Symptom, World

# All that a /24 has for pods, but for some that run.
_LEAKED_ADDRESSES = "250"
_DIGEST = "sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716"


def _leak(world: World) -> None:
    """Let a node believe that its addresses are taken, then start pods there."""
    world.change(Ref("v1", "Node", "node-2"), {"metadata": {"annotations": {world.marks["leaked"]: _LEAKED_ADDRESSES}}})
    spec = {"nodeSelector": {"kubernetes.io/hostname": "node-2"}}
    labels = {world.marks["exhausted"]: "true"} if world.real else {}
    world.run("orders", "registry.example.com/orders:2.3.1", 3, spec=spec, labels=labels)


LEAKED = Scenario(
    "ipam-cleanup",
    "pods on node-2 get no address although few pods run there: reservations leaked",
    _leak,
    Symptom("pods on node-2 get no address", kubectl=("get", "events", "-A"), shown="FailedCreatePodSandBox"),
    {"node": ["node-2"]},
)
MIRRORED = Scenario(
    "ipam-cleanup-mirrored",
    "pods on node-2 get no address, and nodes pull from a registry of the company only",
    _leak,
    Symptom("pods on node-2 get no address"),
    {"node": ["node-2"], "max_reservations": "254", "image": f"registry.example.com/debian@{_DIGEST}"},
    rehearsed=False,
)
