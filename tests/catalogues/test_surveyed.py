"""Rights, locks and reach of a runbook come from its survey, with the values of one call filled in."""

from __future__ import annotations

from typing import Any

import pytest

from remediation.catalogue.loading import find
from remediation.model.rights import Permission
from remediation.model.targets import Cluster, Project
from remediation.providers.kubernetes.objects import KubernetesObject

PULL: dict[str, Any] = {"namespace": "shop", "service_account": "web", "registry": "gcr.io"}
KEY, NEW = {"from_key_file": "key.json"}, {"google_service_account": "a@example-prod.iam.gserviceaccount.com"}


def rights(name: str, target: Any = None, **values: Any) -> list[str]:
    return list(map(str, find(name).permissions(target or Cluster(), values)))


def addresses(name: str, target: Any = None, **values: Any) -> set[str]:
    found = find(name).needs(target or Cluster(), **values)
    return {item.address for item in found if hasattr(item, "address")}


def test_a_diagnosis_has_its_rights_too() -> None:
    """It looks at the pods of all namespaces, whichever namespace the run is for."""
    assert {"list pods", "list pods in namespace shop"} <= set(rights("pull-secret", **PULL, **KEY))


def test_an_option_that_is_given_takes_the_place_of_what_holds_without() -> None:
    """`--secret` names the only Secret; without it the default name is the only one, also of the copy."""
    assert {
        item for item in rights("pull-secret", **PULL, **KEY) if "secrets" in item and "web-registry" not in item
    } == {"create secrets in namespace shop"}
    told = rights("pull-secret", **PULL, **KEY, secret="creds")
    assert not [item for item in told if "web-registry" in item]
    assert "delete secrets creds-before-runbook in namespace shop" in told


@pytest.mark.parametrize("way", [KEY, NEW])
@pytest.mark.parametrize("secret", [{}, {"secret": "creds"}])
def test_options_combine_also_where_no_scenario_combines_them(way: dict[str, str], secret: dict[str, str]) -> None:
    """Where credentials come from and where they go are told apart."""
    name = secret.get("secret", "web-registry")
    assert f"secret/shop/{name}" in addresses("pull-secret", **PULL, **way, **secret)


def test_of_two_ways_only_what_both_take_is_printed_while_neither_is_given() -> None:
    """Who brings a key file needs no right to make keys."""
    neither = rights("pull-secret", **PULL)
    assert neither == rights("pull-secret", **PULL, **KEY)
    assert "iam.serviceAccountKeys.create" in rights("pull-secret", **PULL, **NEW)


def test_each_value_of_an_option_is_a_thing_of_its_own() -> None:
    """Both nodes are cordoned, and a third is out of reach; what is about both of them is one check."""
    found = addresses("ipam-cleanup", node=("node-1", "node-2"))
    assert {item for item in found if item.startswith("node/")} == {"node/node-1", "node/node-2"}
    checks = [
        item for item in find("ipam-cleanup").needs(Cluster(), node=("node-1", "node-2")) if hasattr(item, "nodes")
    ]
    assert {tuple(item.nodes) for item in checks if type(item).__name__ == "PodsHaveAddresses"} == {
        ("node-1", "node-2")
    }


def test_an_image_that_is_given_is_the_only_one() -> None:
    """What runs on the nodes is the default, or what the caller names, and nothing else."""
    image = "registry.example.com/tools@sha256:" + "0" * 64
    for given, expected in (({"image": image}, {image}), ({}, None)):
        found = find("ipam-cleanup").needs(Cluster(), node=("node-1",), **given)
        programs = {program for item in found for program in getattr(item, "programs", ())}
        assert len(programs) == 1
        assert expected is None or programs == expected


def test_a_right_of_google_needs_the_coordinates_that_it_is_for() -> None:
    """A cluster that is named by its address alone is looked up nowhere else."""
    whole = Cluster(project="example-prod", location="europe-west3", cluster="shop")
    assert "container.clusters.get" in rights("ip-masq-agent", whole)
    assert "container.clusters.get" not in rights("ip-masq-agent", Cluster(project="example-prod"))


def test_what_only_the_target_knows_is_a_word_in_print() -> None:
    """The number of a project stands in the name of its service agents; nobody is asked for it to print a role."""
    [agent, *_] = sorted(addresses("container-service-agent", Project(project="example-prod")), reverse=True)
    assert "service-NUMBER@" in agent
    assert "PROJECT" in "".join(addresses("container-service-agent", Project()))


def test_who_may_do_what_bounds_an_update() -> None:
    """Of an object that is only patched, the survey keeps which fields; what they hold is nobody's business."""
    found = find("ip-masq-agent").needs(Cluster())
    [patched] = [item for item in found if isinstance(item, KubernetesObject) and item.may == "patch"]
    assert patched.manifest == {"spec": {"template": {"metadata": {"annotations": {"runbook/ip-masq-config": ""}}}}}
    assert Permission("delete", "daemonsets", "apps", "kube-system", "ip-masq-agent") not in patched.permissions
