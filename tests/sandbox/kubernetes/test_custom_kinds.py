"""Kinds that a CustomResourceDefinition adds, on the emulation and on a real kube-apiserver."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from remediation.model.errors import Invalid
from remediation.model.refs import Ref
from runbook_sandbox.kubernetes import Cluster
from tests.sandbox.kubernetes.conftest import Side

SPEC = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1},
        "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
    },
}
STATUS = {"type": "object", "properties": {"replicas": {"type": "integer"}}}
SCHEMA = {"type": "object", "properties": {"spec": SPEC, "status": STATUS}}
SCALE = {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.replicas"}


def definition(group: str) -> dict[str, Any]:
    """Return the definition of the widgets of a group; their plural is none that anybody would guess."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": SCHEMA},
        "subresources": {"status": {}, "scale": SCALE},
        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
    }
    names = {"plural": "widgetry", "kind": "Widget", "shortNames": [f"w{group[:6]}"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgetry.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


@dataclass(frozen=True)
class Widgets:
    """A side with widgets of a group of their own."""

    side: Side
    group: str

    def body(self, name: str, **spec: Any) -> dict[str, Any]:
        return {"apiVersion": f"{self.group}/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def widgets(side: Side) -> Iterator[Widgets]:
    """Define widgets, wait until they are served, and leave no group behind for tests that look at all of them."""
    group = f"g{uuid.uuid4().hex[:6]}.example.com"
    side.make(definition(group))
    side.says("wait", "--for=condition=Established", f"crd/widgetry.{group}", "--timeout=30s")
    yield Widgets(side, group)
    side.says("delete", "crd", f"widgetry.{group}", "--ignore-not-found", "--timeout=30s")
    deadline = time.monotonic() + 30
    while group in {each["name"] for each in side.ask("GET", "/apis")["groups"]} and time.monotonic() < deadline:
        time.sleep(0.05)


def test_custom_objects_live_and_go_with_their_definition(widgets: Widgets) -> None:
    """Kubectl finds, shows, applies, scales and deletes them; without the definition nothing is left."""
    side, kind = widgets.side, f"widgetry.{widgets.group}"
    text = json.dumps(widgets.body("a", size=3))
    assert "created" in side.says("apply", "-f", "-", stdin=text)
    assert "unchanged" in side.says("apply", "-f", "-", stdin=text)
    assert side.says("get", kind).splitlines()[0].split() == ["NAME", "SIZE"]
    side.says("scale", kind, "a", "--replicas=5")
    found = json.loads(side.says("get", kind, "a", "-o", "json"))
    assert (found["spec"], found["metadata"]["generation"]) == ({"size": 5, "color": "red"}, 2)
    side.says("delete", "crd", kind, "--timeout=30s")
    assert "the server doesn't have a resource type" in side.kubectl("get", kind).stderr


def test_the_schema_of_a_definition_counts(widgets: Widgets) -> None:
    """Unknown fields are dropped, or refused when strict; wrong values are refused in the server's words."""
    side, path = widgets.side, f"/apis/{widgets.group}/v1/namespaces/{widgets.side.namespace}/widgetry"
    assert side.ask("POST", path, widgets.body("a", size=1, odd=True))["spec"] == {"size": 1, "color": "red"}
    with pytest.raises(Invalid, match=r"spec\.size in body should be greater than or equal to 1"):
        side.ask("POST", path, widgets.body("b", size=0))
    with pytest.raises(Invalid, match='supported values: "red", "blue"'):
        side.ask("POST", path, widgets.body("b", size=1, color="green"))
    with pytest.raises(Invalid, match=r"spec\.size: Required value"):
        side.ask("POST", path, widgets.body("b"))


def test_our_client_finds_the_plural_of_a_custom_kind(widgets: Widgets) -> None:
    """It is asked for, not guessed."""
    ref = Ref(f"{widgets.group}/v1", "Widget", "a", widgets.side.namespace)
    widgets.side.client.create(ref, widgets.body("a", size=2))
    assert widgets.side.client.read(ref)["spec"]["size"] == 2


def test_definitions_survive_a_restart() -> None:
    """What a cluster has kept it serves again, custom kinds too."""
    with Cluster(nodes=1) as first:
        first.create(definition("example.com"))
        first.settle()
        first.create({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": {"size": 1}})
        state = first.dump()
    with Cluster(state=state) as second:
        kind = second.kinds.named("example.com/v1", "Widget")
        assert kind is not None
        assert second.get(kind.storage, "a", "default") is not None
