"""How a network policy comes to keep pods from their tokens."""

from __future__ import annotations

from remediation import Ref, Scenario, State, Symptom, World

_CLIENT_LOG = ("logs", "-n", "shop", "-l", "app=billing")
_POLICY = Ref("networking.k8s.io/v1", "NetworkPolicy", "restrict-egress", "shop")
_DNS = {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}


def _daemon_set(name: str) -> State:
    labels = {"k8s-app": "cilium" if name == "anetd" else name}
    container = {"name": name, "image": f"gke.gcr.io/{name}:1.0.0"}
    pod = {"hostNetwork": True, "containers": [container]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    about = {"name": name, "namespace": "kube-system"}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": about, "spec": spec}


def _restrict(world: World, *egress: State, **about: State) -> None:
    spec = {"podSelector": {"matchLabels": {"app": "billing"}}, "policyTypes": ["Egress"], "egress": [_DNS, *egress]}
    metadata = {"name": _POLICY.name, "namespace": "shop", **about}
    world.put({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec})


def _clients(world: World) -> None:
    """Run pods that ask for tokens of a Google service account."""
    email = {"iam.gke.io/gcp-service-account": "billing@example-prod.iam.gserviceaccount.com"}
    about = {"name": "billing", "namespace": "shop", "annotations": email}
    world.put({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about})
    mark, image = {world.marks["metadata_client"]: "true"}, "registry.example.com/billing:3.0.1"
    world.run("billing", image, 2, annotations=mark, spec={"serviceAccountName": "billing"})


def _dataplane_v2(world: World) -> None:
    world.put(_daemon_set("anetd"))
    _clients(world)
    _restrict(world)


def _calico(world: World) -> None:
    world.put(_daemon_set("calico-node"))
    _clients(world)
    _restrict(world, {"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}]})


BLOCKED = Scenario(
    "metadata-server-access",
    "pods of shop/billing get no token: restrict-egress lets them reach name servers only",
    _dataplane_v2,
    Symptom("restrict-egress does not let them reach 169.254.169.254", kubectl=_CLIENT_LOG, shown="i/o timeout"),
    {"namespace": "shop", "policy": "restrict-egress"},
    neighbours=(_POLICY, Ref("apps/v1", "Deployment", "billing", "shop")),
)
BEFORE_DATAPLANE_V2 = Scenario(
    "metadata-server-access-calico",
    "pods of shop/billing get no token: restrict-egress allows the address that they ask, but Calico sees another",
    _calico,
    Symptom("restrict-egress does not let them reach 169.254.169.252", kubectl=_CLIENT_LOG, shown="i/o timeout"),
    {"namespace": "shop", "policy": "restrict-egress"},
    neighbours=(_POLICY,),
    rehearsed=False,
)
