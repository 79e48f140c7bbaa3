"""The address of a server: what of it is shown and kept, where a token is sent, and what is said of a certificate."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediation.journal import opened
from remediation.model.addresses import is_private, shown
from remediation.testing.planted import TOKEN
from runbook_sandbox.control_plane import ControlPlane
from runbook_sandbox.kubernetes import Cluster, kubeconfig, serve
from tests.masquerade import World
from tests.running import Cli

PLAN = ("plan", "ip-masq-agent", "--masquerade", "10.1.0.0/16")
SECRET_PARTS = f"{TOKEN}-user:{TOKEN}-password@"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://192.0.2.1:6443", "https://192.0.2.1:6443"),
        ("https://user:secret@example.com:6443/clusters/a", "https://example.com:6443/clusters/a"),
        ("https://user:s@cret@example.com/?token=secret#secret", "https://example.com/"),
        ("https://[2001:db8::1]:6443", "https://[2001:db8::1]:6443"),
        ("user:secret@127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_what_is_shown_of_an_address(address: str, says: str) -> None:
    """Everything that says where it is, and nothing that may be a secret."""
    assert shown(address) == says


@pytest.mark.parametrize(
    "address", ["https://u:se/cret@b", "https://u:1?cret@b", "https://a:1#cret@b", "ftp://a", "https://a:0", ""]
)
def test_what_cannot_be_taken_apart_is_not_quoted(address: str) -> None:
    """Nobody can tell which part of it is a password, or where a request would go."""
    with pytest.raises(ValueError, match="not an address such as") as caught:
        shown(address)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("https://example.com", True),
        ("http://127.0.0.1:1", True),
        ("http://[::1]:1", True),
        ("http://localhost:1", True),
        ("http://0.0.0.0:1", False),
        ("http://192.0.2.1", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_where_a_secret_may_be_sent(address: str, private: bool) -> None:
    """Where it is encrypted, or never leaves this machine."""
    assert is_private(address) is private


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Cluster(nodes=1) as cluster, serve(cluster, secure=False) as server:
        found = World(tmp_path, cluster, server, {})
        found.put("nonMasqueradeCIDRs: [10.0.0.0/8]\n")
        yield found


@pytest.fixture
def url(world: World) -> str:
    document = json.loads(Path(world.cli.options[1]).read_text())
    return str(document["clusters"][0]["cluster"]["server"])


def write(folder: Path, server: str, **user: Any) -> Cli:
    document = kubeconfig(server)
    document["users"][0]["user"] = user
    (folder / "kubeconfig").write_text(yaml.safe_dump(document))
    return Cli(folder, "--kubeconfig", str(folder / "kubeconfig"), "--context", document["current-context"])


def with_secrets(url: str) -> str:
    return url.replace("://", f"://{SECRET_PARTS}") + f"?key={TOKEN}-query"


def test_a_password_in_the_address_is_nowhere(url: str, tmp_path: Path) -> None:
    """Not in what any verb prints, in a plan file, in the journal or in logs; `Cli` looks for it after each call."""
    cli = write(tmp_path, with_secrets(url), token=TOKEN + "-bearer")
    doctor = cli("doctor", json_output=False)
    assert f"at {url}:" in doctor.out
    assert "has a user or password before the @" in " ".join(doctor.err.split())
    for words in (("diagnose",), (*PLAN, "--out", str(tmp_path / "plan.json")), ("run", *PLAN[1:], "--yes", "--log", "json")):  # fmt: skip
        assert cli(*words).expect(0).json["target"]["server"] == url
    assert json.loads((tmp_path / "plan.json").read_text())["target"]["server"] == url
    cli("runs", "last")
    cli("runs", "last", json_output=False)
    assert cli("rollback", "last", "--yes").expect(0).status == "rolled_back"


@pytest.mark.parametrize(
    ("server", "code", "says"),
    [
        (f"https://{SECRET_PARTS}127.0.0.1:9", 4, "https://127.0.0.1:9 cannot be reached"),
        (f"https://{TOKEN}/{TOKEN}@127.0.0.1:9", 3, "is not an address such as"),
    ],
)
def test_no_error_quotes_a_password(tmp_path: Path, server: str, code: int, says: str) -> None:
    """Neither of a server that does not answer, nor of an address that cannot be used."""
    done = write(tmp_path, server)(*PLAN).expect(code)
    assert says in done.json["error"]["summary"].replace("it is", "is")


def test_records_of_earlier_versions_are_shown_without_it(world: World) -> None:
    """They kept the address as the kubeconfig had it; the entry stays as it is, for the chain says so."""
    made = world.cli("run", *PLAN[1:], "--yes").expect(0).json["run_id"]
    journal = opened(world.cli.store)
    created = journal.events(made)[0].payload
    before = {**created, "target": {**created["target"], "server": "https://user:hunter2@192.0.2.9:6443"}}
    before.pop("target_uid", None)
    old = journal.begin(lambda: "20260101-000000-0001", lambda run: before).run_id
    said = [world.cli(*words) for words in (("runs",), ("runs", old), ("rollback", old, "--yes"))]
    said.append(world.cli("runs", old, json_output=False))
    for done in said:
        assert "hunter2" not in done.out + done.err
    assert "was made on https://192.0.2.9:6443" in said[2].expect(3).json["error"]["summary"]


class Recorder(BaseHTTPRequestHandler):
    """Knows what it was asked, and has nothing."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(f"{self.path} {self.headers.get('Authorization')}")
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the name that the base class looks for

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent."""


@pytest.fixture
def recorder() -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []
    server = ThreadingHTTPServer(("0.0.0.0", 0), type("Mine", (Recorder,), {"asked": asked}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], asked
    server.shutdown()
    server.server_close()


def test_a_token_is_not_sent_where_others_can_read_it(recorder: tuple[int, list[str]], tmp_path: Path) -> None:
    """Plain http to what is not this machine by its name is refused before anything is sent; without a token it is not."""
    port, asked = recorder
    url = f"http://0.0.0.0:{port}"
    error = write(tmp_path, url, token=TOKEN)(*PLAN).expect(3).json["error"]
    assert (error["summary"], asked) == (f"{url} is not encrypted, so everybody on the way there could read the credentials of this context", [])  # fmt: skip
    assert error["next"].startswith("use an https address: kubectl ")
    write(tmp_path, url)(*PLAN)
    assert asked
    assert not [line for line in asked if not line.endswith(" None")]


def test_this_machine_is_asked_without_a_proxy(recorder: tuple[int, list[str]], tmp_path: Path, url: str) -> None:
    """As with Go's clients: a proxy of the environment gets neither the requests nor the token; one of the kubeconfig would."""
    port, asked = recorder
    proxy = f"http://0.0.0.0:{port}"
    cli = write(tmp_path, url, token=TOKEN)
    cli.env |= {"HTTP_PROXY": proxy, "http_proxy": proxy}
    cli("diagnose", "pull-secret").expect(0)
    document = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    document["clusters"][0]["cluster"]["proxy-url"] = proxy
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    refused = cli("diagnose", "pull-secret").expect(3).json["error"]["summary"]
    assert ("is not encrypted" in refused, asked) == (True, [])


def test_a_certificate_that_nobody_checks_is_told_once(control_plane: ControlPlane, tmp_path: Path) -> None:
    """One line of ours in place of the library's two for each request, beside a document for machines too."""
    document = yaml.safe_load(control_plane.kubeconfig_path.read_text())
    cluster = document["clusters"][0]["cluster"]
    cluster.pop("certificate-authority")
    cluster["insecure-skip-tls-verify"] = True
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    cli = Cli(tmp_path, "--kubeconfig", str(tmp_path / "kubeconfig"), "--context", "control-plane")
    for json_output in (True, False):
        done = cli("diagnose", "pull-secret", json_output=json_output).expect(0)
        assert " ".join(done.err.split()).startswith(
            f"warning: nobody checks who answers at {control_plane.url}: context"
        )
        assert (done.err.count("warning"), "InsecureRequestWarning" in done.err) == (1, False)
