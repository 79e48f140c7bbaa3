"""A plan file is run as it was approved, where it was made, or not at all; a bad one is one sentence and exit 2."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remediation.engine.plan import plan_fingerprint
from remediation.testing.planted import key_file
from runbook_sandbox.kubernetes import kubeconfig
from runbook_sandbox.places import HOST
from tests.engine.world import SCENARIOS, World, break_, comparable
from tests.running import Cli

GOOD: dict[str, Any] = {
    "runbook": "ip-masq-agent",
    "target": {},
    "plan": {"fingerprint": "sha256:0", "changes": [], "checks": []},
    "parameters": {"masquerade": []},
}
MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")


def aimed(**target: Any) -> dict[str, Any]:
    """Return a plan whose fingerprint is right: who writes the file can compute it."""
    content: dict[str, Any] = json.loads(json.dumps(GOOD | {"target": target}))
    right = plan_fingerprint(content["runbook"], content["target"], content["parameters"], content["plan"])
    content["plan"]["fingerprint"] = right
    return content


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("{broken", "is not a plan"),
        ([], "is not a plan"),
        ({}, "is not a plan"),
        (GOOD | {"plan": {"fingerprint": 7}}, "is not a plan"),
        (GOOD | {"target": None}, "is not a plan"),
        (aimed(kubeconfig="/tmp/theirs"), "is not a plan"),
        (aimed(context="--kubeconfig=/tmp/theirs"), "is not a plan"),
        (aimed(context=["x"]), "is not a plan"),
        ("[" * 100_000, "is not a plan"),
        (GOOD | {"plan": GOOD["plan"] | {"changes": [7]}}, "is not a plan"),
        (GOOD | {"runbook": "pull-secret"}, "is a plan of 'pull-secret'; allowed here is a plan of 'ip-masq-agent'"),
        (GOOD | {"parameters": {"masqurade": []}}, "has a parameter 'masqurade'; allowed are those of ip-masq-agent"),
        (GOOD, "was changed after it was made"),
    ],
)
def test_bad_plan_files(tmp_path: Path, content: Any, says: str) -> None:
    """Nothing is asked of a cluster; the file and what is wrong with it are named."""
    path = tmp_path / "saved.json"
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    done = Cli(tmp_path)("run", "ip-masq-agent", "--plan", str(path), "--yes").expect(2)
    assert says in done.json["error"]["summary"]
    assert str(path) in done.json["error"]["summary"]


@pytest.fixture
def world(world: World) -> World:
    """Pods cannot reach a destination, and ip-masq-agent is why."""
    break_(world, "ip-masq-agent")
    return world


@pytest.fixture
def cli(world: World, tmp_path: Path) -> Cli:
    return Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox")


def typed(cli: Cli, command: str, *more: str, stdin: str | None = None) -> Any:
    """Type a hint as it was printed."""
    words = shlex.split(command)
    assert words[0] == "runbook"
    return Cli(cli.folder)(*words[1:], *more, stdin=stdin)


def hint(text: str) -> str:
    return next(line.removeprefix("next:  ") for line in text.splitlines() if line.startswith("next:  "))


def test_the_hint_after_a_plan_runs_it(cli: Cli, tmp_path: Path) -> None:
    """It names the cluster, the store and the file, so that it works as it stands on another day."""
    out = str(tmp_path / "a plan.json")
    following = hint(cli("plan", *MASQ, "--out", out, json_output=False).expect(0).out)
    assert "--context sandbox" in following
    assert str(cli.store) in following
    assert typed(cli, following, "--yes").expect(0).status == "verified"


def test_the_parameters_of_a_plan_come_from_its_file(world: World, cli: Cli, tmp_path: Path) -> None:
    """None is required on the command line; the same value may be given, another one is a mistake."""
    SCENARIOS["pull-secret"].breaks(world)
    world.cluster.settle()
    out = str(tmp_path / "plan.json")
    pull = ("--namespace", "shop", "--service-account", "web", "--registry", HOST)
    cli("plan", "pull-secret", *pull, "--from-key-file", str(key_file(tmp_path)), "--out", out).expect(0)
    before = comparable(world.state())
    refused = cli("run", "pull-secret", "--plan", out, "--yes", "--namespace", "other").expect(2).json["error"]
    assert "--namespace is another one in the plan: --namespace shop" in refused["summary"]
    assert comparable(world.state()) == before
    assert cli("run", "pull-secret", f"--plan={out}", "--dry-run", *pull[:2]).expect(0).status == "planned"
    assert typed(cli, refused["next"], "--yes").expect(0).status == "verified"


def test_a_key_from_standard_input_is_piped_again(world: World, cli: Cli, tmp_path: Path) -> None:
    """No plan holds the key, and the hint says so."""
    SCENARIOS["pull-secret"].breaks(world)
    world.cluster.settle()
    key, out = key_file(tmp_path).read_text(), str(tmp_path / "plan.json")
    words = ("pull-secret", "--namespace", "shop", "--service-account", "web", "--registry", HOST, "--from-key-file", "-")  # fmt: skip
    shown = cli("plan", *words, "--out", out, json_output=False, stdin=key).expect(0).out
    following = hint(shown)
    assert following.endswith(" --yes < KEY.json")
    assert "a plan holds no key" in shown
    assert typed(cli, following.removesuffix(" < KEY.json"), stdin=key).expect(0).status == "verified"


def test_a_plan_of_another_context(world: World, cli: Cli, tmp_path: Path) -> None:
    """Both clusters are named, and what to type is the plan's; nothing is written to the present one."""
    out = str(tmp_path / "plan.json")
    cli("plan", *MASQ, "--out", out).expect(0)
    document = json.loads(world.kubeconfig.read_text())
    document["contexts"].append(document["contexts"][0] | {"name": "other"})
    document["clusters"].append({"name": "other", "cluster": {"server": "http://127.0.0.1:9"}})
    document["contexts"][-1] = {"name": "other", "context": document["contexts"][0]["context"] | {"cluster": "other"}}
    world.kubeconfig.write_text(json.dumps(document))
    elsewhere = Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "other")
    error = elsewhere("run", "ip-masq-agent", "--plan", out, "--yes").expect(3).json["error"]
    assert f"this plan is for context sandbox ({world.server.url})" in error["summary"]
    assert "you are on context other (http://127.0.0.1:9)" in error["summary"]
    assert "--context sandbox" in error["next"]
    assert typed(cli, error["next"], "--yes").expect(0).status == "verified"


def test_a_context_that_points_elsewhere_by_now(world: World, cli: Cli, tmp_path: Path) -> None:
    """The same name for another server is another cluster; a new plan is the way on, with every parameter."""
    out = str(tmp_path / "plan.json")
    cli("plan", *MASQ, "--out", out).expect(0)
    world.kubeconfig.write_text(json.dumps(kubeconfig("http://127.0.0.1:9")))
    error = cli("run", "ip-masq-agent", "--plan", out, "--yes").expect(3).json["error"]
    assert "(http://127.0.0.1:9)" in error["summary"]
    assert error["next"].startswith("runbook plan ip-masq-agent --masquerade 10.1.0.0/16 --kubeconfig ")


def test_a_new_cluster_at_the_same_address(world: World, cli: Cli, tmp_path: Path) -> None:
    """The objects may be alike, and it is another cluster all the same: a new plan is the way on."""
    out = tmp_path / "plan.json"
    cli("plan", *MASQ, "--out", str(out)).expect(0)
    kept, space = world.dump(), world.cluster.get("namespaces", "kube-system")
    assert space
    uid = space["metadata"]["uid"]
    world.cluster.load(json.loads(kept.replace(uid, "0e7ac198-9acd-4984-9a22-a3c0f5d0d8f1"))["cluster"])
    before = comparable(world.state())
    error = cli("run", "ip-masq-agent", "--plan", str(out), "--yes").expect(3).json["error"]
    assert comparable(world.state()) == before
    assert f"was made on cluster {uid:.8}" in error["summary"]
    assert "is cluster 0e7ac198 now" in error["summary"]
    assert error["next"].startswith("runbook plan ip-masq-agent --masquerade 10.1.0.0/16")
    older = json.loads(out.read_text())
    del older["target_uid"]  # an earlier version did not note it
    out.write_text(json.dumps(older))
    assert cli("run", "ip-masq-agent", "--plan", str(out), "--yes").expect(0).status == "verified"


def test_a_stale_plan_names_the_command_for_a_new_one(world: World, cli: Cli, tmp_path: Path) -> None:
    """The parameters are in the file, so the command is whole; which field has moved is told, old -> new."""
    out = str(tmp_path / "plan.json")
    cli("plan", *MASQ, "--no-restart", "--out", out).expect(0)
    cli("run", "ip-masq-agent", "--masquerade", "10.2.0.0/16", "--yes").expect(0)
    error = cli("run", "ip-masq-agent", "--plan", out, "--yes").expect(3).json["error"]
    assert "no longer as the plan saw it" in error["summary"]
    moved = "data.config of configmap/kube-system/ip-masq-agent: - 10.0.0.0/8 -> - 10.0.0.0/15, - 10.3.0.0/16,"
    assert error["detail"].startswith(moved)
    assert error["next"].startswith("runbook plan ip-masq-agent --masquerade 10.1.0.0/16 --no-restart --kubeconfig")
    assert typed(cli, error["next"]).expect(0).status == "planned"


def test_a_target_that_moves_before_the_first_write(world: World, cli: Cli) -> None:
    """Between the lock and the write somebody edits the field: it is told what moved, and the command is repeated whole."""

    def narrower(item: dict[str, Any]) -> None:
        item["data"]["config"] = item["data"]["config"].replace("172.16.0.0/12", "172.16.0.0/13")

    def edit(method: str, path: str, *_: Any) -> None:
        if method == "POST" and path.endswith("/leases"):
            world.cluster.faults = None
            world.cluster.edit("configmaps", "ip-masq-agent", narrower, "kube-system")

    world.cluster.faults = edit
    done = cli("run", *MASQ, "--yes").expect(3).json
    assert "configmap/kube-system/ip-masq-agent is no longer as the plan saw it" in done["error"]["summary"]
    assert "data.config: - 172.16.0.0/12 -> - 172.16.0.0/13" in done["error"]["detail"]
    assert done["error"]["next"].startswith("runbook run ip-masq-agent --masquerade 10.1.0.0/16 --yes ")


def _change(content: Any) -> None:
    content["plan"]["changes"][0]["edits"][0]["new"] = "nonMasqueradeCIDRs: []\n"


def _drop(content: Any) -> None:
    content["plan"]["changes"].pop()


def _sooner(content: Any) -> None:
    content["plan"]["checks"][0]["within_seconds"] = 1


def _parameter(content: Any) -> None:
    content["parameters"]["masquerade"] = ["10.9.0.0/16"]


@pytest.mark.parametrize("edit", [_change, _drop, _sooner, _parameter])
def test_a_plan_that_was_edited_is_refused(world: World, cli: Cli, tmp_path: Path, edit: Callable[[Any], None]) -> None:
    """Whatever a person changed in the file, it is neither run nor passed over in silence."""
    out = tmp_path / "plan.json"
    cli("plan", *MASQ, "--out", str(out)).expect(0)
    content, before = json.loads(out.read_text()), comparable(world.state())
    edit(content)
    out.write_text(json.dumps(content))
    error = cli("run", "ip-masq-agent", "--plan", str(out), "--yes").expect(2).json["error"]
    assert "was changed after it was made" in error["summary"]
    assert comparable(world.state()) == before


def test_nobody_to_confirm(cli: Cli, tmp_path: Path) -> None:
    """What to type is a command; with a saved plan none is offered to be saved."""
    out = str(tmp_path / "plan.json")
    error = cli("run", *MASQ).expect(3).json["error"]
    run, save = error["next"].split("  or  ")
    assert run.endswith("--yes")
    assert save.endswith("--out plan.json")
    typed(cli, save.replace("plan.json", out)).expect(0)
    error = cli("run", "ip-masq-agent", "--plan", out).expect(3).json["error"]
    assert "--out" not in error["next"]
    assert typed(cli, error["next"]).expect(0).status == "verified"
