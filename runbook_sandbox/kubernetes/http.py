"""The HTTP server in front of a cluster."""

from __future__ import annotations

import secrets
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, unquote, urlsplit

from runbook_sandbox.certificates import Certificate, certificate
from runbook_sandbox.kubernetes.cluster import Cluster
from runbook_sandbox.kubernetes.faults import Fault
from runbook_sandbox.kubernetes.problems import bad_request, full, too_large
from runbook_sandbox.kubernetes.requests import ADMINISTRATOR, Request, Response
from runbook_sandbox.listening import MOST_BYTES, Connection, Listener, TooLarge, Unreadable


class Server:
    """A cluster that listens on the loopback interface until it is closed.

    Attributes:
        url: address of the API.
        port: its TCP port.
        token: the administrator's bearer token; empty on a port that asks nobody who they are.
    """

    def __init__(self, cluster: Cluster, port: int, certificate: Certificate | None) -> None:
        self._http = _Listener(port, cluster, certificate)
        self._certificate, self.token = certificate, secrets.token_hex(32) if certificate else ""
        if self.token:
            cluster.tokens[self.token] = ADMINISTRATOR
        self.port = int(self._http.server_address[1])
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="kubernetes-api", daemon=True
        )
        self._thread.start()

    @property
    def authority(self) -> str:
        """The certificate that vouches for the server, as a kubeconfig holds it; empty without TLS."""
        return self._certificate.data if self._certificate else ""

    def kubeconfig(self, token: str = "") -> dict[str, Any]:
        """Return a kubeconfig for a token, the administrator's unless another is given."""
        return kubeconfig(self.url, token or self.token, self.authority)

    def close(self) -> None:
        """Stop listening and end all watches; the cluster itself goes on."""
        self._http.close()
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Listener(Listener):
    def __init__(self, port: int, cluster: Cluster, certificate: Certificate | None) -> None:
        self.cluster, self.trusts_all = cluster, certificate is None
        super().__init__(port, _Connection, certificate)


class _Connection(Connection):
    server: _Listener

    def _serve(self) -> None:
        try:
            self._answer()
        except MemoryError:  # of a body that is read, or an answer that is written
            self.close_connection = True
            self._send(full().response)

    def _answer(self) -> None:
        cluster, request = self.server.cluster, self._head()
        try:
            if request.is_trusted or cluster.knows(request) or cluster.faults is not None:
                self.welcome()
                request.body = self.read_body()
            else:
                self.skip_body()  # nobody's memory is for who has not said who they are
        except (TooLarge, Unreadable) as problem:
            self._send(too_large(MOST_BYTES).response if isinstance(problem, TooLarge) else bad_request("EOF").response)
            return
        fault = cluster.fault_for(request)
        if fault is None:
            self._send(cluster.answer(request))
        else:
            self._fail(request, fault)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815 - names of the base class

    def _head(self) -> Request:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        groups = tuple(self.headers.get_all("Impersonate-Group", ()))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        trusted = self.server.trusts_all
        return Request(
            self.command, unquote(parts.path), query, headers, uri=self.path, groups=groups, is_trusted=trusted
        )

    def _fail(self, request: Request, fault: Fault) -> None:
        time.sleep(fault.delay)
        if fault.close == "before":
            self.hang_up()
            return
        answer = fault.answer or self.server.cluster.answer(request)
        if fault.close == "after":
            self.hang_up()
            return
        self._send(answer)

    def _send(self, response: Response) -> None:
        data = b"" if response.lines is not None else response.data()
        self.send_response(response.code)
        if response.upgrade is None:
            self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.upgrade is not None:
            self._switch(response.upgrade)
            return
        if response.lines is not None:
            self._stream(response.lines)
            return
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()

    def _switch(self, talk: Callable[[BinaryIO, BinaryIO], None]) -> None:
        self.close_connection = True
        self.end_headers()
        self.wfile.flush()
        talk(self.rfile, self.wfile)  # type: ignore[arg-type] # both are of the base class, which says less of them

    def _stream(self, lines: Iterator[bytes]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        for line in lines:
            if self.server.closing or (not line and self._client_left()):
                self.close_connection = True
                return
            if line:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _client_left(self) -> bool:
        """Tell whether a client that only listens has something to say: over TLS, too, that it goes."""
        try:
            return bool(select.select([self.connection], [], [], 0)[0]) and not self._is_more_to_read()
        except (OSError, ValueError):
            return True

    def _is_more_to_read(self) -> bool:
        if isinstance(self.connection, ssl.SSLSocket):
            return False
        return bool(self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b"")


def serve(cluster: Cluster, port: int = 0, *, secure: bool = True) -> Server:
    """Serve a cluster on 127.0.0.1; port 0 takes a free one.

    A port that is not secure speaks plain HTTP and takes everybody for the administrator.
    """
    return Server(cluster, port, certificate() if secure else None)


def kubeconfig(url: str, token: str = "", authority: str = "") -> dict[str, Any]:
    """Return a kubeconfig for the server at a URL; `authority` is the certificate that vouches for it."""
    cluster = {"server": url} | ({"certificate-authority-data": authority} if authority else {})
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": "sandbox", "user": {"token": token} if token else {}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
    }
