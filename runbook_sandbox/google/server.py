"""Serve the emulated cloud over HTTP at once, and over gRPC a moment later: loading gRPC takes half a second."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from runbook_sandbox.google.cloud import GoogleCloud
from runbook_sandbox.google.faults import Fault, GoogleError
from runbook_sandbox.google.routes import dispatch

_READY_SECONDS = 20.0


class Server:
    """A running emulation. ``url`` is for REST, ``grpc_target`` for ``google.iam.admin.v1.IAM``."""

    def __init__(self, cloud: GoogleCloud, port: int = 0, grpc_port: int = 0) -> None:
        self.cloud = cloud
        self._http = _HttpServer(("127.0.0.1", port), type("Handler", (_Handler,), {"cloud": cloud}))
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._grpc: Any = None
        self._grpc_port = grpc_port or _free_port()
        self.grpc_target = f"127.0.0.1:{self._grpc_port}"
        self._ready = threading.Event()
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        threading.Thread(target=self._start_grpc, daemon=True).start()

    def _start_grpc(self) -> None:
        from runbook_sandbox.google.keys_grpc import start  # noqa: PLC0415 - this is what takes half a second

        self._grpc = start(self.cloud, self._grpc_port)
        self._ready.set()

    def wait_ready(self) -> None:
        """Wait until gRPC answers too; raises TimeoutError."""
        if not self._ready.wait(_READY_SECONDS):
            raise TimeoutError("the emulated IAM API did not start")

    def close(self) -> None:
        """Stop both servers."""
        self._ready.wait(_READY_SECONDS)
        if self._grpc is not None:
            self._grpc.stop(0)
        self._http.shutdown()
        self._http.server_close()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def serve(cloud: GoogleCloud, port: int = 0, grpc_port: int = 0) -> Server:
    """Start serving on a port of 127.0.0.1, any free one for 0."""
    return Server(cloud, port, grpc_port)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    cloud: GoogleCloud

    def _answer(self) -> None:
        path, query, body = self._asked()
        faults = self.cloud.faults
        fault = faults(self.headers.get("Host", ""), self.command, path, body) if faults else None
        fault = fault or Fault()
        time.sleep(fault.delay)
        if fault.close == "before":
            return self._drop()
        code, document = self._result(path, query, body, fault)
        self.cloud.requests.append({"service": "http", "method": self.command, "path": path, "code": code})
        return self._drop() if fault.close == "after" else self._send(code, document, fault.headers)

    def _asked(self) -> tuple[str, dict[str, str], dict[str, Any]]:
        split = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(content) if content[:1] == b"{" else dict(parse_qsl(content.decode(errors="replace")))
        return unquote(split.path), dict(parse_qsl(split.query)), body

    def _result(
        self, path: str, query: dict[str, str], body: dict[str, Any], fault: Fault
    ) -> tuple[int, dict[str, Any]]:
        if fault.code:
            return fault.code, GoogleError(fault.code, fault.message).as_json()
        try:
            return 200, dispatch(self.cloud, self.command, path, query, body, self._caller())
        except GoogleError as problem:
            return problem.code, problem.as_json()

    def _caller(self) -> str:
        return self.headers.get("Authorization", "").partition(" ")[2]

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _send(self, code: int, document: dict[str, Any], headers: dict[str, str]) -> None:
        content = json.dumps(document).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the signature of the base class
        """Stay silent; requests are recorded in the cloud."""
