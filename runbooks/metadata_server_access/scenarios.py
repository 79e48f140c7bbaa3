"""How a network policy comes to keep pods from their tokens."""

from __future__ import annotations

from remediation import Ref, Scenario, State, Symptom, World

_CLIENT_LOG = ("logs", "-n", "shop", "-l", "app=billing")
_POLICY = Ref("networking.k8s.io/v1", "NetworkPolicy", "restrict-egress", "shop")
_MIRRORED = "registry.example.com/debian@sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716"
_IMAGE = "registry.example.com/billing:3.0.1"
_NAMES = {"plural": "ciliumclusterwidenetworkpolicies", "kind": "CiliumClusterwideNetworkPolicy"}
_SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
_ABOVE: State = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{_NAMES['plural']}.cilium.io"},
    "spec": {
        "group": "cilium.io",
        "scope": "Cluster",
        "names": _NAMES,
        "versions": [{"name": "v2", "served": True, "storage": True, "schema": _SCHEMA}],
    },
}
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


def _account(world: World) -> None:
    email = {"iam.gke.io/gcp-service-account": "billing@example-prod.iam.gserviceaccount.com"}
    about = {"name": "billing", "namespace": "shop", "annotations": email}
    world.put({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about})


def _clients(world: World) -> None:
    """Run pods that ask for tokens of a Google service account."""
    _account(world)
    mark = {world.marks["metadata_client"]: "true"}
    world.run("billing", _IMAGE, 2, annotations=mark, spec={"serviceAccountName": "billing"})


def _dataplane_v2(world: World) -> None:
    world.put(_ABOVE)
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
    {"namespace": "shop", "policy": "restrict-egress", "image": _MIRRORED},
    neighbours=(_POLICY,),
    rehearsed=False,
)


def _nobody_enforces(world: World) -> None:
    _clients(world)
    _restrict(world)


def _quiet(world: World) -> None:
    """Let the pods say nothing in their logs: only their service account tells what they are for."""
    world.put(_daemon_set("anetd"))
    _account(world)
    world.run("billing", _IMAGE, 2, spec={"serviceAccountName": "billing"})
    _restrict(world)


def _would_be_adopted(world: World) -> None:
    """Let a controller look for pods with the very labels that the policy selects."""
    _dataplane_v2(world)
    labels = {"app": "billing"}
    pod = {"containers": [{"name": "archive", "image": _IMAGE}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 0, "serviceName": "archive", "selector": {"matchLabels": labels}, "template": template}
    about = {"name": "archive", "namespace": "shop"}
    world.put({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": about, "spec": spec})


NOBODY_ENFORCES = Scenario(
    "metadata-server-access-not-enforced",
    "a network policy of shop isolates pods, and nobody enforces it",
    _nobody_enforces,
    Symptom("nobody enforces network policies", "not_applicable"),
    {"namespace": "shop", "policy": "restrict-egress"},
    ends="not_applicable",
    says="nobody enforces network policies",
    rehearsed=False,
)
QUIET = Scenario(
    "metadata-server-access-quiet",
    "pods of shop/billing get no token and do not say so",
    _quiet,
    Symptom("which acts as billing@example-prod.iam.gserviceaccount.com"),
    {"namespace": "shop", "policy": "restrict-egress"},
    neighbours=(_POLICY,),
    rehearsed=False,
)
ADOPTED = Scenario(
    "metadata-server-access-adopted",
    "pods of shop/billing get no token, and a controller would take a pod that asks for one of its own",
    _would_be_adopted,
    Symptom("restrict-egress does not let them reach 169.254.169.254", kubectl=_CLIENT_LOG, shown="i/o timeout"),
    {"namespace": "shop", "policy": "restrict-egress"},
    neighbours=(_POLICY,),
    rehearsed=False,
)
