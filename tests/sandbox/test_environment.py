"""A shell that works on the sandbox: kubectl and gcloud as people have them, and the way back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import RUNBOOK

ENTER = f'eval "$({RUNBOOK} sandbox env)"'
LEAVE = f'eval "$({RUNBOOK} sandbox env --unset)"'
COMMON = "KUBECONFIG=|CLOUDSDK_|BEFORE_SANDBOX|[Nn][Oo]_(PROXY|proxy)="


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of one sandbox for all of these tests."""
    place = tmp_path_factory.mktemp("state")
    yield place
    subprocess.run([str(RUNBOOK), "sandbox", "down"], env=os.environ | {"XDG_STATE_HOME": str(place)}, check=True)


@pytest.fixture(autouse=True)
def _one_sandbox(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(state))


def shell(text: str, **env: str) -> str:
    """Run a script of a POSIX shell and return what it prints; it must succeed."""
    done = subprocess.run(
        ["sh", "-euc", text], env=os.environ | env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kubectl_works_on_it(assets: Path) -> None:
    """After the one line, without any option; also where a shell makes one line of all that is printed."""
    nodes = "node/node-1\nnode/node-2\nnode/node-3\n"
    assert shell(f"{ENTER}; {assets}/kubectl get nodes -o name") == nodes
    assert shell(f"eval $({RUNBOOK} sandbox env); {assets}/kubectl get nodes -o name") == nodes


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed")
def test_gcloud_works_on_it() -> None:
    """With no login, past a proxy, whatever project and token the shell had; the person's own configuration stays."""
    had = {"CLOUDSDK_CORE_PROJECT": "mine", "HTTP_PROXY": "http://127.0.0.1:9", "CLOUDSDK_ACTIVE_CONFIG_NAME": "mine"}
    had["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"] = "/nowhere/token"
    ask = "gcloud container clusters list --format 'value(name)'; gcloud projects get-iam-policy example-prod"
    shown = shell(f"{ENTER}; {ask} --flatten 'bindings[]' --format 'value(bindings.role)'", **had).splitlines()
    assert shown[0] == "sandbox"
    assert "roles/container.serviceAgent" in shown
    assert not (Path(os.environ["HOME"]) / ".config" / "gcloud").exists()


def test_leaving_restores_what_the_shell_had() -> None:
    """Everything, also after the line was evaluated twice; a shell that is on no sandbox loses nothing."""
    had = {"KUBECONFIG": "/my config", "CLOUDSDK_CORE_PROJECT": "it's mine", "HTTPS_PROXY": "http://192.0.2.9:3128"}
    look = f"env | grep -E '^({COMMON})' | sort"
    before = shell(look, **had)
    assert shell(f"{ENTER}; {ENTER}; {LEAVE}; {look}", **had) == before
    assert shell(f"{LEAVE}; {look}", **had) == before
    assert "it's mine" in before


def test_it_is_one_document_for_machines() -> None:
    """Names and values; None is what is unset."""
    entered = json.loads(shell(f"{RUNBOOK} sandbox env -o json"))["variables"]
    assert entered["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"].endswith("/google-token")
    assert entered["CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER"].startswith("http://127.0.0.1:")
    left = json.loads(shell(f"{ENTER}; {RUNBOOK} sandbox env --unset -o json"))["variables"]
    assert left == dict.fromkeys(entered)


def test_what_kubectl_makes_the_current_context_is_not_where_runbook_goes(assets: Path) -> None:
    """Nor do credentials that gcloud gets for the sandbox's cluster change which target a run is recorded for."""
    kubectl = f"{assets}/kubectl config"
    mine = f"{kubectl} set-context mine --cluster sandbox --user sandbox; {kubectl} use-context mine"
    shown = shell(
        f"{ENTER}; ( {mine} ) >&2; {RUNBOOK} diagnose ip-masq-agent --sandbox -o json; {kubectl} use-context sandbox >&2"
    )
    assert json.loads(shown)["target"]["context"] == "sandbox"
