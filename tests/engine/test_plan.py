"""The fingerprint of a plan stands for exactly what the plan would do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from remediation.catalogue import loading
from remediation.engine.operations import Operation
from remediation.engine.plan import Plan
from remediation.model.changes import Change
from remediation.model.steps import Ensure
from remediation.model.targets import Cluster
from remediation.providers.kubernetes.objects import KubernetesObject

RESOURCE = KubernetesObject("v1", "ConfigMap", "x", "shop", {})
TARGET = Cluster(context="example-prod", server="https://192.0.2.1")
BEFORE, AFTER = {"metadata": {"name": "x"}, "data": {"a": "1"}}, {"metadata": {"name": "x"}, "data": {"a": "2"}}


def plan(target: Cluster = TARGET, after: Any = AFTER, before: Any = BEFORE, **parameters: Any) -> Plan:
    made = Plan(loading.find("ip-masq-agent"), target, parameters)
    made.operations = [Operation("change", RESOURCE, Change.between("configmap/shop/x", before, after))]
    return made


def test_the_same_plan_has_the_same_fingerprint() -> None:
    """Also when fields that the plan does not touch have moved on: it is about the change, not about the hour."""
    assert plan().fingerprint == plan().fingerprint
    noise = {"metadata": {"name": "x", "labels": {"theirs": "1"}}}
    assert plan(before=BEFORE | noise, after=AFTER | noise).fingerprint == plan().fingerprint


def test_anything_that_would_be_done_differently_changes_it() -> None:
    """Another value, old value, target, parameter, resource, check or runbook is another plan."""
    other_book, other_check, two = plan(), plan(), plan()
    other_book.book = loading.find("pull-secret")
    other_check.operations += [Operation("ensure", ensure=Ensure(_Check(), within=1))]
    two.operations += [Operation("change", RESOURCE, Change.between("configmap/shop/y", None, AFTER))]
    plans = [
        plan(), plan(after={"metadata": {"name": "x"}, "data": {"a": "3"}}), plan(after=None),
        plan(before={"metadata": {"name": "x"}, "data": {"a": "0"}}), plan(masquerade=["10.1.0.0/16"]),
        plan(replace(TARGET, context="other")), plan(replace(TARGET, server="https://192.0.2.2")), other_book, other_check, two,
    ]  # fmt: skip
    assert len({item.fingerprint for item in plans}) == len(plans)


class _Check:
    description = "something else"
