"""Words that say what they mean: a reason is a reason, a warning a warning, and an empty journal has no wrong name in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from remediation.model.steps import Finding
from remediation.verbs.diagnosing import distinct
from tests.engine.world import World, break_
from tests.running import Cli

MASQ = ("ip-masq-agent", "--masquerade", "10.1.0.0/16")
TWICE = "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- 10.0.0.0/8\nresyncInterval: 60s\n"
HARM = "nonMasqueradeCIDRs:\n- 10.0.0.0/8\nresyncInterval: 0s\n"


@pytest.fixture
def cli(world: World, tmp_path: Path) -> Cli:
    """The command on a cluster whose pods cannot reach a destination."""
    break_(world, "ip-masq-agent")
    return Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox")


@pytest.mark.parametrize("verb", ["verify", "rollback", "resume", "runs"])
def test_an_empty_journal(tmp_path: Path, verb: str) -> None:
    """Nobody is told that a run called last is missing."""
    error = Cli(tmp_path)(verb, "last").expect(3).json["error"] if verb != "runs" else None
    text = Cli(tmp_path)(verb, "last", json_output=False).expect(3).err
    assert "no run was made yet" in text
    assert "'last'" not in text
    assert error is None or error["next"].startswith("runbook diagnose")


def test_that_nothing_was_changed_is_no_reason(cli: Cli) -> None:
    """It has a line of its own, without why."""
    text = cli("run", *MASQ, json_output=False).expect(3).err
    assert "error: nobody is here to confirm\n       nothing was changed\nnext:  runbook run" in text
    assert "why:" not in text
    paused = cli("pause", "--reason", "freeze") and cli("run", *MASQ, "--yes", json_output=False).expect(3).err
    assert "why:" not in paused


def test_each_remark_has_its_own_label(world: World, tmp_path: Path) -> None:
    """What a plan builds on, what it warns of and what a person does better are not things that nobody checked."""
    break_(world, "ipam-cleanup")
    words = ("plan", "ipam-cleanup", "--node", "node-2", "--max-reservations", "300")
    plan = json.loads(world.runbook(str(tmp_path / "j.db"), *words)["text"])["plan"]
    labels = {item["check"]: item["status"] for item in plan["checks"]}
    assert labels["addresses in use"] == "evidence"
    assert labels["what cures the cause"] == "note"
    assert labels["which reservations leaked"] == "not checked"
    cli = Cli(tmp_path, "--kubeconfig", str(world.kubeconfig), "--context", "sandbox")
    text = cli(*words, json_output=False).expect(0).out
    assert "\n  evidence  addresses in use: node-2: 0 of 254" in text
    assert "not checked  evidence" not in text


@pytest.mark.parametrize(("text", "harm"), [(TWICE, False), (HARM, True)])
def test_what_is_written_twice_does_no_harm(world: World, tmp_path: Path, cli: Cli, text: str, harm: bool) -> None:
    """Only a setting that does harm is called so; both are faults."""
    world.cluster.edit("configmaps", "ip-masq-agent", lambda item: item["data"].update(config=text), "kube-system")
    found = json.loads(world.runbook(str(tmp_path / "j.db"), "diagnose", "ip-masq-agent")["text"])["findings"][0]
    assert found["status"] == "fault"
    assert ("harm" in found["summary"]) is harm
    assert ("twice" in found["summary"]) is not harm


def test_evidence_is_told_once() -> None:
    """Not again as the summary, and not as the inner half of what the kubelet says a minute later."""
    inner = 'failed to resolve reference "registry.example.com/web:1": 403 Forbidden'
    later = f'Back-off pulling image "registry.example.com/web:1": ErrImagePull: {inner}'
    finding = Finding("fault", "pods wait", evidence=(inner, later, inner, "pods wait", "10.0.0.0/2", "10.0.0.0/24"))
    assert distinct(finding) == (later, "10.0.0.0/2", "10.0.0.0/24")
