"""What both HTTP servers of the sandbox share: loopback only, TLS where wanted, and limits on what a client may take.

Everybody on the machine can reach a port of 127.0.0.1. So connections, bodies and waiting are limited before anybody
has said who they are.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from runbook_sandbox.certificates import Certificate

# As the real API server and etcd: https://github.com/kubernetes/apiserver, pkg/server/config.go, MaxRequestBodyBytes.
MOST_BYTES = 3 * 1024 * 1024
MOST_CONNECTIONS = 512
# Of who has not said who they are, and of who has.
_STRANGER_SECONDS, _IDLE_SECONDS = 10.0, 120.0
_DRAINED = 8 * MOST_BYTES
_PIECE = 65536
_TLS_BEGINS = b"\x16"
_WRONG_PROTOCOL = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
# A client that went away, and one that was sent away because there is no memory for it.
_GONE = (BrokenPipeError, ConnectionResetError, TimeoutError, ssl.SSLError, MemoryError)


class TooLarge(Exception):
    """A body of more than MOST_BYTES."""


class Unreadable(Exception):
    """A body whose length is no number."""


class Listener(ThreadingHTTPServer):
    """A server of the loopback interface with a thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, handler: type[Connection], certificate: Certificate | None = None) -> None:
        self.closing = False
        self._certificate, self._connections = certificate, set[socket.socket]()
        super().__init__(("127.0.0.1", port), handler)

    def server_bind(self) -> None:
        """Bind without looking up the host's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Take no more connections than there may be threads."""
        return len(self._connections) < MOST_CONNECTIONS

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve until it is closed; a moment without memory ends a connection, and not the server."""
        while not self.closing:
            with contextlib.suppress(MemoryError):
                super().serve_forever(poll_interval)
                return

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember a connection, and send small answers at once."""
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(request)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, in its own thread."""
        if self._certificate is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(_STRANGER_SECONDS)
        if request.recv(1, socket.MSG_PEEK) != _TLS_BEGINS:
            request.sendall(_WRONG_PROTOCOL)
            return
        with self._certificate.context.wrap_socket(request, server_side=True) as secured:
            self._connections.add(secured)
            try:
                super().finish_request(secured, client_address)
            finally:
                self._connections.discard(secured)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that is over."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def close(self) -> None:
        """Stop listening, and close the connections that clients keep open."""
        self.closing = True
        self.shutdown()
        self.server_close()
        for each in list(self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client that went away, or never meant it, go."""
        import sys  # noqa: PLC0415 - as the base class does

        if not self.closing and not isinstance(sys.exception(), _GONE):
            super().handle_error(request, client_address)


class Connection(BaseHTTPRequestHandler):
    """One connection; requests are served until the client goes away."""

    protocol_version = "HTTP/1.1"
    timeout = _STRANGER_SECONDS
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Log nothing: a request may be anybody's."""

    def handle(self) -> None:
        """Serve requests until the client goes away."""
        with contextlib.suppress(*_GONE):
            super().handle()

    def welcome(self) -> None:
        """Let a client that has said who it is keep its connection for longer."""
        self.connection.settimeout(_IDLE_SECONDS)

    def read_body(self) -> bytes:
        """Return the body of the request; raises TooLarge or Unreadable, and then no further request can be read."""
        try:
            return b"".join(self._pieces(MOST_BYTES))
        except (TooLarge, Unreadable):
            self.close_connection = True
            if "Transfer-Encoding" not in self.headers:  # where chunks go wrong, nobody knows what comes next
                self.skip_body()
            raise

    def skip_body(self) -> None:
        """Read what a client still sends, so that it comes to read the answer; keep nothing of it."""
        self.close_connection = True
        with contextlib.suppress(TooLarge, Unreadable, *_GONE):
            for _ in self._pieces(_DRAINED):
                pass

    def _pieces(self, limit: int) -> Iterator[bytes]:
        """Yield the body in pieces, none of which anybody could make large."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            yield from self._chunks(limit)
            return
        length = _number(self.headers.get("Content-Length") or "0", 10)
        if length > limit:
            raise TooLarge
        yield from self._exactly(length)

    def _chunks(self, limit: int) -> Iterator[bytes]:
        while size := _number(self.rfile.readline(_PIECE).split(b";")[0].decode("latin-1").strip(), 16):
            limit -= size
            if limit < 0:
                raise TooLarge
            yield from self._exactly(size)
            self.rfile.readline(_PIECE)
        self.rfile.readline(_PIECE)

    def _exactly(self, length: int) -> Iterator[bytes]:
        while length > 0:
            piece = self.rfile.read(min(length, _PIECE))
            if not piece:
                raise Unreadable
            length -= len(piece)
            yield piece

    def hang_up(self) -> None:
        """Close the connection without an answer."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _number(text: str, base: int) -> int:
    try:
        found = int(text, base)
    except ValueError:
        raise Unreadable from None
    if found < 0:
        raise Unreadable
    return found
