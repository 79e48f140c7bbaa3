"""The files and command lines of a Kubernetes control plane that lives in one directory."""

from __future__ import annotations

import base64
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ADMINISTRATOR = "admin"
READER = "reader"
IMPERSONATOR = "impersonator"
POOL = tuple(f"user-{number}" for number in range(1, 21))
COMPONENTS = ("system:kube-controller-manager", "system:kube-scheduler", "kwok")

_WRITES = ["create", "update", "patch", "delete", "deletecollection"]
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        # The control plane's own traffic would be nearly all of the log, and no test asks about it.
        {"level": "None", "users": [*COMPONENTS, "system:apiserver"]},
        {"level": "None", "nonResourceURLs": ["/readyz", "/livez", "/healthz"]},
        {"level": "Request", "verbs": _WRITES},
        {"level": "Metadata"},
    ],
}
_NO_AUDIT = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "None"}]}


@dataclass(frozen=True)
class Ports:
    """Three free TCP ports on the loopback interface."""

    etcd_client: int
    etcd_peer: int
    api: int


def free_ports() -> Ports:
    """Choose three different ports that nobody listens on at this moment."""
    # All three stay bound until the last is chosen, so that the kernel cannot give the same one twice.
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    numbers = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return Ports(*numbers)


def _new_tokens() -> dict[str, str]:
    return {user: secrets.token_hex(16) for user in (ADMINISTRATOR, READER, IMPERSONATOR, *POOL, *COMPONENTS)}


@dataclass(frozen=True)
class Layout:
    """Where the parts of one control plane are, and the credentials of its users."""

    assets: Path
    directory: Path
    ports: Ports = field(default_factory=free_ports)
    tokens: Mapping[str, str] = field(default_factory=_new_tokens, repr=False)

    @property
    def url(self) -> str:
        """Return the address of the API server."""
        return f"https://127.0.0.1:{self.ports.api}"

    @property
    def ca_file(self) -> Path:
        """Return the file that verifies the server; the API server writes it when it starts."""
        return self.directory / "certs" / "apiserver.crt"

    @property
    def audit_log(self) -> Path:
        """Return the file of audit events, one JSON document a line."""
        return self.directory / "audit.log"

    def write(self, *, audit: bool) -> None:
        """Write everything that the programs read when they start."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.audit_log.touch()
        policy = _AUDIT_POLICY if audit else _NO_AUDIT
        (self.directory / "audit.yaml").write_text(yaml.safe_dump(policy))
        _write_secret(self.directory / "sa.key", _signing_key())
        _write_secret(self.directory / "tokens.csv", self._token_lines())
        for component in COMPONENTS:
            # These start before the server has written its certificate.
            self.write_kubeconfig(component, {"token": self.tokens[component]}, {"insecure-skip-tls-verify": True})

    def _token_lines(self) -> str:
        masters = {ADMINISTRATOR, *COMPONENTS}
        lines = [
            f'{token},{user},{user},"{"system:masters" if user in masters else "testers"}"\n'
            for user, token in self.tokens.items()
        ]
        return "".join(lines)

    def write_kubeconfig(
        self, name: str, credentials: Mapping[str, object], trust: Mapping[str, object] | None = None
    ) -> Path:
        """Write a kubeconfig with one context, called `control-plane`, and return its path."""
        path = self.directory / f"{name.replace(':', '-')}.kubeconfig"
        cluster = {"server": self.url, **(trust or {"certificate-authority": str(self.ca_file)})}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "control-plane",
            "clusters": [{"name": "control-plane", "cluster": cluster}],
            "users": [{"name": name, "user": dict(credentials)}],
            "contexts": [{"name": "control-plane", "context": {"cluster": "control-plane", "user": name}}],
        }
        _write_secret(path, yaml.safe_dump(document))
        return path

    def etcd(self) -> Sequence[str]:
        """Return the command line of the store."""
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.ports.etcd_client, self.ports.etcd_peer))
        return (
            *(str(self.assets / "etcd"), "--data-dir", str(self.directory / "etcd")),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"default={peer}", "--unsafe-no-fsync"),
        )

    def api_server(self) -> Sequence[str]:
        """Return the command line of the API server."""
        key = self.directory / "sa.key"
        return (
            *(str(self.assets / "kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{self.ports.etcd_client}"),
            *(f"--secure-port={self.ports.api}", "--bind-address=127.0.0.1", f"--cert-dir={self.ca_file.parent}"),
            *(f"--token-auth-file={self.directory / 'tokens.csv'}", "--authorization-mode=RBAC"),
            *(f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"),
            *("--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.96.0.0/16"),
            *("--allow-privileged=true", f"--audit-policy-file={self.directory / 'audit.yaml'}"),
            # A test that reads the log after an answer must find that request in it, in one file.
            *(f"--audit-log-path={self.audit_log}", "--audit-log-mode=blocking", "--audit-log-maxsize=4096"),
        )

    def controllers(self) -> Mapping[str, Sequence[str]]:
        """Return the command lines of everything that needs only the API server."""
        controller_manager, scheduler, kwok = (
            f"--kubeconfig={self.directory / component.replace(':', '-')}.kubeconfig" for component in COMPONENTS
        )
        return {
            "kube-controller-manager": (
                *(str(self.assets / "kube-controller-manager"), controller_manager, "--leader-elect=false"),
                *(f"--service-account-private-key-file={self.directory / 'sa.key'}", f"--root-ca-file={self.ca_file}"),
                *("--use-service-account-credentials=false", "--secure-port=0"),
                # On a busy machine simulated nodes send their heartbeats late; pods once marked as not ready for that stay so.
                "--node-monitor-grace-period=24h",
            ),
            "kube-scheduler": (
                *(str(self.assets / "kube-scheduler"), scheduler, "--leader-elect=false", "--secure-port=0"),
            ),
            "kwok": (
                *(str(self.assets / "kwok"), kwok, "--manage-all-nodes=true"),
                f"--config={self.directory / 'kwok.yaml'}",
            ),
        }


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _signing_key() -> str:
    """Return a new P-256 private key as PEM.

    RFC 5915 makes the public point optional, so the key is one random number in a fixed frame and needs no library.
    """
    number = (secrets.randbits(255) | 1).to_bytes(32, "big")
    frame = bytes.fromhex("30310201010420") + number + bytes.fromhex("a00a06082a8648ce3d030107")
    return f"-----BEGIN EC PRIVATE KEY-----\n{base64.b64encode(frame).decode()}\n-----END EC PRIVATE KEY-----\n"
