"""A port that is there at once, in front of a server that is loaded when somebody first connects.

Loading gRPC takes half a second and half of the sandbox's memory, and most commands never ask for it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

_PIECE = 65536


class WakingPort:
    """Listens on a port of 127.0.0.1 and hands connections to a server that `start` starts on another port.

    Attributes:
        port: its TCP port.
        server: what `start` returned; None until it was called.
    """

    def __init__(self, port: int, start: Callable[[int], Any]) -> None:
        self._listening = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self.server: Any = None
        self._start, self._inner, self._starting = start, 0, threading.Lock()
        threading.Thread(target=self._accept, name="waking-port", daemon=True).start()

    def wake(self) -> int:
        """Start the server unless it runs, and return its own port."""
        with self._starting:
            if self.server is None:
                inner = _free_port()
                self.server, self._inner = self._start(inner), inner
        return self._inner

    def close(self) -> None:
        """Stop listening; the server is the caller's to stop."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # closing alone does not end an accept that waits
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, outside: socket.socket) -> None:
        with outside, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.wake())) as inside:
            for each in (outside, inside):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_copy, args=(inside, outside), daemon=True).start()
            _copy(outside, inside)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Send on what comes, until one side has ended."""
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            sink.sendall(piece)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
