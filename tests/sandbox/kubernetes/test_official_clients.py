"""What kubectl and other official clients do, on the emulation and on a real kube-apiserver; where they differ the emulation is wrong."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from remediation.model.built_in_kinds import PLURALS, WITHOUT_NAMESPACE
from runbook_sandbox.kubernetes.discovery import aggregated, groups, resources
from runbook_sandbox.kubernetes.kinds import Kinds
from runbook_sandbox.kubernetes.other_columns import OTHERS
from runbook_sandbox.kubernetes.table_columns import COLUMNS
from tests.sandbox.kubernetes.conftest import Side

TEMPLATE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
}
WORKLOAD = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
VOLUME = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}}
CONTROLLER = {"spec": {"selector": {"app": "web"}, "template": TEMPLATE}}
# What is made, and the kind of the answer to its deletion.
DELETED: dict[str, tuple[dict[str, Any], str]] = {
    "/api/v1/namespaces/{ns}/pods": ({"spec": TEMPLATE["spec"]}, "Pod"),
    "/api/v1/namespaces/{ns}/services": ({"spec": {"ports": [{"port": 80}]}}, "Service"),
    "/api/v1/namespaces/{ns}/serviceaccounts": ({}, "ServiceAccount"),
    "/api/v1/namespaces/{ns}/podtemplates": ({"template": TEMPLATE}, "PodTemplate"),
    "/api/v1/namespaces/{ns}/resourcequotas": ({"spec": {}}, "ResourceQuota"),
    "/api/v1/namespaces/{ns}/persistentvolumeclaims": ({"spec": CLAIM}, "PersistentVolumeClaim"),
    "/api/v1/namespaces/{ns}/replicationcontrollers": (CONTROLLER, "ReplicationController"),
    "/api/v1/persistentvolumes": ({"spec": VOLUME}, "PersistentVolume"),
    "/apis/storage.k8s.io/v1/storageclasses": ({"provisioner": "example.com/disk"}, "StorageClass"),
    "/apis/storage.k8s.io/v1/csidrivers": ({"spec": {}}, "CSIDriver"),
    "/apis/storage.k8s.io/v1/csinodes": ({"spec": {"drivers": []}}, "CSINode"),
    "/apis/apps/v1/namespaces/{ns}/deployments": ({"spec": WORKLOAD}, "Status"),
    "/api/v1/namespaces/{ns}/configmaps": ({}, "Status"),
}


def everywhere(side: Side) -> dict[str, Any]:
    """Return the groups that every server has, without those that other tests define."""
    found = side.ask("GET", "/apis")["groups"]
    return {each["name"]: each for each in found if not each["name"].endswith("example.com")}


def test_every_group_and_resource_of_a_real_server_is_offered(side: Side) -> None:
    """Names, scopes, short names and subresources are those of the real server's own discovery."""
    kinds = Kinds()
    assert groups(kinds)["groups"] == list(everywhere(side).values())
    for name in ("/api/v1", *(f"/apis/{each.group_version}" for each in kinds if each.group)):
        assert resources(kinds, name.split("/", 2)[2])["resources"] == side.ask("GET", name)["resources"], name


def test_the_client_knows_the_kinds_that_every_server_has(side: Side) -> None:
    """Its table was made from discovery (scripts/kinds.py) and is still what discovery says."""
    found = {"v1": side.ask("GET", "/api/v1")["resources"]}
    for name in (each["groupVersion"] for group in everywhere(side).values() for each in group["versions"]):
        found[name] = side.ask("GET", f"/apis/{name}")["resources"]
    rows = [(name, row) for name, each in found.items() for row in each if "/" not in row["name"]]
    assert {(name, row["kind"]): row["name"] for name, row in rows} == PLURALS
    assert {(name, row["kind"]) for name, row in rows if not row["namespaced"]} == WITHOUT_NAMESPACE


def test_discovery_is_one_answer_for_clients_that_ask_so(side: Side) -> None:
    """The document is that of a real server; without it kubectl sends a request for each group version."""
    found = [each for name in ("/api", "/apis") for each in side.discovery(name)["items"]]
    groups = [each for each in found if not each["metadata"].get("name", "").endswith("example.com")]
    assert groups == [each for core in (True, False) for each in aggregated(Kinds(), core=core)["items"]]


@pytest.mark.parametrize("place", DELETED)
def test_a_deletion_is_answered_as_typed_clients_expect(side: Side, place: str) -> None:
    """Some kinds answer with the object, most with a Status; typed clients decode nothing else."""
    body, expected = DELETED[place]
    path, name = place.format(ns=side.namespace), side.namespace
    made = side.ask("POST", path, {"metadata": {"name": name}, **body})
    answer = side.ask("DELETE", f"{path}/{name}")
    assert answer["kind"] == expected
    known = answer["details"] if expected == "Status" else answer["metadata"]
    assert (known["name"], known["uid"]) == (name, made["metadata"]["uid"])


def test_a_claim_goes_when_no_pod_uses_it(side: Side) -> None:
    """Deleting a claim in use marks it; it goes with the last pod that mounts it."""
    place = f"/api/v1/namespaces/{side.namespace}"
    side.ask("POST", f"{place}/persistentvolumeclaims", {"metadata": {"name": "data"}, "spec": CLAIM})
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    spec = {**TEMPLATE["spec"], "volumes": volumes, "terminationGracePeriodSeconds": 0}
    side.ask("POST", f"{place}/pods", {"metadata": {"name": "user"}, "spec": spec})
    marked = side.ask("DELETE", f"{place}/persistentvolumeclaims/data")
    assert marked["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    side.says("delete", "pod", "user", "--now")
    side.says("wait", "--for=delete", "pvc/data", "--timeout=30s")


@pytest.mark.parametrize("kind", ["deployment", "statefulset", "replicaset"])
def test_kubectl_scales(side: Side, kind: str) -> None:
    """`kubectl scale` changes the replicas, counts a generation, and is refused where the count is another."""
    body = {
        "apiVersion": "apps/v1",
        "kind": {"deployment": "Deployment", "statefulset": "StatefulSet"}.get(kind, "ReplicaSet"),
    }
    made = side.make(body | {"metadata": {"name": "web"}, "spec": WORKLOAD})
    assert "scaled" in side.says("scale", kind, "web", "--replicas=3")
    assert (
        "Expected replicas to be 7" in side.kubectl("scale", kind, "web", "--replicas=1", "--current-replicas=7").stderr
    )
    found = side.raw(f"/apis/apps/v1/namespaces/{side.namespace}/{kind}s/web")
    assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (3, made["metadata"]["generation"] + 1)
    scale = side.raw(f"/apis/apps/v1/namespaces/{side.namespace}/{kind}s/web/scale")
    assert (scale["apiVersion"], scale["spec"], scale["status"]["selector"]) == (
        "autoscaling/v1",
        {"replicas": 3},
        "app=web",
    )


def test_kubectl_creates_tokens(side: Side) -> None:
    """A token names its service account and speaks for it; a lifetime below ten minutes is refused."""
    token = side.says("create", "token", "default", "--duration=20m").strip()
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == f"system:serviceaccount:{side.namespace}:default"
    assert claims["exp"] - claims["iat"] == 1200
    assert claims["sub"] in side.says(f"--token={token}", "auth", "whoami")
    assert "less than 10 minutes" in side.kubectl("create", "token", "default", "--duration=1m").stderr


def test_metadata_clients_get_lists_and_watches(side: Side) -> None:
    """Clients that want metadata only ask for it by its media type; an unknown form is not acceptable."""
    side.says("create", "configmap", "seen", "--from-literal=a=b")
    place = f"/api/v1/namespaces/{side.namespace}/configmaps"
    one = side.accepting(f"{place}/seen", "PartialObjectMetadata")
    assert (one["kind"], one["metadata"]["name"], "data" in one) == ("PartialObjectMetadata", "seen", False)
    many = side.accepting(place, "PartialObjectMetadataList")
    assert (many["kind"], {each["kind"] for each in many["items"]}) == (
        "PartialObjectMetadataList",
        {"PartialObjectMetadata"},
    )
    event = side.accepting(
        f"{place}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dseen", "PartialObjectMetadata"
    )
    assert (event["type"], event["object"]["kind"]) == ("ADDED", "PartialObjectMetadata")
    for path, form in (
        (place, "PartialObjectMetadata"),
        (f"{place}/seen", "PartialObjectMetadataList"),
        (place, "Nonsense"),
    ):
        assert side.accepting(path, form)["reason"] == "NotAcceptable"


NULLS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a list": ("/api/v1/namespaces/{ns}/serviceaccounts", {"imagePullSecrets": None}, {}),
    "a member of a list": (
        "/api/v1/namespaces/{ns}/serviceaccounts",
        {"imagePullSecrets": [None]},
        {"imagePullSecrets": [{}]},
    ),
    "a map": ("/api/v1/namespaces/{ns}/configmaps", {"data": None}, {}),
    "a value of a map": ("/api/v1/namespaces/{ns}/configmaps", {"data": {"a": None}}, {"data": {"a": ""}}),
    "a required list": ("/api/v1/namespaces/{ns}/limitranges", {"spec": {"limits": None}}, {"spec": {"limits": None}}),
    "no rules": (
        "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles",
        {"rules": None},
        {"rules": None},
    ),
    "lists of a pod": (
        "/api/v1/namespaces/{ns}/podtemplates",
        {"template": {"spec": {**TEMPLATE["spec"], "tolerations": None, "volumes": None, "imagePullSecrets": [None]}}},
        {},
    ),
}


@pytest.mark.parametrize("what", NULLS)
def test_null_is_nothing_or_zero(side: Side, what: str) -> None:
    """Go clients send null for what they leave empty; in lists and maps it is the zero value."""
    place, body, expected = NULLS[what]
    made = side.ask("POST", place.format(ns=side.namespace), {"metadata": {"name": "nulls"}, **body})
    kept = {key: item for key, item in made.items() if key not in {"apiVersion", "kind", "metadata", "template"}}
    assert kept == expected


def test_an_autoscaler_is_one_object_in_two_versions(side: Side) -> None:
    """What is written as `autoscaling/v1` is read as `autoscaling/v2`, and the other way round."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50, "scaleTargetRef": target}
    place = f"namespaces/{side.namespace}/horizontalpodautoscalers"
    side.ask("POST", f"/apis/autoscaling/v1/{place}", {"metadata": {"name": "web"}, "spec": spec})
    newer = side.ask("GET", f"/apis/autoscaling/v2/{place}/web")
    assert newer["spec"]["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 50}
    older = side.ask("GET", f"/apis/autoscaling/v1/{place}/web")
    assert (older["apiVersion"], older["spec"]["targetCPUUtilizationPercentage"]) == ("autoscaling/v1", 50)


TYPED = {
    "quota": (("quota", "q", "--hard=pods=10"), "resourcequota/q"),
    "budget": (("pdb", "b", "--selector=app=web", "--min-available=1"), "pdb/b"),
    "ingress": (("ingress", "i", "--rule=example.com/=web:80"), "ingress/i"),
    "cron job": (("cronjob", "c", "--image=busybox", "--schedule=*/5 * * * *"), "cronjob/c"),
}


@pytest.mark.parametrize("what", TYPED)
def test_kubectl_creates_by_its_typed_commands(side: Side, what: str) -> None:
    """They send protobuf, which no other client does."""
    words, name = TYPED[what]
    side.says("create", *words)
    assert side.says("get", name, "-o", "name").strip()


def test_what_was_applied_by_the_client_can_be_applied_by_the_server(side: Side) -> None:
    """The same manifest conflicts with nobody: a container with defaults is still the same item of its list."""
    text = json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": WORKLOAD})
    side.says("apply", "-f", "-", stdin=text)
    assert "serverside-applied" in side.says("apply", "--server-side", "-f", "-", stdin=text)
    changed = text.replace("app:1", "app:2")
    assert (
        ".spec.template.spec.containers"
        in side.kubectl("apply", "--server-side", "--field-manager=other", "-f", "-", stdin=changed).stderr
    )


def test_kubectl_get_has_the_columns_of_a_real_server(side: Side) -> None:
    """For each kind with columns of its own."""
    for kind in Kinds():
        columns = (COLUMNS | OTHERS).get(kind.storage)
        if columns is not None:
            prefix = f"/apis/{kind.group_version}" if kind.group else "/api/v1"
            found = side.accepting(f"{prefix}/{kind.plural}?limit=1", "Table")["columnDefinitions"]
            assert [(each["name"], each["type"], each["priority"]) for each in found] == [
                each[:3] for each in columns
            ], kind


def test_a_certificate_request_is_approved(side: Side) -> None:
    """`kubectl certificate approve` sets the condition and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    text = base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
    spec = {"signerName": "example.com/signer", "usages": ["client auth"], "request": text}
    body = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    side.make(body | {"metadata": {"name": side.namespace}, "spec": spec})
    assert "approved" in side.says("certificate", "approve", side.namespace)
    found = side.ask("GET", f"/apis/certificates.k8s.io/v1/certificatesigningrequests/{side.namespace}")
    assert [each["type"] for each in found["status"]["conditions"]] == ["Approved"]
    assert found["spec"]["request"] == text
