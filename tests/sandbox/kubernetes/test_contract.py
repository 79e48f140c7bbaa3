"""What clients rely on, asked of the emulation and of a real kube-apiserver; where they differ the emulation is wrong."""

from __future__ import annotations

import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediation.model.errors import Conflict, Invalid, NotFound
from remediation.model.refs import Ref
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from runbook_sandbox.kubernetes import Cluster, serve
from tests.running import kubectl

POD = {"containers": [{"name": "app", "image": "registry.example.com/app:1"}], "terminationGracePeriodSeconds": 0}


class Server:
    """One of the two, with a namespace of its own."""

    def __init__(self, path: Path, assets: Path) -> None:
        self.path, self._assets = path, assets
        self.client = KubernetesClient(configurations.load(str(path), None)[0])
        self.namespace = f"contract-{uuid.uuid4().hex[:8]}"
        self.client.create(
            Ref("v1", "Namespace", self.namespace),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
        )

    def ref(self, kind: str, name: str, version: str = "v1") -> Ref:
        return Ref(version, kind, name, self.namespace)

    def make(self, kind: str, name: str, version: str = "v1", **fields: Any) -> dict[str, Any]:
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}} | fields
        return self.client.create(self.ref(kind, name, version), body)

    def daemonset(self, name: str) -> dict[str, Any]:
        labels = {"app": name}
        spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": POD}}
        return self.make("DaemonSet", name, "apps/v1", spec=spec)

    def kubectl(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return kubectl(self._assets, self.path, self.namespace, *words, stdin=stdin)


@pytest.fixture(params=["emulated", "real"])
def server(request: pytest.FixtureRequest, tmp_path: Path, assets: Path) -> Iterator[Server]:
    """Each test runs twice."""
    if request.param == "real":
        yield Server(request.getfixturevalue("control_plane").kubeconfig_path, assets)
        return
    with Cluster(nodes=3) as cluster, serve(cluster) as running:
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(running.kubeconfig()))
        yield Server(path, assets)


def test_create_read_delete(server: Server) -> None:
    """Create answers with uid and version; a second create conflicts; delete with another uid conflicts."""
    made = server.make("ConfigMap", "a", data={"x": "1"})
    assert made["metadata"]["uid"]
    with pytest.raises(Conflict, match='configmaps "a" already exists'):
        server.make("ConfigMap", "a")
    with pytest.raises(Conflict, match="UID in the precondition"):
        server.client.delete(server.ref("ConfigMap", "a"), str(uuid.uuid4()))
    server.client.delete(server.ref("ConfigMap", "a"), made["metadata"]["uid"], made["metadata"]["resourceVersion"])
    with pytest.raises(NotFound, match='configmaps "a" not found'):
        server.client.read(server.ref("ConfigMap", "a"))


def test_a_dry_run_stores_nothing(server: Server) -> None:
    """dryRun=All answers as if, with defaults, and leaves no trace."""
    labels = {"app": "dry"}
    body = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "dry", "namespace": server.namespace},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": POD}}}  # fmt: skip
    answer = server.client.create(server.ref("DaemonSet", "dry", "apps/v1"), body, dry_run=True)
    assert answer["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    assert answer["spec"]["template"]["spec"]["dnsPolicy"] == "ClusterFirst"
    with pytest.raises(NotFound):
        server.client.read(server.ref("DaemonSet", "dry", "apps/v1"))


def test_json_patches_are_guarded(server: Server) -> None:
    """A failing test is a conflict and changes nothing; a test of null passes for an absent field."""
    server.make("ConfigMap", "a", data={"x": "1"})
    ref = server.ref("ConfigMap", "a")
    with pytest.raises(Conflict):
        server.client.patch(
            ref, [{"op": "test", "path": "/data/x", "value": "2"}, {"op": "replace", "path": "/data/x", "value": "3"}]
        )
    assert server.client.read(ref)["data"] == {"x": "1"}
    absent = [{"op": "test", "path": "/data/y", "value": None}, {"op": "add", "path": "/data/y", "value": "2"}]
    assert server.client.patch(ref, absent)["data"] == {"x": "1", "y": "2"}
    with pytest.raises(Conflict):
        server.client.patch(ref, absent)


def test_generation_counts_changes_of_the_spec(server: Server) -> None:
    """A label does not count, a template does; the version grows with both."""
    made = server.daemonset("counted")
    ref = server.ref("DaemonSet", "counted", "apps/v1")
    labelled = server.client.patch(ref, [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}])
    assert labelled["metadata"]["generation"] == made["metadata"]["generation"] == 1
    changed = server.client.patch(
        ref, [{"op": "add", "path": "/spec/template/metadata/annotations", "value": {"a": "b"}}]
    )
    assert changed["metadata"]["generation"] == 2


def test_rejected_values_are_invalid(server: Server) -> None:
    """A value that the schema or a rule forbids is Invalid, not a conflict."""
    with pytest.raises(Invalid):
        server.make("ConfigMap", "Not_A_Name")
    server.make("Secret", "s", type="Opaque")
    with pytest.raises(Invalid, match="immutable"):
        server.client.patch(server.ref("Secret", "s"), [{"op": "replace", "path": "/type", "value": "other"}])
    with pytest.raises(Invalid):
        server.make("ConfigMap", "a", nonsense={"x": "y"})


def test_lists_are_selected_and_paged(server: Server) -> None:
    """Label and field selectors choose; pages add up."""
    for number in range(5):
        server.make("ConfigMap", f"c{number}")
        server.client.patch(
            server.ref("ConfigMap", f"c{number}"),
            [{"op": "add", "path": "/metadata/labels", "value": {"even": str(number % 2 == 0)}}],
        )
    assert len(server.client.list(server.ref("ConfigMap", ""), labels="even=True")) == 3
    assert len(server.client.list(server.ref("ConfigMap", ""), fields="metadata.name=c3")) == 1
    page = server.client.request("GET", server.ref("ConfigMap", "").path, {"limit": "2"})
    assert len(page["items"]) == 2
    assert page["metadata"]["continue"]


def test_watches_tell_of_changes(server: Server) -> None:
    """A watch gives the present objects, then what happens to them."""
    server.make("ConfigMap", "w")
    moments = server.client.changes(server.ref("ConfigMap", ""), 20, fields="metadata.name=w")
    started = time.monotonic()
    next(moments)
    server.client.patch(server.ref("ConfigMap", "w"), [{"op": "add", "path": "/data", "value": {"x": "1"}}])
    next(moments)
    moments.close()  # type: ignore[attr-defined] # a generator
    assert time.monotonic() - started < 5


def test_a_burst_of_changes_is_one_moment_and_a_stopped_watch_leaves_no_thread(server: Server) -> None:
    """Who waits for pods of a large namespace must not list them once for each."""
    for number in range(30):
        server.make("ConfigMap", f"b{number}")
    assert 1 <= len(list(server.client.changes(server.ref("ConfigMap", ""), 1))) <= 5
    assert [thread.name for thread in threading.enumerate() if thread.name == "watch"] == []


def test_service_accounts_give_pull_secrets_to_new_pods(server: Server) -> None:
    """Admission copies imagePullSecrets of the service account into a pod."""
    server.make("ServiceAccount", "puller", imagePullSecrets=[{"name": "registry"}])
    for _ in range(20):
        with suppress(NotFound, Invalid):
            pod = server.make("Pod", f"p{uuid.uuid4().hex[:5]}", spec={**POD, "serviceAccountName": "puller"})
            if pod["spec"].get("imagePullSecrets"):
                break
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_access_reviews_answer(server: Server) -> None:
    """An administrator may do everything, by both kinds of review."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "delete", "resource": "nodes"}},
    }
    assert (
        server.client.ask("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)["status"]["allowed"] is True
    )
    rules = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": server.namespace},
    }
    assert server.client.ask("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", rules)["status"]["resourceRules"]


KUBECTL: dict[str, Callable[[Server], tuple[list[tuple[str, ...]], str]]] = {
    "get": lambda server: ([("get", "daemonsets", "-o", "wide")], "kubectl-tried"),
    "describe": lambda server: ([("describe", "daemonset", "kubectl-tried")], "Selector:"),
    "rollout": lambda server: (
        [
            ("rollout", "restart", "daemonset/kubectl-tried"),
            ("rollout", "status", "daemonset/kubectl-tried", "--timeout=30s"),
        ],
        "successfully rolled out",
    ),
    "patch": lambda server: (
        [("patch", "daemonset", "kubectl-tried", "-p", '{"metadata":{"labels":{"a":"b"}}}')],
        "patched",
    ),
    "auth": lambda server: ([("auth", "can-i", "create", "pods")], "yes"),
    "api-resources": lambda server: ([("api-resources", "--api-group=apps", "-o", "name")], "daemonsets.apps"),
    "watch": lambda server: (
        [("get", "daemonset", "kubectl-tried", "--watch", "--request-timeout=2s")],
        "kubectl-tried",
    ),
    "delete": lambda server: ([("delete", "daemonset", "kubectl-tried", "--wait=true", "--timeout=30s")], "deleted"),
}


@pytest.mark.parametrize("verb", KUBECTL)
def test_kubectl_works(server: Server, verb: str) -> None:
    """Kubectl does what people use it for."""
    server.daemonset("kubectl-tried")
    commands, says = KUBECTL[verb](server)
    for command in commands:
        done = server.kubectl(*command)
    assert says in done.stdout, done.stderr


@pytest.mark.parametrize("how", [[], ["--server-side"]])
def test_kubectl_apply_and_diff(server: Server, how: list[str]) -> None:
    """Apply creates and changes; diff shows what would change, with its exit code."""
    text = yaml.safe_dump(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"x": "1"}}
    )
    assert "applied" in server.kubectl("apply", *how, "-f", "-", stdin=text).stdout
    changed = text.replace("'1'", "'2'")
    shown = server.kubectl("diff", *how, "-f", "-", stdin=changed)
    assert (shown.returncode, '+  x: "2"' in shown.stdout) == (1, True), shown.stderr
    server.kubectl("apply", *how, "-f", "-", stdin=changed)
    assert server.client.read(server.ref("ConfigMap", "applied"))["data"] == {"x": "2"}
    assert server.kubectl("diff", *how, "-f", "-", stdin=changed).returncode == 0
