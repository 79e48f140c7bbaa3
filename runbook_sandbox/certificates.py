"""A certificate for 127.0.0.1, alias localhost, that lives as long as its sandbox.

kubectl sends no bearer token over plain HTTP: https://github.com/kubernetes/client-go, tools/clientcmd/client_config.go.
"""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address

_LIFE = timedelta(days=365)
_KEY_BEGINS = b"-----BEGIN PRIVATE KEY-----"


@dataclass(frozen=True)
class Certificate:
    """A certificate that vouches for itself, and a server's TLS settings with its key."""

    pem: bytes
    context: ssl.SSLContext

    @property
    def data(self) -> str:
        """The certificate as `certificate-authority-data`."""
        return base64.b64encode(self.pem).decode()


class _Child:
    """A process that makes the certificate while this one does something else."""

    def __init__(self) -> None:
        self._read_end, write_end = os.pipe()
        self._process = os.fork()
        if not self._process:
            with open(write_end, "wb") as pipe:
                pipe.write(_made())
            os._exit(0)
        os.close(write_end)

    def result(self) -> bytes:
        """Return certificate and key."""
        with open(self._read_end, "rb") as pipe:
            found = pipe.read()
        os.waitpid(self._process, 0)
        return found


_begun: list[_Child] = []


def begin() -> None:
    """Start to make the certificate; call it before there are threads. Loading the library takes as long as all the rest."""
    _begun.append(_Child())


@cache
def certificate() -> Certificate:
    """Return the certificate of this process; its key is nowhere else."""
    chain = (_begun.pop().result() if _begun else b"") or _made()
    return Certificate(chain[: chain.index(_KEY_BEGINS)], _context(chain))


def _made() -> bytes:
    """Return a new certificate and its key."""
    from cryptography import x509  # noqa: PLC0415 - a quarter of the time in which the sandbox is ready
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "runbook sandbox")])
    places = [x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")]
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName(places), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    how = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secret = key.private_bytes(serialization.Encoding.PEM, *how)
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + secret


def _context(chain: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The module reads files only; this one is nobody else's to read, and gone a moment later.
    with tempfile.NamedTemporaryFile(prefix="runbook-") as file:
        file.write(chain)
        file.flush()
        context.load_cert_chain(file.name)
    return context
