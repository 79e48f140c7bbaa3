"""What the runbook refuses, what it leaves alone, and what it says it did not prove."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_sandbox.kubernetes import Cluster, serve
from runbook_sandbox.nodes.rules import install
from runbooks.metadata_server_access.policies import fewest, selects
from tests.running import Cli

WORDS = ("metadata-server-access", "--namespace", "shop", "--policy", "restrict-egress")
DNS: dict[str, Any] = {"ports": [{"protocol": "UDP", "port": 53}]}
METADATA = {"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}], "ports": [{"protocol": "TCP", "port": 80}]}
CLIENT = {"sandbox.runbook/metadata-client": "true"}


class Shop:
    """An emulated cluster with pods that an egress policy isolates."""

    def __init__(self, cluster: Cluster, cli: Cli) -> None:
        self.cluster, self.cli = cluster, cli
        install(cluster)
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})

    def put(
        self, api_version: str, kind: str, name: str, spec: dict[str, Any], space: str = "shop", **about: Any
    ) -> None:
        metadata = {"name": name, **({"namespace": space} if space else {}), **about}
        self.cluster.create({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec})

    def workload(self, kind: str = "Deployment", name: str = "billing", space: str = "shop", **pod: Any) -> None:
        labels = {"app": name}
        marks = pod.pop("annotations", CLIENT)
        containers = [{"name": name, "image": f"registry.example.com/{name}:1"}]
        template = {"metadata": {"labels": labels, "annotations": marks}, "spec": {"containers": containers} | pod}
        self.put("apps/v1", kind, name, {"selector": {"matchLabels": labels}, "template": template}, space)

    def isolate(self, *egress: dict[str, Any], name: str = "restrict-egress", **more: Any) -> None:
        about = more.pop("about", {})
        spec = {"podSelector": {"matchLabels": {"app": "billing"}}, "policyTypes": ["Egress"], "egress": [DNS, *egress]}
        self.put("networking.k8s.io/v1", "NetworkPolicy", name, spec | more, **about)

    def start(self) -> None:
        """Run Dataplane V2 and pods that need a token."""
        self.workload("DaemonSet", "anetd", "kube-system", hostNetwork=True)
        self.workload()
        self.cluster.settle()

    def names(self) -> list[str]:
        return [each["metadata"]["name"] for each in self.cluster.store.list("networkpolicies.networking.k8s.io")]

    def findings(self) -> Any:
        self.cluster.settle()
        return self.cli("diagnose", "metadata-server-access").expect(0).json["findings"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Cluster(nodes=1) as cluster, serve(cluster, secure=False) as server:
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(server.kubeconfig()))
        yield Shop(cluster, Cli(tmp_path, "--kubeconfig", str(path), "--context", "sandbox"))


def test_a_policy_that_nobody_enforces_is_not_the_cause(shop: Shop) -> None:
    """Without Dataplane V2 or Calico the runbook is not one for this cluster."""
    shop.workload()
    shop.isolate()
    assert shop.findings()[0]["status"] == "not_applicable"
    assert shop.cli("run", *WORDS, "--yes").status == "not_applicable"
    assert shop.names() == ["restrict-egress"]


@pytest.mark.parametrize("policy", ["absent", "ingress"])
def test_a_policy_that_does_not_isolate_is_the_callers_mistake(shop: Shop, policy: str) -> None:
    """The error names the policies that do."""
    shop.start()
    shop.isolate()
    shop.isolate(name="ingress", policyTypes=["Ingress"], egress=[])
    done = shop.cli("run", *WORDS[:-1], policy, "--yes").expect(2)
    assert f"--policy {policy!r}" in done.json["error"]["summary"]
    assert "allowed: restrict-egress" in done.json["error"]["summary"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}]}]}, "leaves out"),
        (
            {"about": {"annotations": {"example.com/why": "keep pods off the metadata server"}}},
            "it says example.com/why=",
        ),
        ({"about": {"labels": {"blocks-imds": "true"}}}, "it says blocks-imds="),
    ],
)
def test_what_is_meant_to_be_so_is_left_alone(shop: Shop, more: dict[str, Any], why: str) -> None:
    """Somebody who blocks the metadata server on purpose is not overruled."""
    shop.start()
    shop.isolate(**more)
    done = shop.cli("run", *WORDS, "--yes").expect(3)
    assert why in done.json["error"]["summary"]
    assert shop.names() == ["restrict-egress"]
    assert shop.findings()[0]["status"] == "not_applicable"


def test_a_policy_of_the_whole_cluster_cannot_be_overridden(shop: Shop) -> None:
    """Where one is there, another policy in the namespace may change nothing."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v2", "served": True, "storage": True, "schema": schema}
    names = {"plural": "ciliumclusterwidenetworkpolicies", "kind": "CiliumClusterwideNetworkPolicy"}
    spec = {"group": "cilium.io", "scope": "Cluster", "names": names, "versions": [version]}
    name = f"{names['plural']}.cilium.io"
    shop.put("apiextensions.k8s.io/v1", "CustomResourceDefinition", name, spec, "")
    shop.cluster.settle()
    shop.put("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "deny-metadata", {}, "")
    shop.start()
    shop.isolate()
    done = shop.cli("run", *WORDS, "--yes").expect(3)
    assert "CiliumClusterwideNetworkPolicy deny-metadata" in done.json["error"]["summary"]


def test_another_policy_that_allows_it_is_enough(shop: Shop) -> None:
    """Policies add up: with one that allows it nothing is changed, and the diagnosis finds nothing."""
    shop.start()
    shop.isolate()
    shop.isolate(METADATA, name="tokens", podSelector={})
    shop.cluster.settle()
    assert shop.cli("run", *WORDS, "--yes").expect(0).status == "already_ok"
    assert shop.names() == ["restrict-egress", "tokens"]
    assert shop.findings()[0]["status"] == "healthy"


def test_isolated_pods_that_need_no_token_are_no_fault(shop: Shop) -> None:
    """Isolation is a good habit; only who is seen to need tokens is reported."""
    shop.workload("DaemonSet", "anetd", "kube-system", hostNetwork=True)
    shop.workload(annotations={})
    shop.isolate()
    assert shop.findings()[0]["status"] == "healthy"


def test_no_controller_gets_a_pod_that_is_not_its_own(shop: Shop) -> None:
    """A DaemonSet selects by the labels of the policy alone, and would take the probe for one of its pods."""
    shop.workload("DaemonSet", "anetd", "kube-system", hostNetwork=True)
    shop.workload("DaemonSet")
    shop.isolate()
    shop.cluster.settle()
    done = shop.cli("run", *WORDS, "--yes").expect(0)
    addresses = [change["address"] for change in done.json["plan"]["changes"]]
    assert addresses == ["networkpolicy/shop/restrict-egress-metadata-server"]
    details = {item["check"]: item.get("detail") for item in done.json["plan"]["checks"]}
    assert "daemonset/billing would take" in details["that a new pod gets a token"]


def test_the_new_policy_goes_with_the_one_it_belongs_to(shop: Shop) -> None:
    """Alone it would isolate the pods from everything else."""
    shop.start()
    shop.isolate()
    shop.cluster.settle()
    assert shop.cli("run", *WORDS, "--yes").expect(0).status == "verified"
    assert sorted(shop.names()) == ["restrict-egress", "restrict-egress-metadata-server"]
    shop.cluster.store.remove("networkpolicies.networking.k8s.io", "shop", "restrict-egress")
    shop.cluster.settle()
    assert shop.names() == []


keys = st.sampled_from(["app", "tier", "zone"])
values = st.sampled_from(["a", "b", "c"])
expressions = st.one_of(
    st.builds(lambda key, found: {"key": key, "operator": "In", "values": found}, keys, st.lists(values, min_size=1)),
    st.builds(lambda key: {"key": key, "operator": "Exists"}, keys),
)
selectors = st.fixed_dictionaries(
    {"matchLabels": st.dictionaries(keys, values), "matchExpressions": st.lists(expressions, max_size=1)}
)


@pytest.mark.parametrize(
    "expressions",
    [
        [("In", ["a", "b"]), ("NotIn", ["a"])],
        [("In", ["a", "b"]), ("In", ["b", "c"])],
        [("Exists", []), ("NotIn", ["true"])],
    ],
)
def test_several_expressions_about_one_label_are_all_fulfilled(expressions: list[tuple[str, list[str]]]) -> None:
    """A probe that the policy does not select proves nothing."""
    selector = {"matchExpressions": [{"key": "x", "operator": each, "values": values} for each, values in expressions]}
    assert selects(selector, fewest(selector))


def test_a_policy_of_somebody_else_with_the_name_stays_as_it_is(shop: Shop) -> None:
    """It would isolate its pods no longer: whatever may reach them, and whatever they may reach."""
    shop.start()
    shop.isolate()
    vault = {"podSelector": {"matchLabels": {"app": "vault"}}, "policyTypes": ["Ingress", "Egress"]}
    shop.put("networking.k8s.io/v1", "NetworkPolicy", "restrict-egress-metadata-server", vault)
    done = shop.cli("run", *WORDS, "--yes")
    assert (done.status, "is not from this runbook" in done.json["error"]["summary"]) == ("refused", True)
    [kept] = [
        each
        for each in shop.cluster.store.list("networkpolicies.networking.k8s.io")
        if each["metadata"]["name"].endswith("server")
    ]
    assert kept["spec"] == vault


@given(selectors)
def test_the_fewest_labels_are_enough_and_none_too_many(selector: dict[str, Any]) -> None:
    """A probe has the labels that the policy asks for: with one fewer it would be another's pod."""
    given_twice = {each["key"] for each in selector["matchExpressions"]} & set(selector["matchLabels"])
    labels = fewest(selector)
    if not given_twice:
        assert selects(selector, labels)
        assert not any(selects(selector, {name: labels[name] for name in labels if name != key}) for key in labels)
