"""What a person sees in a terminal: questions, colours, width, completion, and the command as a plugin of kubectl."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from remediation.cli.environment import state_folder
from remediation.journal import opened
from remediation.model.refs import Ref
from runbook_sandbox.kubernetes import Fault, Response
from tests.engine.world import World, break_, comparable
from tests.entries import enter
from tests.running import RUNBOOK

MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\r")


@pytest.fixture
def world(world: World) -> World:
    """Pods cannot reach a destination, and ip-masq-agent is why."""
    break_(world, "ip-masq-agent")
    return world


def terminal(
    words: list[str], answers: dict[str, str | Callable[[], str]], env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run a command in a terminal of 80 columns and type an answer after each question."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    process = subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color"} | (env or {}),
    )  # fmt: skip
    os.close(theirs)
    seen, waiting = b"", dict(answers)
    while select.select([ours], [], [], 60)[0]:
        try:
            seen += os.read(ours, 65536)
        except OSError:
            break  # the other end is closed
        for question in [item for item in waiting if item.encode() in seen]:
            answer = waiting.pop(question)
            os.write(ours, (answer if isinstance(answer, str) else answer()).encode())
    os.close(ours)
    return process.wait(60), seen.decode()


def command(world: World, tmp_path: Path, *words: str) -> list[str]:
    where = ["--kubeconfig", str(world.kubeconfig), "--context", "sandbox", "--store", str(tmp_path / "journal.db")]
    return [str(RUNBOOK), *words, *where]


def test_a_person_is_asked_and_can_say_no(world: World, tmp_path: Path) -> None:
    """The plan is shown before the question, which names place and size; no changes nothing, yes applies that plan."""
    before = comparable(world.state())
    code, text = terminal(command(world, tmp_path, "run", *MASQ), {"[y/N]": "n\n"})
    assert code == 3
    said = " ".join(text.split())
    size = f"2 changes on context sandbox ({world.server.url}): ~configmap ~daemonset, 3 agents restart"
    assert said.index("10.0.0.0/8") < said.index(f"{size} Apply to sandbox? [y/N]") < said.index("not confirmed")
    assert comparable(world.state()) == before
    code, text = terminal(command(world, tmp_path, "run", *MASQ), {"[y/N]": "y\n"})
    assert code == 0
    assert "verified" in text
    code, text = terminal(command(world, tmp_path, "rollback", "last"), {"[y/N]": "y\n"})
    assert code == 0
    assert f"{size} Undo on sandbox? [y/N]" in " ".join(text.split())
    assert comparable(world.state()) == before


LEAK = ("ipam-cleanup", "--node", "node-2")
PAGER = {"PAGER": "sed s/^/|/"}


@pytest.fixture
def leaking(world: World) -> World:
    """A node has no addresses left, and the plan that frees them is long."""
    break_(world, "ipam-cleanup")
    return world


def test_a_person_can_see_all_before_they_answer(leaking: World, tmp_path: Path) -> None:
    """The plan is brief; v opens all of it in the pager and asks again, and n still changes nothing."""
    before = comparable(leaking.state())
    answers: dict[str, str | Callable[[], str]] = {"[y/N] (v shows all)": "x\nv\n", "|  + daemonset/": "n\n"}
    code, text = terminal(command(leaking, tmp_path, "run", *LEAK), answers, PAGER)
    assert code == 3
    brief, _, rest = CONTROL.sub("", text).partition("Error: answer y, n or v")
    assert "for the time of the run" in brief
    assert "hostNetwork" not in brief
    assert "|      spec.template.spec.hostNetwork: + true" in rest
    assert rest.count("Apply to sandbox? [y/N] (v shows all)") == 2
    assert comparable(leaking.state()) == before


def test_all_of_a_plan_is_in_the_pager(leaking: World, tmp_path: Path) -> None:
    """Where somebody reads it and it does not fit; not what is brief or short, and never what a program reads."""
    plan = command(leaking, tmp_path, "plan", *LEAK)
    everything = CONTROL.sub("", terminal([*plan, "--full"], {}, PAGER)[1])
    assert "|      spec.template.spec.hostNetwork: + true" in everything
    assert everything.splitlines()[-1].startswith("|next:  runbook run ipam-cleanup --node node-2 ")
    assert not re.search("^[|]", terminal(plan, {}, PAGER)[1], re.M)
    code, text = terminal([*plan, "-o", "json", "--full"], {}, PAGER)
    assert code == 0
    assert "set -Eeuo pipefail" in json.dumps(json.loads(text)["plan"]["changes"])


def test_somebody_was_faster_than_the_person(world: World, tmp_path: Path) -> None:
    """What changed while the plan was read makes it stale, and is told; what was seen is never applied to something else."""

    def edit() -> str:
        where = Ref("v1", "ConfigMap", "ip-masq-agent", "kube-system")
        text = world.client.read(where)["data"]["config"].replace("172.16.0.0/12", "172.16.0.0/13")
        world.client.patch(where, [{"op": "replace", "path": "/data/config", "value": text}])
        return "y\n"

    code, text = terminal(command(world, tmp_path, "run", *MASQ), {"[y/N]": edit})
    assert code == 3
    assert "the target changed while the plan was read" in text
    moved = "data.config of configmap/kube-system/ip-masq-agent: - 172.16.0.0/12 -> - 172.16.0.0/13"
    assert moved in " ".join(text.split())


def test_a_run_of_80_columns_in_colour(world: World, tmp_path: Path) -> None:
    """In a terminal signs are coloured and no line but a command is longer than the window; NO_COLOR and pipes are plain."""
    code, text = terminal(command(world, tmp_path, "plan", *MASQ), {})
    assert code == 0
    assert COLOUR.search(text)
    lines = CONTROL.sub("", text).split("\n")
    assert [line for line in lines if len(line) > 80 and not line.startswith(("next:", "  or:"))] == []
    code, text = terminal(command(world, tmp_path, "plan", *MASQ), {}, {"NO_COLOR": "1"})
    assert not COLOUR.search(text)
    piped = subprocess.run(command(world, tmp_path, "plan", *MASQ), capture_output=True, text=True, check=True)
    assert not COLOUR.search(piped.stdout + piped.stderr)


def test_nobody_is_asked_when_the_result_is_for_a_machine(world: World, tmp_path: Path) -> None:
    """With -o json there is one document on stdout, and a question is a refusal that says so."""
    code, text = terminal([*command(world, tmp_path, "run", *MASQ), "-o", "json"], {})
    assert code == 3
    assert "--yes" in json.loads(text)["error"]["next"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("runbook ru", "run"),
        ("runbook run ip", "ip-masq-agent"),
        ("runbook plan pull-secret --reg", "--registry"),
        ("runbook show ip", "ipam-cleanup"),
        ("runbook diagnose ip", "ip-masq-agent"),
        ("runbook diagnose ip-masq-agent ip", "ipam-cleanup"),
        ("runbook rbac pu", "pull-secret"),
        ("runbook rbac pull-secret --na", "--namespace"),
        ("runbook show -", "--output"),
        ("runbook verify --wi", "--within"),
        ("runbook sandbox break ip", "ip-masq-agent-broken"),
    ],
)
def test_completion(typed: str, expected: str) -> None:
    """Verbs, runbooks and their parameters are completed."""
    assert f"plain,{expected}" in _offered(typed)


@pytest.mark.parametrize("verb", ["verify", "rollback", "resume", "runs"])
def test_completion_of_runs(tmp_path: Path, verb: str) -> None:
    """The newest runs of the journal that is meant are offered, and last; where there is no journal, none is made."""
    assert not any(_offered(f"runbook {verb} "))
    assert not (state_folder() / "journal.db").exists()
    for path, run in (
        (state_folder() / "journal.db", "20260102-030405-aaaa"),
        (tmp_path / "j.db", "20260102-030405-bbbb"),
    ):
        enter(opened(path), run, "run.created", {"runbook": "ip-masq-agent"})
    assert _offered(f"runbook {verb} ")[:2] == ["plain,last", "plain,20260102-030405-aaaa"]
    assert "plain,20260102-030405-bbbb" in _offered(f"runbook {verb} --store {tmp_path}/j.db 2026")


def _offered(typed: str) -> list[str]:
    env = {"_RUNBOOK_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    done = subprocess.run([str(RUNBOOK)], capture_output=True, text=True, check=False, env=os.environ | env)
    return done.stdout.split("\n")


@pytest.mark.parametrize(
    "typed", ["runbook ru", "runbook run ip", "runbook show ip", "runbook verify la", "runbook sandbox break ip"]
)
def test_completion_loads_little(typed: str) -> None:
    """A person waits for each <TAB>: neither an SDK nor the engine is loaded for a name."""
    words = ["_RUNBOOK_COMPLETE=bash_complete", f"COMP_WORDS={typed}", f"COMP_CWORD={typed.count(' ')}"]
    code = "import sys, atexit\natexit.register(lambda: print([name for name in sys.modules if name in LATE], file=sys.stderr))\nLATE = ('kubernetes', 'google.auth', 'urllib3', 'remediation.engine.plan', 'remediation.providers.kubernetes.client')\nfrom remediation.cli.main import main\nmain()"
    done = subprocess.run(
        ["env", *words, sys.executable, "-c", code, "runbook"], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    """A script is printed for each shell; bash accepts it."""
    done = subprocess.run([str(RUNBOOK), "completion", shell], capture_output=True, text=True, check=True)
    assert "_RUNBOOK_COMPLETE" in done.stdout
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=True)


def test_as_a_plugin_of_kubectl(assets: Path) -> None:
    """``kubectl runbook …`` is the same command and says its name that way."""
    env = os.environ | {"PATH": f"{RUNBOOK.parent}:{os.environ['PATH']}"}
    kubectl = [str(assets / "kubectl"), "runbook"]
    listed = subprocess.run([*kubectl, "list", "-o", "json"], capture_output=True, text=True, check=True, env=env)
    assert "pull-secret" in [book["name"] for book in json.loads(listed.stdout)["runbooks"]]
    shown = subprocess.run([*kubectl, "run", "--help"], capture_output=True, text=True, check=True, env=env)
    assert shown.stdout.startswith("Usage: kubectl runbook run ")


def test_texts_of_others_are_shown_and_not_obeyed(world: World, tmp_path: Path) -> None:
    """Who may write to the cluster, or answers in its place, cannot write a title, move the cursor or turn the direction."""
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b1A\u202e\rverified"
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403}
    refusal = Response(403, status | {"metadata": {}, "message": f"not you {hostile}"})
    world.cluster.faults = lambda method, path, *_: Fault(answer=refusal) if path.endswith("ip-masq-agent") else None
    try:
        plan = terminal(command(world, tmp_path, "plan", *MASQ), {})[1]
        found = terminal(command(world, tmp_path, "diagnose"), {})[1]
    finally:
        world.cluster.faults = None
    world.cluster.edit("configmaps", "ip-masq-agent", lambda item: item["data"].update(config=CONFIG), "kube-system")
    change = terminal(command(world, tmp_path, "plan", *MASQ), {})[1]
    for text in (plan, found):
        assert "not you \\u001b]0;owned\\u0007\\u001b[2J\\u009b1A\\u202e\\rverified" in " ".join(text.split())
    assert "# \\u202e turned" in change
    for text in (plan, found, change):
        assert not re.search("[\x07\x9b\u202e]|\x1b[^[]|\x1b\\[2J", text)


CONFIG = "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n# \u202e turned\nresyncInterval: 60s\n"
