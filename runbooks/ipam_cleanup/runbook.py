"""DPV2-05 and DPV2-06: free pod addresses that leaked on a node."""

from __future__ import annotations

from typing import Annotated

from remediation import Count, Ensure, ObjectName, PinnedImage, Risk, Steps, Unchecked, runbook

from .cleaning import IMAGE, work
from .findings import findings
from .proof import PodsHaveAddresses
from .refusals import require_cleanable, require_enough, require_named
from .remarks import told
from .situation import Situation
from .undo import restore


@runbook(
    id="DPV2-06",
    covers=("DPV2-06", "DPV2-05"),
    risk=Risk.HIGH,
    alerts=("PodAddressesExhausted",),
    diagnose=findings,
    undo=restore,
    source="https://cloud.google.com/kubernetes-engine/docs/troubleshooting/dataplane-v2",
    example="--node node-2 --context example-prod",
)
def ipam_cleanup(
    now: Situation,
    node: Annotated[tuple[ObjectName, ...], "node to clean; no other node is touched"] = (),
    max_reservations: Annotated[Count, "refuse to move more than N reservations of a node; 254 is a whole /24"] = 254,
    image: Annotated[PinnedImage, "image with bash, coreutils, findutils and util-linux, pinned by digest"] = IMAGE,
) -> Steps:
    """Free pod addresses that leaked on the named nodes.

    Symptoms: `failed to allocate for range 0: no IP addresses available in range set` in FailedCreatePodSandBox events;
    pods on one node stay ContainerCreating while few pods run there.

    Cause: containerd forgot to release addresses of pods whose creation failed. An upgrade cures the fault of GKE 1.22 to
    1.25 with Dataplane V2, and no other; the plan says which the node has. Replacing the node is the safest remedy: gcloud
    compute instances delete, after a drain.

    Impact: the nodes are cordoned while a DaemonSet as powerful as root moves reservations without a container into a
    quarantine beside the network directory. Everything it needs is removed at the end, the nodes are uncordoned.

    Rollback: reservations whose container is alive go back where their address is still free; the others stay in quarantine.
    """
    require_named(node)
    for name in node:
        require_cleanable(now, name)
    for item in now.leaking:
        require_enough(item, max_reservations)
        yield from told(now, item, image)
    if now.leaking:
        yield work(now.leaking, "clean", image, max_reservations)
        yield Unchecked(
            "which reservations leaked",
            "only the node knows; the script refuses on any doubt and reports what it moved",
        )
    yield Ensure(PodsHaveAddresses(now.named), within=300)
