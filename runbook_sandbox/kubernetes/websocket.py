"""The WebSocket side of `attach` and `exec`: frames, and Kubernetes' channels in them.

Source: RFC 6455; the channels are those of
https://kubernetes.io/docs/reference/using-api/websockets/ and k8s.io/apimachinery/pkg/util/remotecommand.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from typing import BinaryIO

from runbook_sandbox.kubernetes.problems import bad_request
from runbook_sandbox.kubernetes.requests import Request

STDIN, STDOUT, ERROR, CLOSED = 0, 1, 3, 255
_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_LARGEST = 1 << 20


def handshake(request: Request) -> dict[str, str]:
    """Return the headers that accept a request for channels; raises Problem (400) for any other request."""
    key = request.headers.get("sec-websocket-key", "")
    if request.headers.get("upgrade", "").lower() != "websocket" or not key:
        raise bad_request("Upgrade request required")
    offered = [each.strip() for each in request.headers.get("sec-websocket-protocol", "").split(",")]
    spoken = next((each for each in _PROTOCOLS if each in offered), None)
    if spoken is None:
        raise bad_request(f"unable to negotiate protocol: client supports {offered}, server accepts {[*_PROTOCOLS]}")
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest())  # noqa: S324 - what the RFC asks for
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept.decode(),
        "Sec-WebSocket-Protocol": spoken,
    }


class Channels:
    """One upgraded connection."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming, self._outgoing, self._lock = incoming, outgoing, threading.Lock()

    def send(self, channel: int, data: bytes) -> None:
        """Send data on a channel."""
        self._frame(_BINARY, bytes([channel]) + data)

    def close(self) -> None:
        """Tell the client that nothing more comes."""
        self._frame(_CLOSE, (1000).to_bytes(2, "big"))

    def receive(self) -> tuple[int, bytes] | None:
        """Return the next data and their channel, None when the client is done."""
        while True:
            opcode, data = self._read()
            if opcode == _CLOSE:
                return None
            if opcode == _PING:
                self._frame(_PONG, data)
            elif opcode in {_TEXT, _BINARY, _CONTINUED} and data:
                return data[0], data[1:]

    def _frame(self, opcode: int, data: bytes) -> None:
        size, length = len(data), b""
        if size > 125:
            size, length = (126, size.to_bytes(2, "big")) if size < 1 << 16 else (127, size.to_bytes(8, "big"))
        with self._lock:
            self._outgoing.write(bytes([0x80 | opcode, size]) + length + data)
            self._outgoing.flush()

    def _read(self) -> tuple[int, bytes]:
        head = self._incoming.read(2)
        if len(head) < 2:
            return _CLOSE, b""
        size = head[1] & 0x7F
        if size > 125:
            size = int.from_bytes(self._incoming.read(2 if size == 126 else 8), "big")
        if size > _LARGEST:
            return _CLOSE, b""
        mask = self._incoming.read(4) if head[1] & 0x80 else bytes(4)
        data = self._incoming.read(size)
        return head[0] & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
