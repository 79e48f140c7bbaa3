"""Nobody reads the cluster without a token, and nobody takes the memory of the machine with one."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook_sandbox.kubernetes import Cluster, Server, User, serve
from runbook_sandbox.listening import MOST_BYTES
from tests.sandbox.kubernetes.conftest import Side

MAPS = "/api/v1/namespaces/default/configmaps"
# Each name stands for two of the one before; 528 bytes stand for half a million.
BOMB = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 20))


def ask(url: str, token: str = "", body: bytes | None = None, content: str = "application/json") -> tuple[int, str]:
    headers = {"Content-Type": content} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read().decode()


def test_without_a_token_a_client_learns_that_the_server_is_there(side: Side) -> None:
    """Health and version are public; discovery is for those who have said who they are, in the words of a real server."""
    url = yaml.safe_load(side.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    for path in ("/version", "/healthz", "/livez", "/readyz"):
        assert ask(url + path)[0] == 200
        assert ask(url + path, "wrong")[0] == 401
    for path in ("/api", "/apis", "/api/v1", "/apis/apps/v1", "/openapi/v3", "/nowhere"):
        code, text = ask(url + path)
        assert (code, json.loads(text)) == (403, {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Forbidden", "code": 403,
            "details": {}, "message": f'forbidden: User "system:anonymous" cannot get path "{path}"',
        })  # fmt: skip


def test_without_a_token_nothing_is_read(side: Side) -> None:
    """A key that a run has put into a Secret is for its owner only."""
    url = yaml.safe_load(side.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    code, text = ask(f"{url}/api/v1/namespaces/default/secrets")
    assert (code, json.loads(text)["message"]) == (
        403,
        'secrets is forbidden: User "system:anonymous" cannot list resource "secrets" in API group "" in the namespace "default"',
    )
    code, text = ask(f"{url}/version", "wrong")
    assert (code, json.loads(text)["message"], json.loads(text)["reason"]) == (401, "Unauthorized", "Unauthorized")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Cluster(nodes=0) as cluster, serve(cluster) as found:
        cluster.tokens["visitor"] = User("visitor")
        yield found


def test_the_token_in_the_kubeconfig_is_each_servers_own(server: Server) -> None:
    """It is not guessed; another user's token may not even list."""
    document = server.kubeconfig()
    token = document["users"][0]["user"]["token"]
    assert len(token) == 64
    assert server.url.startswith("https://")
    assert ask(server.url + MAPS, token)[0] == 200
    assert 'User "visitor" cannot list' in json.loads(ask(server.url + MAPS, "visitor")[1])["message"]


def test_a_client_that_forgets_tls_is_told(server: Server) -> None:
    """A real server says the same."""
    code, text = ask(server.url.replace("https", "http") + "/version")
    assert (code, text) == (400, "Client sent an HTTP request to an HTTPS server.\n")


@pytest.mark.parametrize("token", [True, False])
def test_a_body_has_a_limit(server: Server, token: bool) -> None:
    """Three megabytes, as in a real server; of those who have no token no body is read."""
    code, text = ask(server.url + MAPS, server.token if token else "", b"x" * (MOST_BYTES + 1))
    assert (code, json.loads(text)["message"]) == (
        (413, f"Request entity too large: limit is {MOST_BYTES}")
        if token
        else (
            403,
            'configmaps is forbidden: User "system:anonymous" cannot create resource "configmaps" in API group "" in the namespace "default"',
        )
    )


@pytest.mark.parametrize("size", [b"fffffffff", b"-1", b"x"])
def test_a_chunk_takes_no_more_memory_than_it_sends(server: Server, size: bytes) -> None:
    """What a client announces is not believed."""
    address = server.url.removeprefix("https://")
    connection = http.client.HTTPSConnection(address, timeout=10, context=ssl._create_unverified_context())
    connection.putrequest("POST", MAPS)
    connection.putheader("Authorization", f"Bearer {server.token}")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders(size + b"\r\n")
    assert connection.getresponse().status in (400, 413)
    connection.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "document contains excessive aliasing"),
        ("[" * 5_000, "exceeded max depth"),
        ("? " * 5_000, "exceeded max depth"),
        ("a: " + "x" * 70_000, "YAML is read up to 65536"),
    ],
)
@pytest.mark.parametrize("kind", ["application/yaml", "application/apply-patch+yaml"])
def test_yaml_stands_for_no_more_than_it_says(server: Server, text: str, says: str, kind: str) -> None:
    """Merge keys, nesting and length are refused before they take memory or time."""
    headers = {"Content-Type": kind, "Authorization": f"Bearer {server.token}"}
    request = (
        urllib.request.Request(server.url + MAPS, text.encode(), headers)
        if kind == "application/yaml"
        else urllib.request.Request(server.url + MAPS + "/a?fieldManager=x", text.encode(), headers, method="PATCH")
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=20)
    assert refused.value.code == 400
    assert says in json.loads(refused.value.read())["message"]


def test_deep_json_is_refused(server: Server) -> None:
    """The connection goes on."""
    code, text = ask(server.url + MAPS, server.token, b"[" * 200_000)
    assert (code, json.loads(text)["message"]) == (400, "exceeded max depth")


def test_there_is_a_limit_to_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full store says what etcd says, and still deletes."""
    with Cluster(nodes=0) as cluster, serve(cluster) as found:
        cluster.settle()
        count = sum(map(len, cluster.dump()["objects"].values()))
        monkeypatch.setattr("runbook_sandbox.kubernetes.store.MOST_OBJECTS", count + 4)
        body: Any = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a"}}
        codes = [ask(found.url + MAPS, found.token, json.dumps(body).encode())[0] for _ in range(9)]
        assert (codes[0], codes[-1]) == (201, 500)
        text = ask(found.url + MAPS, found.token, json.dumps(body).encode())[1]
        assert json.loads(text)["message"] == "etcdserver: mvcc: database space exceeded"


def test_connections_have_a_limit(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes when it is reached is sent away, and taken when there is room again."""
    monkeypatch.setattr("runbook_sandbox.listening.MOST_CONNECTIONS", 3)
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
    refused = socket.create_connection(("127.0.0.1", server.port))
    refused.settimeout(5)
    assert refused.recv(1) == b""
    for each in (*held, refused):
        each.close()
    for _ in range(100):
        try:
            code, _ = ask(server.url + "/version")
        except OSError:
            continue
        assert code == 200
        return
    pytest.fail("the connections that were closed still count")


_CROWDED = """
import json, resource, sys
from pathlib import Path
from runbook_sandbox import daemon
from runbook_sandbox.kubernetes import Cluster, serve
with Cluster(nodes=1) as cluster, serve(cluster) as server:
    used = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
    daemon._MEMORY = int(used.split()[1]) * 1024 + (48 << 20)
    daemon.limit_memory()
    print(json.dumps([server.url, server.token]), flush=True)
    sys.stdin.read()
"""


def again(url: str, token: str, body: bytes | None = None) -> tuple[int, str]:
    """Ask like a client that takes a connection which was closed for want of memory for what it is."""
    for _ in range(5):
        with suppress(OSError):
            return ask(url, token, body)
    return ask(url, token, body)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the limit of memory is Linux's")
def test_a_client_takes_no_more_memory_than_the_sandbox_may_have() -> None:
    """What is too much is refused as by a full etcd; everything else goes on."""
    words = [sys.executable, "-c", _CROWDED]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        url, token = json.loads(process.stdout.readline())
        body = {"metadata": {"generateName": "large-"}, "data": {"a": "x" * 2_000_000}}
        answers = [again(url + MAPS, token, json.dumps(body).encode()) for _ in range(40)]
        assert answers[0][0] == 201
        assert (answers[-1][0], json.loads(answers[-1][1])["message"]) == (
            500,
            "etcdserver: mvcc: database space exceeded",
        )
        assert again(url + "/api/v1/nodes", token)[0] == 200
        process.communicate()
        assert process.returncode == 0
