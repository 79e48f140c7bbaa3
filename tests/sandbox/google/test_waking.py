"""A server that takes long to load is loaded when somebody first asks for it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest

from runbook_sandbox.google.waking import WakingPort


def _echo(port: int) -> socket.socket:
    listening = socket.create_server(("127.0.0.1", port))

    def answer() -> None:
        connection, _ = listening.accept()
        with connection:
            while piece := connection.recv(100):
                connection.sendall(piece.upper())

    threading.Thread(target=answer, daemon=True).start()
    return listening


def test_the_first_connection_starts_the_server() -> None:
    """Nothing is started before, and the client sees one server on one port."""
    port = WakingPort(0, _echo)
    assert port.server is None
    with socket.create_connection(("127.0.0.1", port.port), timeout=20) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"HELLO"
    port.server.close()
    port.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.port), timeout=20)


def test_a_cloud_that_is_served_has_not_loaded_grpc() -> None:
    """The libraries of Google's gRPC clients are half of what the sandbox would take of time and memory."""
    code = "import sys; from runbook_sandbox.google import GoogleCloud, serve; serve(GoogleCloud()); print('grpc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
