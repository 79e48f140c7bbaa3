"""ip-masq-agent on a real API server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook_sandbox.control_plane import ControlPlane
from runbook_sandbox.google import GoogleCloud, Server
from tests.catalogue import CONFIG
from tests.running import Cli, content, google_env

RUN = ("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes")
Put = Callable[..., None]
Get = Callable[..., dict[str, Any]]


def config(get: Get) -> str:
    return str(get("configmap", "ip-masq-agent")["data"]["config"])


def leases(control_plane: ControlPlane) -> list[str]:
    return control_plane.kubectl("-n", "kube-system", "get", "lease", "-o", "name").stdout.split()


def test_the_whole_loop(cli: Cli, agent: Put, get: Get, control_plane: ControlPlane) -> None:
    """Diagnose, plan, run, run again, verify and roll back; only the run and the rollback write, and the undo is exact."""
    agent()
    before = content(get("configmap", "ip-masq-agent")), content(get("daemonset", "ip-masq-agent"))
    mark = control_plane.mark()
    cli("diagnose").expect(0)
    assert cli("plan", *RUN[1:4], "--detailed-exitcode").expect(10).status == "planned"
    assert cli("run", *RUN[1:4], "--dry-run").expect(0).status == "planned"
    assert control_plane.writes(mark) == []

    done = cli(*RUN).expect(0)
    assert done.status == "applied"
    networks = yaml.safe_load(config(get))["nonMasqueradeCIDRs"]
    assert "10.0.0.0/8" not in networks
    assert "10.128.0.0/9" in networks
    assert get("configmap", "ip-masq-agent")["data"]["other"] == "kept"
    assert {"status": "unknown", "check": "the agent on every node logs the new configuration"}.items() <= done.json[
        "verify"
    ]["checks"][1].items()

    mark = control_plane.mark()
    assert cli(*RUN).expect(0).status == "already_ok"
    asked = control_plane.audit_events(mark)
    assert len(asked) <= 8
    assert cli("verify", done.json["run_id"], "--within", "5").expect(0).status == "applied"
    assert control_plane.writes(mark) == []

    assert cli("rollback", done.json["run_id"], "--yes").expect(0).status == "rolled_back"
    assert (content(get("configmap", "ip-masq-agent")), content(get("daemonset", "ip-masq-agent"))) == before
    assert not [item for item in leases(control_plane) if item.startswith("lease.coordination.k8s.io/runbook")]


def test_creates_the_configuration_and_takes_it_away(cli: Cli, agent: Put, get: Get) -> None:
    """Where there is no ConfigMap one is made from the agent's built-in list, and a rollback deletes it."""
    agent(None)
    done = cli(*RUN).expect(0)
    assert "240.0.0.0/4" in yaml.safe_load(config(get))["nonMasqueradeCIDRs"]
    assert cli("rollback", done.json["run_id"], "--yes").expect(0)
    assert get("configmap", "ip-masq-agent") == {}


def test_without_a_wish_a_good_configuration_is_left_alone(
    cli: Cli, agent: Put, get: Get, control_plane: ControlPlane
) -> None:
    """Repairing what is not broken is no mistake: already ok, with no write, and it says what was not looked at."""
    agent()
    mark = control_plane.mark()
    done = cli(*RUN[:2], "--yes").expect(0)
    assert done.status == "already_ok"
    assert "no --masquerade was given" in str(done.json["plan"]["checks"])
    assert control_plane.writes(mark) == []


@pytest.fixture
def gke(cli: Cli, cloud: tuple[GoogleCloud, Server]) -> Cli:
    """The command line on the same cluster, whose settings the GKE API tells."""
    env = google_env(cloud[1], cli.folder)
    place = ("--project", "example-prod", "--location", "europe-west3", "--cluster", "example")
    return Cli(cli.folder, *cli.options, *place, env=env)


def test_deploys_the_agent_only_when_told(gke: Cli, agent: Put, get: Get, control_plane: ControlPlane) -> None:
    """Without a DaemonSet a configuration has no effect: refused, until --deploy-agent deploys one that rollback removes."""
    cli = gke
    agent(None, daemonset=False)
    empty = cli(*RUN[:2], "--deploy-agent", "--yes").expect(2)
    assert "--masquerade is empty" in empty.json["error"]["summary"]
    refused = cli(*RUN).expect(3)
    assert "--deploy-agent" in refused.json["error"]["next"]
    assert get("configmap", "ip-masq-agent") == {}
    done = cli(*RUN, "--deploy-agent").expect(0)
    assert done.status == "applied"
    assert "@sha256:" in get("daemonset", "ip-masq-agent")["spec"]["template"]["spec"]["containers"][0]["image"]
    mark = control_plane.mark()
    undone = cli("rollback", done.json["run_id"], "--yes").expect(0)
    assert get("daemonset", "ip-masq-agent") == {}
    assert get("configmap", "ip-masq-agent") == {}
    gone = [item for item in control_plane.writes(mark) if "ip-masq-agent" in str(item) and "delete" in str(item)]
    assert [kind in str(item) for item, kind in zip(gone, ("configmaps", "daemonsets"), strict=True)] == [True, True]
    # Nothing can be read from simulated nodes, and that is what is said.
    assert "rules may stay on node-1, node-2, node-3 until a node is rebooted or made anew" in str(
        undone.json["verify"]
    )


@pytest.mark.parametrize(
    ("text", "words", "code", "says"),
    [
        (CONFIG, ["--masquerade", "0.0.0.0/0"], 2, "every destination"),
        (CONFIG, ["--masquerade", "10.1.0.1/16"], 2, "allowed is 10.1.0.0/16"),
        (CONFIG, ["--masquerade", "10.1.0.0/99"], 2, "is not a CIDR"),
        (CONFIG, ["--masquerade", "10.64.2.0/24"], 3, "pod range 10.64.2.0/2"),
        (CONFIG, ["--masquerade", "10.128.0.2/32"], 3, "node address 10.128.0.2/3"),
        (CONFIG, ["--masquerade", "10.96.0.0/20"], 3, "service range 10.96.0.0/16"),
        (CONFIG, ["--masquerade", "169.254.1.0/24"], 3, "link-local"),
        (CONFIG.replace("60s", "60"), ["--masquerade", "10.1.0.0/16"], 3, "resyncInterval is the number 60"),
        ("nonMasqueradeCIDRs: [10.0.0.0/8]\ncidrLimit: 4\n", ["--masquerade", "10.1.0.0/16"], 3, "at most 4"),
        (
            "nonMasqueradeCIDRs:\n- 10.1.0.0/16 # offices\n- 192.168.0.0/16\n",
            ["--masquerade", "10.1.0.0/16"],
            3,
            "offices",
        ),
        ("nonMasqueradeCIDRs: &list\n- 10.0.0.0/8\n", ["--masquerade", "10.1.0.0/16"], 3, "anchor in line 1"),
    ],
)
def test_refuses_what_would_harm(
    cli: Cli, agent: Put, control_plane: ControlPlane, text: str, words: list[str], code: int, says: str
) -> None:
    """Each dangerous or impossible wish ends in one sentence, and nothing is written."""
    agent(text)
    mark = control_plane.mark()
    refused = cli("run", "ip-masq-agent", *words, "--yes").expect(code)
    assert says in refused.json["error"]["summary"]
    assert refused.status == "refused"
    assert control_plane.writes(mark) == []


def test_repairs_a_rejected_configuration(cli: Cli, agent: Put, get: Get) -> None:
    """Without --masquerade only the broken interval is repaired; the list is not touched."""
    agent(CONFIG.replace("60s", "60 # seconds"))
    found = cli("diagnose", "ip-masq-agent").expect(0).json["findings"][0]
    assert found["status"] == "fault"
    assert "resyncInterval" in found["evidence"][0]
    assert cli("run", "ip-masq-agent", "--yes").expect(0).status == "applied"
    assert config(get) == CONFIG.replace("60s", '"60s" # seconds')


def test_a_managed_agent_is_not_restarted(cli: Cli, agent: Put, get: Get) -> None:
    """Nobody knows whether GKE keeps a restart, so it takes a word of the caller; --no-restart changes the text alone."""
    agent(CONFIG, **{"addonmanager.kubernetes.io/mode": "Reconcile"})
    template = get("daemonset", "ip-masq-agent")["spec"]["template"]
    refused = cli(*RUN).expect(3).json["error"]
    assert "which may revert" in refused["summary"]
    assert "--no-restart" in refused["next"]
    assert "--accept-drift" in refused["next"]
    assert config(get) == CONFIG
    known = cli("plan", *RUN[1:4], "--accept-drift").expect(0).json["plan"]
    assert len(known["changes"]) == 2
    assert "whether it keeps a restart is not proven" in str(known["checks"])
    assert cli(*RUN, "--no-restart").expect(0).status == "applied"
    assert get("daemonset", "ip-masq-agent")["spec"]["template"] == template


def test_no_node_is_no_success(cli: Cli, agent: Put, control_plane: ControlPlane) -> None:
    """A rollout on zero nodes proves nothing: the run is unhealthy."""
    agent()
    nowhere = json.dumps({"spec": {"template": {"spec": {"nodeSelector": {"nowhere": "true"}}}}})
    control_plane.kubectl("-n", "kube-system", "patch", "daemonset", "ip-masq-agent", "-p", nowhere)
    control_plane.wait_for(
        lambda: (
            not control_plane.kubectl(
                "-n", "kube-system", "get", "pods", "-l", "k8s-app=ip-masq-agent", "-o", "name"
            ).stdout
        ),
        "no agent",
    )
    cli("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--no-restart", "--yes").expect(5)


def test_owned_objects_are_left_to_their_owner(cli: Cli, agent: Put, control_plane: ControlPlane, get: Get) -> None:
    """A ConfigMap that Helm owns is refused, unless --accept-drift says that it is known."""
    agent()
    control_plane.kubectl(
        "-n", "kube-system", "label", "configmap", "ip-masq-agent", "app.kubernetes.io/managed-by=Helm"
    )
    assert "Helm" in cli(*RUN).expect(3).json["error"]["summary"]
    assert config(get) == CONFIG
    cli(*RUN, "--accept-drift").expect(0)
    assert config(get) != CONFIG


def test_a_saved_plan_runs_exactly_or_not_at_all(
    cli: Cli, agent: Put, get: Get, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """A plan whose world moved is stale, exit 3; the one that still fits runs."""
    agent()
    saved = str(tmp_path / "plan.json")
    cli("plan", *RUN[1:4], "--out", saved).expect(0)
    edit = json.dumps({"data": {"config": CONFIG + "masqLinkLocal: false\n"}})
    control_plane.kubectl("-n", "kube-system", "patch", "configmap", "ip-masq-agent", "-p", edit)
    assert (
        "no longer as the plan saw it"
        in cli("run", "ip-masq-agent", "--plan", saved, "--yes").expect(3).json["error"]["summary"]
    )
    assert "10.1.0.0" not in config(get)
    cli("plan", *RUN[1:4], "--out", saved).expect(0)
    assert cli("run", "ip-masq-agent", "--plan", saved, "--yes").expect(0).status == "applied"
    assert (
        "is a plan of 'ip-masq-agent'"
        in cli("run", "ipam-cleanup", "--plan", saved, "--yes").expect(2).json["error"]["summary"]
    )


def test_rollback_respects_others(cli: Cli, agent: Put, get: Get, control_plane: ControlPlane) -> None:
    """Somebody's edit of another field stays; somebody's edit of the same field stops the rollback before it changes anything."""
    agent()
    done = cli(*RUN).expect(0).json["run_id"]
    ours = config(get)
    control_plane.kubectl(
        "-n",
        "kube-system",
        "patch",
        "configmap",
        "ip-masq-agent",
        "-p",
        json.dumps({"data": {"theirs": "stays", "config": "{}"}}),
    )
    mark = control_plane.mark()
    refused = cli("rollback", done, "--yes").expect(6)
    assert refused.status == "rollback_refused"
    assert "/data/config" in refused.json["error"]["summary"]
    assert control_plane.writes(mark) == []
    control_plane.kubectl(
        "-n", "kube-system", "patch", "configmap", "ip-masq-agent", "-p", json.dumps({"data": {"config": ours}})
    )
    cli("rollback", done, "--yes").expect(0)
    assert get("configmap", "ip-masq-agent")["data"] == {"config": CONFIG, "other": "kept", "theirs": "stays"}


def test_two_runs_do_not_meet(cli: Cli, agent: Put, get: Get, control_plane: ControlPlane) -> None:
    """A run of an earlier version locks the namespace: refused at once, in words for a person; waited for until it lapses."""
    agent()
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    about = {"name": "runbook", "namespace": "kube-system", "labels": {"app.kubernetes.io/managed-by": "runbook"}}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": about,
             "spec": {"holderIdentity": "run 7 of alice on elsewhere/1/2 process 5.5", "leaseDurationSeconds": 2_000_000_000,
                      "acquireTime": now, "renewTime": now}}  # fmt: skip
    control_plane.kubectl("create", "-f", "-", stdin=yaml.safe_dump(lease))
    refused = cli(*RUN).expect(3).json["error"]
    assert re.search(r"locked by alice@elsewhere \(run 7\), \d+ s ago$", refused["summary"])
    assert refused["next"].endswith(" --wait 60")
    assert config(get) == CONFIG
    done = cli(*RUN, "--wait", "60", json_output=False).expect(0)
    assert "applied, 1 of 2 proven" in done.out
    assert re.search(r"waiting \d+ s of 60: .*alice@elsewhere", done.err)
    assert not [item for item in leases(control_plane) if item.startswith("lease.coordination.k8s.io/runbook")]


def test_a_reader_gets_a_weaker_plan(agent: Put, tmp_path: Path, control_plane: ControlPlane) -> None:
    """An identity that may only read sees the diff, labelled, and what it lacks; its run is refused and writes nothing."""
    agent()
    cli = Cli(tmp_path, "--kubeconfig", str(control_plane.kubeconfig_for("reader")), "--context", "control-plane")
    plan = cli("plan", *RUN[1:4]).expect(0).json["plan"]
    assert "not checked by the server" in plan["changes"][0]["note"]
    assert any(
        "patch configmaps ip-masq-agent" in check["check"] for check in plan["checks"] if check["status"] == "missing"
    )
    mark = control_plane.mark()
    refused = cli(*RUN).expect(3)
    assert "patch daemonsets" in refused.json["error"]["summary"]
    assert control_plane.writes(mark) == []


@pytest.mark.parametrize(
    "comment",
    [
        "Büro — Köln & Zürich",
        "<office> & 'lab' \"x\"",
        "\u00a0 \u200b ü\u0308 %s",
        "日本 🚀 \U0001f600",
        "a\\u0026b \\ud83d",
    ],
)
def test_any_text_beside_the_settings_is_kept(cli: Cli, agent: Put, get: Get, comment: str) -> None:
    """The server compares a patch with its own writing of such text; the fix, and its undo, leave every character alone."""
    text = f"# {comment}\n{CONFIG}team: {json.dumps(comment)}\n"
    agent(text)
    kept = config(get)
    done = cli(*RUN).expect(0)
    assert done.status == "applied"
    assert config(get).startswith(f"# {comment}\n")
    assert "10.128.0.0/9" in config(get)
    cli("rollback", done.json["run_id"], "--yes").expect(0)
    assert config(get) == kept


def test_a_byte_order_mark_is_kept(cli: Cli, agent: Put, get: Get) -> None:
    """Editors on Windows write one; the agent's reader passes over it."""
    agent("\ufeff" + CONFIG)
    done = cli(*RUN).expect(0)
    assert config(get).startswith("\ufeffnonMasqueradeCIDRs:\n- 10.0.0.0/16\n")
    cli("rollback", done.json["run_id"], "--yes").expect(0)
    assert config(get) == "\ufeff" + CONFIG


def test_an_immutable_configuration_is_refused_with_a_way(
    cli: Cli, agent: Put, get: Get, control_plane: ControlPlane
) -> None:
    """Nobody can change it, so a sentence says how it is made anew, also in the diagnosis; made so, it can be changed."""
    agent(immutable=True)
    mark = control_plane.mark()
    error = cli(*RUN).expect(3).json["error"]
    assert "the ConfigMap is immutable, so nobody can change it" in error["summary"]
    assert error["next"].startswith("ask who made it immutable, then save what kubectl ")
    assert control_plane.writes(mark) == []
    read = ("-n", "kube-system", "get", "configmap", "ip-masq-agent", "-o", "yaml")
    saved = yaml.safe_load(control_plane.kubectl(*read).stdout)
    control_plane.kubectl("-n", "kube-system", "delete", "configmap", "ip-masq-agent")
    saved["metadata"] = {key: saved["metadata"][key] for key in ("name", "namespace")}
    control_plane.kubectl("create", "-f", "-", stdin=yaml.safe_dump(saved | {"immutable": False}))
    assert config(get) == CONFIG
    assert cli(*RUN).expect(0).status == "applied"
    assert "10.128.0.0/9" in config(get)


def test_an_immutable_configuration_that_is_right_is_left_alone(cli: Cli, agent: Put) -> None:
    """There is nothing to change in it."""
    agent(immutable=True)
    assert cli(*RUN[:2], "--masquerade", "8.8.8.0/24", "--yes").expect(0).status == "already_ok"
