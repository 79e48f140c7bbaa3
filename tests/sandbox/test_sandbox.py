"""The sandbox as a person uses it: up, break, diagnose, run, kubectl, down; it outlives commands, and even its own process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

import pytest

from remediation.catalogue.scenarios import rehearsed
from remediation.testing.planted import KEY, assert_no_secret
from tests.running import RUNBOOK, Result

SCENARIOS = rehearsed()


def runbook(*words: str) -> Result:
    done = subprocess.run([str(RUNBOOK), *words], capture_output=True, text=True, timeout=110, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def document(*words: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = runbook(*words, "-o", "json").expect(code).json
    return found


def announced() -> dict[str, Any]:
    path = Path(os.environ["XDG_STATE_HOME"]) / "runbook" / "sandbox" / "sandbox.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def pid() -> int:
    return int(announced()["pid"])


@pytest.fixture
def _sandbox() -> Iterator[None]:
    runbook("sandbox", "up").expect(0)
    yield
    runbook("sandbox", "down").expect(0)


@pytest.mark.usefixtures("_sandbox")
@pytest.mark.parametrize("name", ["container-service-agent", "ip-masq-agent"])
def test_a_scenario_shows_its_symptom_and_is_really_healed(assets: Path, name: str) -> None:
    """As a person would; what each scenario shows is for the contract to prove: break, see it as kubectl shows it, find it, fix it with the command that was named, find it healthy, undo it."""
    fix = document("sandbox", "break", name)["fix"].split()
    seen = SCENARIOS[name].seen
    kubeconfig = document("sandbox", "status")["kubeconfig"]

    def shown() -> str:
        if not seen.kubectl:
            return str(document("diagnose", "--sandbox"))
        command = [str(assets / "kubectl"), "--kubeconfig", kubeconfig, *seen.kubectl]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    _until(lambda: (seen.shown or seen.finding) in shown())
    found = document("diagnose", fix[2], "--sandbox", "--detailed-exitcode", code=10)["findings"]
    assert [item["status"] for item in found if item["runbook"] == fix[2]] == ["fault"]
    done = document(*fix[1:], "--yes")
    assert done["status"] == "verified"
    _until(lambda: document("diagnose", fix[2], "--sandbox")["findings"][0]["status"] != "fault")
    assert document(*fix[1:], "--yes")["status"] == "already_ok"
    assert document("rollback", done["run_id"], "--sandbox", "--yes")["status"] == "rolled_back"
    assert document("audit", "verify", "--sandbox")["events"] > 5


def _until(holds: Any) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline, "the symptom does not show, or does not go"
        time.sleep(0.2)


@pytest.mark.usefixtures("_sandbox")
def test_state_survives_the_process(assets: Path) -> None:
    """What a run did is still there when the sandbox was killed and started again; what a Secret held was on no disk."""
    document("sandbox", "break", "ip-masq-agent")
    place = Path(document("sandbox", "status")["kubeconfig"])
    kubectl = (str(assets / "kubectl"), "--kubeconfig", str(place))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "real"}, "stringData": {"key": KEY}}
    subprocess.run([*kubectl, "apply", "-f", "-"], input=json.dumps(secret), text=True, check=True)
    plan = ("ip-masq-agent", "--masquerade", "10.1.0.0/16", "--sandbox")
    assert document("run", *plan, "--yes")["status"] == "verified"
    time.sleep(2)  # its state is written every second
    os.kill(pid(), signal.SIGKILL)
    assert document("sandbox", "status")["running"] is False
    assert_no_secret("the sandbox", "", *place.parent.rglob("*"))
    assert document("plan", *plan)["status"] == "already_ok"
    assert document("sandbox", "status")["running"] is True
    shown = subprocess.run([*kubectl, "get", "secret", "real", "-o", "json"], capture_output=True, check=True).stdout
    assert json.loads(shown)["data"] == {"key": ""}
    assert len(document("runs", "--sandbox")["runs"]) == 1


def test_ten_commands_at_once_start_one_sandbox() -> None:
    """Who comes first starts it; the others find it."""
    with ThreadPoolExecutor(10) as pool:
        states = list(pool.map(lambda _: document("sandbox", "up"), range(10)))
    assert len({state["endpoints"]["kubernetes"] for state in states}) == 1
    runbook("sandbox", "down").expect(0)


def test_a_stranger_at_the_control_port_keeps_nobody_waiting() -> None:
    """Everybody on the machine reaches the port: who says nothing, or has a wrong key, is not what others wait for."""
    runbook("sandbox", "up").expect(0)
    address = tuple(announced()["control"])
    with socket.create_connection(address), pytest.raises(AuthenticationError):
        Client(address, authkey=b"wrong")
    runbook("sandbox", "break", "container-service-agent").expect(0)
    runbook("sandbox", "down").expect(0)


def test_a_sandbox_that_an_earlier_version_has_left_is_replaced() -> None:
    """It lacks what commands of today need; nobody has to know that, and its objects stay."""
    runbook("sandbox", "up").expect(0)
    earlier, place = announced(), Path(os.environ["XDG_STATE_HOME"]) / "runbook" / "sandbox"
    (place / "sandbox.json").write_text(json.dumps({name: earlier[name] for name in earlier if name != "protocol"}))
    (place / "google-token").unlink()
    runbook("diagnose", "container-service-agent", "--sandbox").expect(0)
    assert pid() != earlier["pid"]
    runbook("sandbox", "down").expect(0)


def test_down_removes_everything() -> None:
    """Nothing is left: no process, no file, and a second down is no mistake."""
    state = document("sandbox", "up")
    assert Path(state["kubeconfig"]).exists()
    assert set(state["endpoints"]) == {"kubernetes", "google", "iam"}
    process = pid()
    runbook("sandbox", "down").expect(0)
    assert not Path(state["kubeconfig"]).parent.exists()
    command = Path(f"/proc/{process}/cmdline")  # of a process that ended and that nobody has waited for it is empty
    assert not command.exists() or command.read_bytes() == b""
    assert "there was none" in runbook("sandbox", "down").expect(0).out


def test_a_scenario_that_is_unknown() -> None:
    """Near names are suggested, and nothing is started."""
    done = runbook("sandbox", "break", "pull-secrets").expect(2)
    assert "pull-secret" in done.err
    assert document("sandbox", "status")["running"] is False


def test_without_its_programs_the_real_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Says which programs are missing and what to do, exit 3."""
    monkeypatch.setenv("KUBEBUILDER_ASSETS", "/nowhere")
    for words in (("--real",), ("--sandbox=real",)):
        assert "KUBEBUILDER_ASSETS" in runbook("sandbox", "up", *words).expect(3).err
    assert "allowed is --sandbox or --sandbox=real" in runbook("sandbox", "up", "--sandbox=other").expect(2).err


@pytest.mark.usefixtures("assets")
@pytest.mark.timeout(200)
def test_a_real_control_plane(assets: Path) -> None:
    """The same with a real kube-apiserver: fault, diagnosis, fix, proof, undo; and its processes end with it."""
    try:
        status = document("sandbox", "up", "--real")
        version = [str(assets / "kubectl"), "--kubeconfig", status["kubeconfig"], "version"]
        assert "Server Version: v1." in subprocess.run(version, capture_output=True, text=True, check=True).stdout
        fix = document("sandbox", "break", "ip-masq-agent", "--real")["fix"].split()
        _until(lambda: _finds("ip-masq-agent"))
        done = document(*fix[1:], "--yes")
        # Agents on nodes that are played have no logs, so one of the two proofs cannot be had.
        assert done["status"] == "applied", done
        assert document("rollback", done["run_id"], "--sandbox=real", "--yes")["status"] == "rolled_back"
    finally:
        runbook("sandbox", "down", "--real").expect(0)
    assert subprocess.run([_pgrep(), "-f", status["kubeconfig"].rsplit("/", 1)[0]], check=False).returncode == 1


def _finds(name: str) -> bool:
    found = document("diagnose", name, "--sandbox=real")["findings"]
    return any(item["status"] == "fault" for item in found)


def _pgrep() -> str:
    found = shutil.which("pgrep")
    assert found
    return found
