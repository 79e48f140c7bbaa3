"""Login plugins that hang, ask a person, or fail when they are asked again."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediation.model.errors import Refused
from remediation.providers.kubernetes import configurations, login
from runbook_sandbox.kubernetes import Cluster, kubeconfig, serve
from tests.clients.answering import answering, http
from tests.running import Cli

CREDENTIAL = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}


def plugin(folder: Path, url: str, program: str, mode: str = "Never") -> Path:
    """Write a kubeconfig whose token comes from a program."""
    document: dict[str, Any] = kubeconfig(url)
    (folder / "plugin.py").write_text(program)
    command = {"apiVersion": CREDENTIAL["apiVersion"], "command": sys.executable, "interactiveMode": mode}
    document["users"][0]["user"] = {"exec": command | {"args": [str(folder / "plugin.py")]}}
    (folder / "kubeconfig").write_text(yaml.safe_dump(document))
    return folder / "kubeconfig"


@pytest.mark.parametrize(
    "child", ["", "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'])\n"]
)
def test_a_plugin_that_hangs_is_ended_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, child: str) -> None:
    """It has only so much time, also when something that it started holds its output."""
    monkeypatch.setattr(login, "SECONDS", 1.0)
    path = plugin(tmp_path, "http://127.0.0.1:9", child + "import time\ntime.sleep(30)")
    started = time.monotonic()
    with pytest.raises(Refused, match=r"the login plugin .* did not answer within 1 s for context sandbox"):
        configurations.load(str(path), None)
    assert time.monotonic() - started < 5


def test_a_plugin_may_ask_the_person(tmp_path: Path) -> None:
    """It reads from the terminal what somebody types, as with kubectl."""
    token = "{'status': {'token': sys.stdin.readline().strip()}, **" + repr(CREDENTIAL) + "}"
    ours, theirs = pty.openpty()
    with Cluster(nodes=1) as cluster, serve(cluster, secure=False) as server:
        path = plugin(tmp_path, server.url, f"import json, sys; print(json.dumps({token}))", "Always")
        code = f"from remediation.providers.kubernetes import configurations as c; print(c.load({str(path)!r}, None, terminal=True)[0].api_key)"
        process = subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)  # fmt: skip
        os.close(theirs)
        os.write(ours, b"4711\n")
        assert process.wait(30) == 0
    assert "Bearer 4711" in os.read(ours, 4096).decode()
    os.close(ours)


def test_what_a_plugin_says_when_it_is_asked_again_is_not_shown(tmp_path: Path) -> None:
    """A token that has expired is renewed before a request; what the plugin then prints may hold a secret."""
    marker = tmp_path / "asked"
    status = {"token": "planted-token", "expirationTimestamp": "2020-01-01T00:00:00Z"}
    program = f"""
import json, pathlib, sys
if pathlib.Path({str(marker)!r}).exists():
    print("planted-output"); sys.exit("planted-error")
pathlib.Path({str(marker)!r}).write_text("")
print(json.dumps({CREDENTIAL | {"status": status}!r}))
"""
    with answering(lambda method, path: http({"kind": "Status"}, 401)) as url:
        path = plugin(tmp_path, url, program)
        done = Cli(tmp_path, "--kubeconfig", str(path), "--context", "sandbox")("diagnose", json_output=False)
    assert "planted" not in done.out + done.err
    assert "the login plugin" in done.out + done.err
