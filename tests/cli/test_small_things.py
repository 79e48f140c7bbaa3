"""What a new user stumbles over: pausing, lists of names, and looking for runs in the wrong journal."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from remediation.catalogue.scenarios import rehearsed
from remediation.journal import opened
from runbook_sandbox.places import HOST
from runbook_sandbox.process import folder
from tests.engine.world import SCENARIOS, World
from tests.entries import enter
from tests.running import RUNBOOK, Cli, google_env


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_the_hint_of_a_pause_ends_it(tmp_path: Path) -> None:
    """It names the store; a second unpause says that there was nothing, and where it looked."""
    cli = Cli(tmp_path)
    shown = cli("pause", "--reason", "freeze", json_output=False).expect(0).out
    assert f"next:  runbook unpause --store {cli.store}" in shown
    assert cli("unpause", json_output=False).expect(0).out == "runs are allowed again\n"
    assert cli("unpause", json_output=False).expect(0).out == f"nothing was paused in {cli.store}\n"


def test_every_scenario_is_listed_near_ones_first(tmp_path: Path) -> None:
    """A misspelt name is answered with all that there are."""
    done = subprocess.run([str(RUNBOOK), "sandbox", "break", "ipmasq"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert all(name in done.stderr for name in rehearsed())
    assert done.stderr.index("ip-masq-agent") < done.stderr.index("container-service-agent")


def test_the_list_of_scenarios_fits_a_terminal() -> None:
    """Each summary is wrapped beside its name."""
    shown = subprocess.run([str(RUNBOOK), "sandbox", "break"], capture_output=True, text=True, check=True).stdout
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("verb", ["up", "down", "status", "break"])
def test_the_kind_of_sandbox_is_named_as_everywhere(verb: str) -> None:
    """One way to say it in the help; the short one goes on working."""
    shown = subprocess.run([str(RUNBOOK), "sandbox", verb, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--sandbox [real]" in shown
    assert "--real " not in shown
    done = subprocess.run([str(RUNBOOK), "sandbox", "status", "--real"], capture_output=True, text=True, check=True)
    assert "next:  runbook sandbox up --sandbox=real" in done.stdout


def test_runs_that_are_in_the_journal_of_the_sandbox() -> None:
    """Somebody who forgot --sandbox is told."""
    words = [str(RUNBOOK), "verify", "last"]
    assert "--sandbox" not in subprocess.run(words, capture_output=True, text=True, check=False).stderr
    folder("emulated").mkdir(parents=True)
    (folder("emulated") / "journal.db").touch()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "  or:  runbook runs --sandbox\n" in done.stderr
    shown = subprocess.run([str(RUNBOOK), "runs"], capture_output=True, text=True, check=True).stdout
    assert "  or:  runbook runs --sandbox\n" in shown


def test_an_account_that_does_not_exist_is_the_callers_mistake(world: World, tmp_path: Path) -> None:
    """Exit 2, with the option and what is allowed."""
    SCENARIOS["pull-secret"].breaks(world)
    world.cluster.settle()
    env = google_env(world.google, world.folder)
    cli = Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox", env=env)
    nobody = "nobody@example-prod.iam.gserviceaccount.com"
    words = ("--namespace", "shop", "--service-account", "web", "--registry", HOST, "--google-service-account", nobody)
    error = cli("plan", "pull-secret", *words).expect(2).json["error"]
    assert f"--google-service-account '{nobody}' does not exist; allowed is" in error["summary"]


def test_a_run_shows_what_each_event_is_about(world: World, tmp_path: Path) -> None:
    """Every line names the object or the check, within 80 columns."""
    SCENARIOS["ip-masq-agent"].breaks(world)
    world.cluster.settle()
    cli = Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox")
    cli("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes").expect(0)
    cli("rollback", "last", "--yes").expect(0)
    lines = Cli(tmp_path)("runs", "last", json_output=False).expect(0).out.splitlines()
    for kind in ("change.intended", "change.done", "undo.intended", "undo.done"):
        told = [line.split(kind)[1].strip() for line in lines if kind in line]
        assert sorted(told) == ["configmap/kube-system/ip-masq-agent", "daemonset/kube-system/ip-masq-agent"]
    assert max(map(len, lines)) <= 80


def test_a_plan_of_created_objects_fits_a_terminal(world: World, tmp_path: Path) -> None:
    """Containers, volumes and long texts are wrapped; only a command may be longer."""
    SCENARIOS["ipam-cleanup"].breaks(world)
    world.cluster.settle()
    cli = Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox")
    full = cli("plan", "ipam-cleanup", "--node", "node-2", "--full", json_output=False).expect(0).out.splitlines()
    assert "        +- name: MODE" in full
    assert all(max(map(len, line.split())) > 60 for line in full[:-1] if len(line) > 80)


@pytest.mark.parametrize(
    ("words", "note"),
    [
        ("ipam-cleanup", "NODE for a name; give --node"),
        ("ipam-cleanup --node node-2", ""),
        ("pull-secret", "NAMESPACE, KSA for a name; give --namespace, --service-account"),
        ("pull-secret --namespace shop --service-account web", ""),
        ("container-service-agent", "PROJECT for a name; give --project"),
        ("container-service-agent --project example-prod", "needs no Kubernetes role, so there is nothing for kubectl"),
        ("pull-secret -o json", ""),
    ],
)
def test_roles_that_cannot_be_applied_yet(words: str, note: str) -> None:
    """Words that stand for names are told on stderr, and so is that there is nothing to apply."""
    done = subprocess.run([str(RUNBOOK), "rbac", *words.split()], capture_output=True, text=True, check=True)
    assert note in " ".join(done.stderr.split()) if note else done.stderr == ""


def test_doctor_names_the_place_in_its_hints(tmp_path: Path) -> None:
    """It does not send anybody to itself, but to the same cluster with another program."""
    path = tmp_path / "kubeconfig"
    path.write_text('{"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}], "contexts": [{"name": "dead", "context": {"cluster": "c"}}], "users": []}')  # fmt: skip
    done = Cli(tmp_path, "--kubeconfig", str(path), "--context", "dead")("doctor").expect(4)
    [check] = [item for item in done.json["checks"] if item["check"] == "kubernetes"]
    assert check["next"] == f"kubectl --kubeconfig {path} --context dead cluster-info"
    environment = os.environ | {"KUBECONFIG": str(path)}
    words = [str(RUNBOOK), "doctor", "--context", "dead"]
    shown = subprocess.run(words, capture_output=True, text=True, check=False, env=environment).stdout
    assert "next:  kubectl --context dead cluster-info\n" in shown


def test_a_long_list_of_runs_fits_a_terminal(tmp_path: Path) -> None:
    """Also with the name that Google gives a context, and so does the audit."""
    cli = Cli(tmp_path)
    target = {"context": "gke_example-prod-payments_europe-west3-a_payments-cluster-number-one"}
    created = {"runbook": "container-service-agent", "target": target, "target_kind": "cluster", "operations": []}
    created |= {"parameters": {}, "plan": {}}
    enter(opened(cli.store), "20260102-030405-ab12", "run.created", created)
    shown = cli("runs", json_output=False).expect(0).out + cli("audit", "verify", json_output=False).expect(0).out
    assert target["context"] in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "says", "next_"),
    [
        ("diagnos ip-masq-agent --sandbox", "did you mean diagnose?", "runbook diagnose ip-masq-agent --sandbox"),
        ("rolback last", "did you mean rollback", "runbook rollback last"),
        ("sandbox brek pull-secret", "did you mean break?", "runbook sandbox break pull-secret"),
        ("audit verfy", "did you mean verify?", "runbook audit verify"),
        ("ip-masq-agent --sandbox", "is a runbook; a verb comes before it", "runbook plan ip-masq-agent --sandbox"),
        ("xyzzy", "there are: list, show,", "runbook --help"),
    ],
)
def test_a_misspelt_verb_is_answered_with_what_was_meant(words: str, says: str, next_: str) -> None:
    """As the whole command line, with everything that came after the verb."""
    done = subprocess.run([str(RUNBOOK), *words.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert f"next:  {next_}\n" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "--namespace NAMESPACE, --registry HOST, --service-account KSA, --from-key-file FILE|- or"
             " --google-service-account EMAIL."),
        ("--registry gcr.io --from-key-file key.json", "--namespace NAMESPACE, --service-account KSA."),
    ],
)  # fmt: skip
def test_everything_that_is_missing_is_named_at_once(words: str, says: str) -> None:
    """One sentence, for a person and for a program."""
    command = [str(RUNBOOK), "run", "pull-secret", *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    as_json = subprocess.run([*command, "-o", "json"], capture_output=True, check=False).stdout
    assert says in json.loads(as_json)["error"]["summary"]


def test_help_tells_what_holds_when_nothing_is_said() -> None:
    """Numbers, switches that are on, and what the environment decides."""
    told = {
        "run ip-masq-agent": ["[default: restart]", "$KUBECONFIG", "$USER", "ask on a terminal, else keep", "(text)"],
        "plan ipam-cleanup": ["[default: 254]", "$RUNBOOK_STORE", "(the current one)", "(off)"],
        "verify": ["[default: 30"],
    }
    for verb, words in told.items():
        done = subprocess.run([str(RUNBOOK), *verb.split(), "--help"], capture_output=True, text=True, check=True)
        shown = " ".join(done.stdout.split())
        assert [word for word in words if word not in shown] == []
