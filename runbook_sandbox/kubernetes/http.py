"""The HTTP server in front of a cluster."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from runbook_sandbox.kubernetes.cluster import Cluster
from runbook_sandbox.kubernetes.faults import Fault
from runbook_sandbox.kubernetes.requests import Request, Response

_GONE = (BrokenPipeError, ConnectionResetError)


class Server:
    """A cluster that listens on the loopback interface until it is closed.

    Attributes:
        url: address of the API.
        port: its TCP port.
    """

    def __init__(self, cluster: Cluster, port: int) -> None:
        self._http = _HttpServer(("127.0.0.1", port), cluster)
        self.port = int(self._http.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="kubernetes-api", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end all watches; the cluster itself goes on."""
        self._http.closing = True
        self._http.shutdown()
        self._http.server_close()
        self._http.disconnect_all()
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], cluster: Cluster) -> None:
        self.cluster, self.closing = cluster, False
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        """Bind without looking up the host's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection that sends small answers at once."""
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that is over."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def disconnect_all(self) -> None:
        """Close the connections that clients keep open."""
        for each in list(self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client that went away go."""
        if not self.closing:
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Log nothing; the audit trail has every request."""

    def handle(self) -> None:
        """Serve requests until the client goes away."""
        with contextlib.suppress(*_GONE, TimeoutError):
            super().handle()

    def _serve(self) -> None:
        request = self._read()
        fault = self.server.cluster.fault_for(request)
        if fault is None:
            self._send(self.server.cluster.answer(request))
        else:
            self._fail(request, fault)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the base class

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length") or 0))
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join(self._chunks())
        groups = tuple(self.headers.get_all("Impersonate-Group", ()))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Request(self.command, unquote(parts.path), query, headers, body, uri=self.path, groups=groups)

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _fail(self, request: Request, fault: Fault) -> None:
        time.sleep(fault.delay)
        if fault.close == "before":
            self._hang_up()
            return
        answer = fault.answer or self.server.cluster.answer(request)
        if fault.close == "after":
            self._hang_up()
            return
        self._send(answer)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, response: Response) -> None:
        self.send_response(response.code)
        self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.lines is not None:
            self._stream(response.lines)
            return
        data = response.data()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

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
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"")
        except BlockingIOError:
            return False
        except OSError:
            return True


def serve(cluster: Cluster, port: int = 0) -> Server:
    """Serve a cluster over HTTP on 127.0.0.1; port 0 takes a free one."""
    return Server(cluster, port)


def kubeconfig(url: str, token: str | None = None) -> dict[str, Any]:
    """Return a kubeconfig for the server at a URL."""
    user = {"token": token} if token else {}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [{"name": "sandbox", "cluster": {"server": url}}],
        "users": [{"name": "sandbox", "user": user}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
    }
