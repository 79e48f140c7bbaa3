"""A cluster that cannot be used ends in exit 3 or 4, one sentence and what to type next; nothing is recorded as changed."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediation.catalogue import loading
from remediation.catalogue.runbook import Runbook
from remediation.testing.planted import key_file
from runbook_sandbox.kubernetes import kubeconfig
from tests.running import RUNBOOK, Cli

RUN = ("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes")


class Fake(BaseHTTPRequestHandler):
    """A server that answers everything alike."""

    answer: tuple[int, str, bytes] = (200, "text/html", b"<html>hello</html>")

    def _any(self) -> None:
        code, kind, body = self.answer
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any  # noqa: N815 - the names that the base class looks for

    def log_message(self, format: str, *arguments: Any) -> None:
        """Stay silent."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fake)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def cli(folder: Path, url: str) -> Cli:
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig(url, "planted-token-value")))
    return Cli(folder, "--kubeconfig", str(path), "--context", "sandbox")


def status(code: int, reason: str) -> bytes:
    return json.dumps(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": f"it is {reason}",
            "reason": reason,
            "code": code,
        }
    ).encode()


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ((401, "application/json", status(401, "Unauthorized")), 3, "does not accept the credentials"),
        ((403, "application/json", status(403, "Forbidden")), 3, "it is Forbidden"),
        ((500, "application/json", status(500, "InternalError")), 4, "is not able to answer (HTTP 500)"),
        ((503, "text/plain", b"busy"), 4, "is not able to answer (HTTP 503)"),
        ((200, "text/html", b"<html>a proxy</html>"), 4, "does not speak the Kubernetes API"),
        ((200, "application/json", b'["not", "an", "object"]'), 4, "does not speak the Kubernetes API"),
        ((200, "application/json", b"{broken"), 4, "does not speak the Kubernetes API"),
    ],
)
def test_bad_answers(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str, bytes], code: int, says: str
) -> None:
    """Whatever a server answers, the reason is one sentence and the token stays out of it."""
    monkeypatch.setattr(Fake, "answer", answer)
    done = cli(tmp_path, url)(*RUN).expect(code)
    assert says in done.json["error"]["summary"]
    assert done.json["error"]["next"]
    assert done.json["run_id"] is None
    assert "planted-token-value" not in done.out + done.err


def test_nobody_listens(tmp_path: Path) -> None:
    """A closed port is exit 4."""
    assert "refuses connections" in cli(tmp_path, "http://127.0.0.1:9")(*RUN).expect(4).json["error"]["summary"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "there is no kubeconfig"), ("", "cannot be used"), ("a: [", "not valid YAML at line"), ("- a\n", "cannot be used"),
     ("a: &a {x: 1}\nb: {<<: *a}\n", "merge key in line 2"), ("[" * 100_000, "nested too deeply"),
     ("clusters: []\ncontexts: []\nusers: []\n", "cannot be used"), ("token: planted-token-value\ncontexts: 7\n", "cannot be used")],
)  # fmt: skip
def test_bad_kubeconfigs(tmp_path: Path, content: str | None, says: str) -> None:
    """A kubeconfig that is missing or malformed is exit 3, names the file and never quotes it."""
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    done = Cli(tmp_path, "--kubeconfig", str(path))(*RUN).expect(3)
    assert says in done.json["error"]["summary"]
    assert str(path) in done.json["error"]["summary"]
    assert "planted-token-value" not in done.out + done.err


def test_an_unknown_context(tmp_path: Path) -> None:
    """A context that is not there is named, exit 2."""
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig("http://127.0.0.1:9")))
    done = Cli(tmp_path, "--kubeconfig", str(path), "--context", "nowhere")(*RUN).expect(2)
    assert "--context 'nowhere' is not in" in done.json["error"]["summary"]


def test_nobody_named_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that nobody watches does not take whatever context is current."""
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig("http://127.0.0.1:9")))
    monkeypatch.setenv("KUBECONFIG", str(path))
    done = Cli(tmp_path)(*RUN).expect(3)
    assert "nobody named the cluster" in done.json["error"]["summary"]
    assert done.json["error"]["next"].endswith(" --context sandbox")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "ip-masq", "--yes"), "did you mean ip-masq-agent"),
        (("rollback", "nothing", "--yes"), "no run was made yet"),
        (("plan", "ip-masq-agent", "--masquerade", "nonsense"), "'nonsense' is not a CIDR"),
        (("run", "pull-secret", "--yes"), "Missing option"),
        (("run", "ip-masq-agent", "--unknown"), "No such option"),
    ],
)
def test_bad_command_lines(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    """A wrong word is one document with the reason; exit 2, or 3 where a run is asked for that does not exist."""
    done = Cli(tmp_path)(*words)
    assert done.code in (2, 3)
    assert says in done.json["error"]["summary"]
    assert done.json["status"] == "refused"


@pytest.mark.parametrize(
    "verb",
    [
        "list",
        "show",
        "diagnose",
        "plan",
        "run",
        "verify",
        "rollback",
        "resume",
        "runs",
        "audit",
        "pause",
        "unpause",
        "rbac",
        "doctor",
        "sandbox",
        "completion",
    ],
)
def test_every_verb_has_help(tmp_path: Path, verb: str) -> None:
    """--help of every verb says what it does."""
    done = subprocess.run([str(RUNBOOK), verb, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: runbook")
    assert "Examples:\n    runbook " in done.stdout or verb == "completion"
    assert "\\b" not in done.stdout


@pytest.mark.parametrize("book", loading.load().values(), ids=lambda book: book.name)
def test_every_example_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, book: Runbook) -> None:
    """What --help shows can be typed; without a cluster or credentials it ends there, and not at its words."""
    monkeypatch.chdir(tmp_path)
    key_file(tmp_path, "key")
    assert Cli(tmp_path)("plan", book.name, *shlex.split(book.example)).code == 3


def test_pausing_refuses_everybody(tmp_path: Path, url: str) -> None:
    """While a store is paused every run is refused with the reason; unpause allows them again."""
    store = str(tmp_path / "journal.db")
    assert Cli(tmp_path).options == ()
    Cli(tmp_path)("pause", "--reason", "change freeze").expect(0)
    done = cli(tmp_path, url)(*RUN).expect(3)
    assert "change freeze" in done.json["error"]["summary"]
    assert store in Cli(tmp_path)("audit", "verify").expect(0).json["store"]
    Cli(tmp_path)("unpause").expect(0)
    cli(tmp_path, url)(*RUN).expect(4)


def test_a_shared_database_is_not_supported(tmp_path: Path) -> None:
    """A store that this version cannot use is one sentence, and a password in it stays out."""
    done = subprocess.run(
        [str(RUNBOOK), "runs", "--store", "postgresql://u:planted@db.example.com/x"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "not supported" in done.stderr
    assert "planted" not in done.stderr
