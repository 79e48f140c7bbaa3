"""The two servers that every test here asks: the emulation and a real kube-apiserver."""

from __future__ import annotations

import itertools
import json
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from runbook_sandbox.kubernetes import Cluster, serve
from runbook_sandbox.nodes.rules import install
from tests.running import kubectl


@dataclass(frozen=True)
class Side:
    """One of the two servers, as kubectl sees it, and a namespace."""

    name: str
    kubeconfig: Path
    assets: Path
    namespace: str

    def kubectl(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl in the namespace; read the outcome from what is returned."""
        return kubectl(self.assets, self.kubeconfig, self.namespace, *words, stdin=stdin)

    def says(self, *words: str, stdin: str = "") -> str:
        """Return what a kubectl command prints; it must succeed."""
        done = self.kubectl(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def raw(self, path: str) -> Any:
        """Return one document of the server."""
        return json.loads(self.says("get", "--raw", path))

    def ask(self, method: str, path: str, body: Any = None, media: str = "application/json") -> dict[str, Any]:
        """Send one request as a plain client; raises the error that fits."""
        return self.client.request(method, path, {}, body, media)

    def has_account(self, _: int) -> bool:
        """Tell whether the namespace has its service account, without which it takes no pods."""
        accounts = self.ask("GET", f"/api/v1/namespaces/{self.namespace}/serviceaccounts")
        return bool(accounts["items"])

    def discovery(self, path: str) -> Any:
        """Return all groups in one document."""
        return self.accepting(path, "APIGroupDiscoveryList", "apidiscovery.k8s.io;v=v2")

    def accepting(self, path: str, form: str, group: str = "meta.k8s.io;v=v1") -> Any:
        """Return the answer, or the first event of a watch, in a form of a group."""
        user = yaml.safe_load(self.kubeconfig.read_text())["users"][0]["user"]
        answer = requests.get(
            self.client.server + path,
            headers={"Accept": f"application/json;as={form};g={group}"}
            | ({"Authorization": f"Bearer {user['token']}"} if "token" in user else {}),
            verify=self._client_configuration.ssl_ca_cert or True,
            timeout=10,
        )
        return json.loads(answer.text.splitlines()[0] if "watch=" in path else answer.text)

    @cached_property
    def client(self) -> KubernetesClient:
        """Our own client."""
        return KubernetesClient(self._client_configuration)

    @cached_property
    def _client_configuration(self) -> Any:
        return configurations.load(str(self.kubeconfig), None)[0]

    def make(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object and return it."""
        return json.loads(self.says("create", "-f", "-", "-o", "json", stdin=json.dumps(body)))  # type: ignore[no-any-return]


@pytest.fixture(scope="module", params=["emulated", "real"])
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, assets: Path
) -> Iterator[tuple[str, Path, Path]]:
    """Each test of a module runs twice; one emulated cluster serves all of them."""
    path = tmp_path_factory.mktemp(request.param) / "kubeconfig"
    if request.param == "real":
        path.write_text(request.getfixturevalue("control_plane").kubeconfig_path.read_text())
        yield request.param, path, assets
        return
    with Cluster(nodes=3) as cluster, serve(cluster) as running:
        install(cluster)
        path.write_text(yaml.safe_dump(running.kubeconfig()))
        yield request.param, path, assets


@pytest.fixture
def side(servers: tuple[str, Path, Path]) -> Side:
    """Return one of the two servers with a fresh namespace."""
    found = Side(*servers, f"official-{uuid.uuid4().hex[:8]}")
    found.ask("POST", "/api/v1/namespaces", {"metadata": {"name": found.namespace}})
    list(itertools.takewhile(lambda ready: not ready, map(found.has_account, range(1000))))
    return found
