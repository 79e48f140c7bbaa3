"""Credentials that end before their time, servers that are not trusted, answers that do not come."""

from __future__ import annotations

import base64
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from remediation.clients import configurations
from remediation.clients.kubernetes import KubernetesClient
from remediation.sandbox.kubernetes import Cluster, Fault, Response, Server, kubeconfig, serve
from remediation.sandbox.scenarios import SCENARIOS
from remediation.sandbox.scenarios.rules import install
from remediation.testing.control_plane import ControlPlane
from tests.running import Cli

RUN = ("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes")
# What a cloud's login plugin does: print a token, a new one each time.
PLUGIN = """
import json, pathlib
counter = pathlib.Path({counter!r})
number = int(counter.read_text()) + 1
counter.write_text(str(number))
status = {{"token": f"planted-token-{{number}}", "expirationTimestamp": "2099-01-01T00:00:00Z"}}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}}))
"""

# A valid certificate that signed nothing here.
_OTHER_CA = """\
-----BEGIN CERTIFICATE-----
MIIBjzCCATWgAwIBAgIUHhmT/b+8n/F5bKz7CXrYERwOZXEwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRb3RoZXIuZXhhbXBsZS5jb20wIBcNMjYxMTIxMDczMjEzWhgP
MjEyNjEwMjgwNzMyMTNaMBwxGjAYBgNVBAMMEW90aGVyLmV4YW1wbGUuY29tMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7bTAX4STQxnOa13QoiLpTm1b705YGWG3
A79ynJ20DrO/mBa7eXGhV2uj2FGhBw9mur0gAf8+6AzUzEXMFWhM6aNTMFEwHQYD
VR0OBBYEFD3uYsxgbWqHgD/DTKgxWCFYfR/IMB8GA1UdIwQYMBaAFD3uYsxgbWqH
gD/DTKgxWCFYfR/IMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIg
aNw9idV2WD7yfDn5xtJT3hodfXiddk3DJodF2VKoR+4CIQDf07yA9wzAWMqAqEXa
mLOdMXG023ds5rYxfYrEP9R29w==
-----END CERTIFICATE-----
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Cluster, Server, Path]]:
    """A cluster with the fault of ip-masq-agent, and a kubeconfig whose token comes from a plugin."""
    cluster = Cluster(nodes=2)
    install(cluster)
    server = serve(cluster)
    plain = tmp_path / "plain"
    plain.write_text(json.dumps(kubeconfig(server.url)))
    SCENARIOS["ip-masq-agent"].put(KubernetesClient(configurations.load(str(plain), None)[0]), None, False)
    cluster.settle()
    (tmp_path / "counter").write_text("0")
    (tmp_path / "plugin.py").write_text(PLUGIN.format(counter=str(tmp_path / "counter")))
    document = kubeconfig(server.url)
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "interactiveMode": "Never"}
    document["users"][0]["user"] = {"exec": command | {"args": [str(tmp_path / "plugin.py")]}}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    yield cluster, server, tmp_path / "kubeconfig"
    server.close()
    cluster.close()


def _refuse(cluster: Cluster, rejected: dict[str, int]) -> None:
    """Accept each token for five requests, as if it had been revoked then."""

    def fault(method: str, path: str, query: object, headers: dict[str, str], body: object) -> Fault | None:
        token = headers.get("Authorization", headers.get("authorization", ""))
        rejected[token] = rejected.get(token, 0) + 1
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Unauthorized", "code": 401}  # fmt: skip
        return Fault(answer=Response(401, status)) if rejected[token] > 5 else None

    cluster.faults = fault


def test_a_token_that_ends_during_a_run_is_renewed(served: tuple[Cluster, Server, Path], tmp_path: Path) -> None:
    """A run outlives its token: the login plugin is asked again, and nothing is printed of what it said."""
    cluster, _, path = served
    seen: dict[str, int] = {}
    _refuse(cluster, seen)
    done = Cli(tmp_path, "--kubeconfig", str(path), "--context", "sandbox", "--log", "json")(*RUN).expect(0)
    assert done.status == "verified"
    assert len(seen) > 2
    assert all("planted-token-" in token for token in seen)
    assert "planted-token-" not in done.out + done.err + (tmp_path / "journal.db").read_bytes().decode("latin-1")


def test_a_plugin_that_fails_is_told_without_its_output(served: tuple[Cluster, Server, Path], tmp_path: Path) -> None:
    """Somebody has to log in again: exit 3, and the plugin's words stay where they are."""
    (tmp_path / "plugin.py").write_text("import sys; print('planted-output'); sys.exit('planted-error')")
    done = Cli(tmp_path, "--kubeconfig", str(served[2]), "--context", "sandbox")(*RUN).expect(3)
    assert done.json["error"]["next"]
    assert "the login plugin" in done.json["error"]["summary"]
    assert "planted" not in done.out + done.err


def test_a_server_with_another_certificate(control_plane: ControlPlane, tmp_path: Path) -> None:
    """A server that the kubeconfig's authority did not sign is not spoken to."""
    document = yaml.safe_load(control_plane.take_user()[1].read_text())
    document["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(_OTHER_CA.encode()).decode()
    document["clusters"][0]["cluster"].pop("certificate-authority", None)
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    done = Cli(tmp_path, "--kubeconfig", str(tmp_path / "kubeconfig"))(*RUN).expect(4)
    assert "its certificate is not trusted" in done.json["error"]["summary"]
    assert done.json["run_id"] is None


def test_a_server_that_never_answers(tmp_path: Path) -> None:
    """An open port behind which nobody speaks ends the run in time, with the reason."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig(f"http://127.0.0.1:{silent.getsockname()[1]}")))
        done = Cli(tmp_path, "--kubeconfig", str(tmp_path / "kubeconfig"))(*RUN).expect(4)
    assert "did not answer in time" in done.json["error"]["summary"]
