"""Serve the emulated cloud over HTTP, and over gRPC from the moment when somebody asks for it."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from runbook_sandbox.google.access import caller
from runbook_sandbox.google.cloud import OWNER, GoogleCloud
from runbook_sandbox.google.faults import Fault, GoogleError, invalid
from runbook_sandbox.google.routes import dispatch
from runbook_sandbox.google.waking import WakingPort
from runbook_sandbox.listening import MOST_BYTES, Connection, Listener, TooLarge, Unreadable

_log = logging.getLogger(__name__)


class Server:
    """A running emulation.

    Attributes:
        url: for REST.
        grpc_target: host and port for ``google.iam.admin.v1.IAM``.
        token: the owner's access token.
    """

    def __init__(self, cloud: GoogleCloud, port: int = 0, grpc_port: int = 0) -> None:
        self.cloud, self.token = cloud, secrets.token_hex(32)
        cloud.tokens[self.token] = OWNER
        self._http = _Listener(port, cloud)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._grpc = WakingPort(grpc_port, self._start_grpc)
        self.grpc_target = f"127.0.0.1:{self._grpc.port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _start_grpc(self, port: int) -> Any:
        from runbook_sandbox.google.iam_grpc import start  # noqa: PLC0415 - this is what takes half a second

        return start(self.cloud, port)

    def wait_ready(self) -> None:
        """Wait until gRPC answers without a delay."""
        self._grpc.wake()

    def close(self) -> None:
        """Stop both servers."""
        self._grpc.close()
        if self._grpc.server is not None:
            self._grpc.server.stop(0)
        self._http.close()


class _Listener(Listener):
    def __init__(self, port: int, cloud: GoogleCloud) -> None:
        self.cloud = cloud
        super().__init__(port, _Handler)


def serve(cloud: GoogleCloud, port: int = 0, grpc_port: int = 0) -> Server:
    """Start serving on a port of 127.0.0.1, any free one for 0."""
    return Server(cloud, port, grpc_port)


class _Handler(Connection):
    server: _Listener

    def _answer(self) -> None:
        split = urlsplit(self.path)
        path, query = unquote(split.path), dict(parse_qsl(split.query))
        try:
            who = self._caller()
            self.welcome()
            body = self._body()
        except GoogleError as problem:
            return self._send(problem.code, problem.as_json(), {})
        faults = self.server.cloud.faults
        fault = (faults(self.headers.get("Host", ""), self.command, path, body) if faults else None) or Fault()
        time.sleep(fault.delay)
        if fault.close == "before":
            return self.hang_up()
        code, document = self._result(path, query, body, who, fault)
        self.server.cloud.requests.append({"service": "http", "method": self.command, "path": path, "code": code})
        return self.hang_up() if fault.close == "after" else self._send(code, document, fault.headers)

    def _caller(self) -> str:
        try:
            return caller(self.server.cloud, self.headers.get("Authorization", ""))
        except GoogleError:
            self.skip_body()  # nobody's memory is for who has not said who they are
            raise

    def _body(self) -> dict[str, Any]:
        try:
            content = self.read_body()
            found = json.loads(content) if content.strip() else {}
        except TooLarge:
            raise GoogleError(413, f"Request payload size exceeds the limit: {MOST_BYTES} bytes.") from None
        except (Unreadable, ValueError, RecursionError):
            raise invalid("Invalid JSON payload received. Unexpected token.") from None
        if not isinstance(found, dict):
            raise invalid("Invalid JSON payload received. Unknown name \"\": Root element must be a message.")  # fmt: skip
        return found

    def _result(
        self, path: str, query: dict[str, str], body: dict[str, Any], who: str, fault: Fault
    ) -> tuple[int, dict[str, Any]]:
        if fault.code:
            return fault.code, GoogleError(fault.code, fault.message).as_json()
        try:
            return 200, dispatch(self.server.cloud, self.command, path, query, body, who)
        except GoogleError as problem:
            return problem.code, problem.as_json()
        except Exception:  # noqa: BLE001 - a bug of ours is an answer to the client too, not a lost connection
            _log.exception("%s %s failed", self.command, path)
            return 500, GoogleError(500, "Internal error encountered.").as_json()

    def _send(self, code: int, document: dict[str, Any], headers: dict[str, str]) -> None:
        content = json.dumps(document).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that the base class looks for
