"""A server that answers as it is told, with bytes where need be."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from remediation.access.patience import Patience
from remediation.providers.kubernetes import configurations
from remediation.providers.kubernetes.client import KubernetesClient
from runbook_sandbox.kubernetes import kubeconfig

# Sees the method and the path with its query; returns everything after the request line's answer, or None for silence.
Answer = Callable[[str, str], bytes | None]


def http(body: Any, code: int = 200, **headers: str) -> bytes:
    """Return an answer in bytes; names of headers have ``_`` for ``-``."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {code} X\r\n{head}\r\n".encode("latin-1") + content


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Serve until the body ends; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = answer(self.command, self.path)
            if found is None:
                over.wait(60)
                self.close_connection = True
                return
            self.wfile.write(found)
            self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the base class

    over = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def client(
    folder: Any, url: str, said: list[str] | None = None, seconds: float = 5.0, patience: Patience | None = None
) -> KubernetesClient:
    """Return a client of the server that keeps what a person would hear."""
    path = folder / "kubeconfig"
    path.write_text(json.dumps(kubeconfig(url)))
    patience = patience or Patience(None if said is None else said.append, seconds)
    return KubernetesClient(configurations.load(str(path), None)[0], patience=patience)
