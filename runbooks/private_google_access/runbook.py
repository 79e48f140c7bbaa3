"""IMG-04: let nodes without external addresses reach Google's registries."""

from __future__ import annotations

from collections.abc import Iterator

from remediation import (
    Caution,
    Cluster,
    Ensure,
    Finding,
    Hint,
    PullFailure,
    Risk,
    Steps,
    Unchecked,
    advice,
    allow,
    applies,
    command,
    few,
    need,
    runbook,
)

from .network import Subnet
from .situation import Situation, Stuck, StuckPodsPull

_COORDINATES = "only the GKE API knows the subnets of this cluster"
_NAME_IT = advice("name the cluster: --project PROJECT --location LOCATION --cluster CLUSTER")
# The kubelet tries a pull again after up to five minutes.
_PULLED_WITHIN = 360.0
Waiting = list[tuple[Subnet, Stuck]]


def findings(now: Situation) -> Iterator[Finding]:
    """Report each registry that the nodes of a pool have no way to, cheaper explanations first."""
    yield from (_finding(now, each) for each in now.stuck)
    if now.stuck:
        return
    if answered := [each for each in now.failed if each.kind is not PullFailure.UNKNOWN]:
        kinds = few({f"{each.host}: {each.kind}" for each in answered})
        yield Finding("not_applicable", f"registries answer the pods that cannot pull, so there is a way ({kinds})")
        return
    closed = [subnet for pool in now.private if not (subnet := now.subnet(pool)).access and not subnet.nats]
    yield from (_latent(subnet) for subnet in closed)
    if not closed:
        yield Finding("healthy", "no pod waits for a registry that its node cannot reach")


def _finding(now: Situation, stuck: Stuck) -> Finding:
    """Report pods without a way to their registry: whose fault it is, and what gets on."""
    said = f"{stuck.names} cannot reach {stuck.host}"
    evidence = stuck.messages
    if stuck.kind is PullFailure.DNS:
        return Finding(
            "fault", f"{said}: its name is not resolved", stuck.host, evidence, "probable", by_hand=_names(now)
        )
    if now.pools is None:
        return Finding("unknown", f"{said}; {_COORDINATES}", stuck.host, evidence, by_hand=_NAME_IT)
    if stuck.pool is None or not stuck.pool.private:
        where = "whose pool is not known" if stuck.pool is None else "which have external addresses"
        return Finding("unknown", f"{said} from nodes {where}", stuck.host, evidence, by_hand=_trace(stuck))
    return _of_private(now, stuck, now.subnet(stuck.pool), said)


def _of_private(now: Situation, stuck: Stuck, subnet: Subnet, said: str) -> Finding:
    """Report pods on private nodes: what their subnet lets through decides."""
    found = (*stuck.messages, *filter(None, (subnet.half_migrated(stuck.host), *subnet.obstacles(stuck.address))))
    if subnet.nats:
        nat = f"{said}, though Cloud NAT {few(subnet.nats)} covers the nodes and brings Private Google Access with it"
        return Finding("not_applicable", nat, subnet.path, found)
    if not stuck.is_google:
        text = f"{said}: private nodes reach registries that are not Google's only through Cloud NAT"
        return Finding("fault", text, subnet.path, found, by_hand=_elsewhere(stuck, subnet))
    if subnet.access or subnet.obstacles(stuck.address):
        text = f"{said}, {'though' if subnet.access else 'and'} Private Google Access is {'on' if subnet.access else 'off'}"
        return Finding("fault", text, subnet.path, found, "probable", by_hand=_trace(stuck, subnet))
    unread = [f"{name} could not be read" for name in subnet.unread]
    return Finding(
        "fault",
        f"{said}: subnet {subnet.short} has neither Private Google Access nor Cloud NAT",
        subnet.path,
        (*found, *unread),
        "probable" if unread else "certain",
        ("no registry answered, so credentials are not the cause", "routes and firewalls let it through")
        if not unread
        else (),
        {name: getattr(now.target, name) for name in ("project", "location", "cluster")},
    )


def _latent(subnet: Subnet) -> Finding:
    """Report a subnet that leads nowhere, while nobody waits."""
    text = f"subnet {subnet.short} has neither Private Google Access nor Cloud NAT; no pod waits for an image there now"
    return Finding("fault", text, subnet.path, (), "possible", by_hand=_by_hand(subnet))


def _by_hand(subnet: Subnet) -> Hint:
    return command(
        "gcloud", "compute", "networks", "subnets", "update", *subnet.words, "--enable-private-ip-google-access"
    )


def _names(now: Situation) -> Hint:
    listed = command("gcloud", "dns", "managed-zones", "list", f"--project={now.target.project or 'PROJECT'}")
    return advice("look for a private zone that has no such name, and for the name servers of the nodes: {}", listed)


def _trace(stuck: Stuck, subnet: Subnet | None = None) -> Hint:
    """Return how a person finds what drops the packets; firewalls, routes and zones are not changed by a program."""
    network = command("gcloud", "compute", "networks", "get-effective-firewalls", "NETWORK")
    place = subnet.short if subnet else "the nodes"
    return advice(
        "look at routes, firewalls and DNS of {}, or run a Connectivity Test to {}:443: {}",
        place,
        stuck.address or stuck.host,
        network,
    )


def _elsewhere(stuck: Stuck, subnet: Subnet) -> Hint:
    name, region, project = subnet.words
    router = command("gcloud", "compute", "routers", "nats", "create", "NAT", "--router=ROUTER", region, project,
                     f"--nat-custom-subnet-ip-ranges={name}", "--auto-allocate-nat-external-ips")  # fmt: skip
    return advice(
        "pull {} through an Artifact Registry remote repository, or give the subnet Cloud NAT: {}", stuck.host, router
    )


@runbook(
    id="IMG-04",
    risk=Risk.MEDIUM,
    alerts=("ImagePullTimeout",),
    diagnose=findings,
    source="https://cloud.google.com/vpc/docs/configure-private-google-access",
    example="--context example-prod --project example-prod --location europe-west3 --cluster example",
)
def private_google_access(target: Cluster, now: Situation) -> Steps:
    """Let nodes without external addresses reach Google's registries.

    Symptoms: `Failed to pull image` with `dial tcp 142.250.102.82:443: i/o timeout`, for images of `pkg.dev` or `gcr.io`,
    on private nodes; new nodes that do not register.

    Cause: the subnet of the node pool has neither Private Google Access nor Cloud NAT, so no packet finds a way.

    Impact: Private Google Access is switched on for each subnet whose nodes wait. Every VM there without an external
    address reaches Google APIs from then on. Firewalls, routes, DNS and NAT stay as they are.

    Rollback: only when somebody asks for it, for all VMs of the subnet come to depend on it: it is switched off again.
    """
    allow(now.pools is not None, _COORDINATES, _NAME_IT)
    applies(now.private, "no node pool has private nodes, and others do not need Private Google Access")
    subnets = [now.subnet(pool) for pool in now.private]
    waiting = [(subnet, stuck) for subnet in subnets for stuck in now.waiting(subnet)]
    for subnet, stuck in waiting:
        _possible(subnet, stuck)
    opened = [each for each in subnets if each.access or any(each is subnet for subnet, _ in waiting)]
    applies(
        opened, "no pod waits for one of Google's registries on private nodes, and no subnet has Private Google Access"
    )
    for subnet in opened:
        yield subnet.opened
    if waiting:
        yield Ensure(StuckPodsPull.of(opened, [stuck for _, stuck in waiting]), within=_PULLED_WITHIN)
    yield from _not_proven(now, subnets, opened, waiting)


def _possible(subnet: Subnet, stuck: Stuck) -> None:
    """Refuse where the switch would not help: NAT brings it along, or something else drops the packets."""
    nats = few(subnet.nats or ())
    applies(not nats, f"Cloud NAT {nats} covers the nodes in {subnet.short} and brings Private Google Access with it")
    obstacles = subnet.obstacles(stuck.address)
    need(not obstacles, f"Private Google Access alone would not help: {few(obstacles)}", _trace(stuck, subnet))


def _not_proven(now: Situation, subnets: list[Subnet], opened: list[Subnet], waiting: Waiting) -> Steps:
    """Say what nobody looked at, and what this run leaves as it is."""
    if not waiting:
        yield Unchecked("whether pods pull", "none waits for one of Google's registries on private nodes")
    for subnet in opened:
        if subnet.unread:
            yield Unchecked(f"{few(subnet.unread, 4)} of {subnet.short}", "they could not be read")
        if subnet.foreign:
            yield Caution("Shared VPC", f"subnet {subnet.short} serves other projects too")
    yield from (Caution("DNS", text) for text in {sub.half_migrated(each.host) for sub, each in waiting} - {""})
    for each in now.stuck:
        if all(each is not stuck for _, stuck in waiting):
            yield Caution(each.host, f"{each.names} cannot reach it, and this does not help: {_why(each)}")
    closed = [each for each in subnets if not each.access and each not in opened and not each.nats]
    for subnet in closed:
        yield Caution(f"subnet {subnet.short}", f"no way to registries; no pod waits there: {_by_hand(subnet)}")


def _why(stuck: Stuck) -> str:
    if stuck.kind is PullFailure.DNS:
        return "its name is not resolved"
    return "its nodes have external addresses" if stuck.is_google else "only Cloud NAT leads there from private nodes"
