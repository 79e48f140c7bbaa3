"""Credentials that end before their time, servers that are not trusted, answers that do not come."""

from __future__ import annotations

import base64
import json
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from remediation.verbs.breaking import ServedWorld
from runbook_sandbox.control_plane import ControlPlane
from runbook_sandbox.kubernetes import Cluster, Fault, Response, Server, kubeconfig, serve
from runbook_sandbox.nodes.marks import MARKS
from runbook_sandbox.nodes.rules import install
from runbook_sandbox.places import places
from tests.engine.world import SCENARIOS
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
    server = serve(cluster, secure=False)  # which tokens are good is for each test to say
    plain = tmp_path / "plain"
    plain.write_text(json.dumps(kubeconfig(server.url)))
    client = KubernetesClient(configurations.load(str(plain), None)[0])
    SCENARIOS["ip-masq-agent"].breaks(ServedWorld(client, print, places(real=False), MARKS))
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


class _Issuer(BaseHTTPRequestHandler):
    """An OpenID provider that gives one fresh token for the refresh token."""

    def do_GET(self) -> None:
        self._answer({"token_endpoint": f"http://{self.headers['Host']}/token"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        assert "planted-token-refresh" in body
        self._answer({"id_token": _jwt(4_000_000_000, "fresh"), "refresh_token": "planted-token-refresh", "access_token": "x", "token_type": "bearer"})  # fmt: skip

    def _answer(self, document: dict[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent."""


def _jwt(expires: int, who: str) -> str:
    """Return a token of the right form; nobody here looks at its signature."""
    parts = ({"alg": "none"}, {"exp": expires, "sub": f"planted-token-{who}"})
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "c2ln"])


def test_an_openid_token_is_refreshed(served: tuple[Cluster, Server, Path], tmp_path: Path) -> None:
    """An expired OpenID token is exchanged by the official client, although its libraries are loaded late."""
    cluster, server, _ = served
    issuer = ThreadingHTTPServer(("127.0.0.1", 0), _Issuer)
    threading.Thread(target=issuer.serve_forever, daemon=True).start()
    document = kubeconfig(server.url)
    settings = {
        "client-id": "runbook", "client-secret": "planted-token-client", "id-token": _jwt(1, "old"),
        "refresh-token": "planted-token-refresh", "idp-issuer-url": f"http://127.0.0.1:{issuer.server_address[1]}",
    }  # fmt: skip
    document["users"][0]["user"] = {"auth-provider": {"name": "oidc", "config": settings}}
    (tmp_path / "oidc").write_text(yaml.safe_dump(document))
    seen: set[str] = set()
    cluster.faults = lambda method, path, query, headers, body: seen.add(headers.get("authorization", ""))  # type: ignore[func-returns-value] # returns None
    env = {"OAUTHLIB_INSECURE_TRANSPORT": "1"}
    done = Cli(tmp_path, "--kubeconfig", str(tmp_path / "oidc"), "--context", "sandbox", env=env)("plan", *RUN[1:4])
    issuer.shutdown()
    issuer.server_close()
    assert done.expect(0).status == "planned"
    assert seen == {f"Bearer {_jwt(4_000_000_000, 'fresh')}"}


def test_a_login_plugin_that_fails(served: tuple[Cluster, Server, Path], tmp_path: Path) -> None:
    """Both ways on are commands as they stand, on the same cluster."""
    _, _, path = served
    (tmp_path / "plugin.py").write_text("raise SystemExit(1)\n")
    error = Cli(tmp_path, "--kubeconfig", str(path), "--context", "sandbox")(*RUN).expect(3).json["error"]
    assert error["next"] == f"kubectl --kubeconfig {path} --context sandbox get namespaces  or  gcloud auth login"
