"""What a person is told to type next works as it stands."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from remediation.cli import hints
from remediation.model import commands
from remediation.model.commands import Hint, Hints, advice, command
from tests.running import RUNBOOK, Cli


def typed(line: str) -> commands.Command:
    return command(*line.split())


@pytest.mark.parametrize(
    ("words", "ways", "expected"),
    [
        ("run x --sandbox", (typed("runbook verify a-1"), typed("runbook rollback a-1")), "runbook verify a-1 --sandbox  or  runbook rollback a-1 --sandbox"),
        ("run x --sandbox=real", advice("compare with: {}, then undo", typed("runbook runs a-1 -o json")), "compare with: runbook runs a-1 --sandbox=real -o json, then undo"),
        ("run x --store /a/b", typed("runbook runs"), "runbook runs --store /a/b"),
        ("run x --kubeconfig '/a b' --yes", advice("wait, or see: {}", typed("runbook runs")), "wait, or see: runbook runs --kubeconfig '/a b'"),
        ("run x --context c", typed("runbook resume a-1"), "runbook resume a-1"),
        ("run x --context c", typed("kubectl get namespaces"), "kubectl --context c get namespaces"),
        ("run x --kubeconfig 'a b' --context c", advice("edit it: {}", typed("kubectl -n x edit y")), "edit it: kubectl --kubeconfig 'a b' --context c -n x edit y"),
        ("run x --kubeconfig a:b --context c", typed("kubectl config view"), "KUBECONFIG=a:b kubectl config view"),
        ("run x --kubeconfig=a --context=c", typed("kubectl config view --minify"), "kubectl --kubeconfig a --context=c config view --minify"),
        ("run x --yes", typed("kubectl get namespaces"), "kubectl get namespaces"),
        ("run x --sandbox", typed("runbook sandbox up"), "runbook sandbox up"),
        ("pause --reason x --sandbox", typed("runbook unpause"), "runbook unpause --sandbox"),
        ("run x --sandbox real", typed("runbook doctor"), "runbook doctor --sandbox=real"),
        ("run x --context c --project p", typed("runbook doctor"), "runbook doctor --context c --project p"),
        ("run x --sandbox", (typed("runbook run x --yes --sandbox"), typed("runbook audit verify")), "runbook run x --yes --sandbox  or  runbook audit verify --sandbox"),
    ],
)  # fmt: skip
def test_hints_name_the_same_place(
    monkeypatch: pytest.MonkeyPatch, words: str, ways: Hint | Hints, expected: str
) -> None:
    """The sandbox, store and kubeconfig of this command go into the next one; the journal knows the context."""
    monkeypatch.setattr(hints.sys, "argv", ["runbook", *shlex.split(words)])
    assert commands.joined(hints.here(commands.hints(ways))) == expected


@pytest.mark.parametrize(
    ("typed", "verb", "expected"),
    [
        ("plan ip-masq-agent --masquerade 10.1.0.0/16 --detailed-exitcode -o text --context 'a b'", "run", "runbook run ip-masq-agent --masquerade 10.1.0.0/16 --context 'a b'"),
        ("run ip-masq-agent --reason plan --dry-run --out=x --sandbox", "run", "runbook run ip-masq-agent --reason plan --sandbox"),
        ("run ip-masq-agent --yes --plan x --reason plan --sandbox", "plan", "runbook plan ip-masq-agent --sandbox"),
    ],
)  # fmt: skip
def test_the_same_with_another_verb(monkeypatch: pytest.MonkeyPatch, typed: str, verb: str, expected: str) -> None:
    """The command after a plan is the same one that runs it, and the other way round."""
    monkeypatch.setattr(hints.sys, "argv", ["runbook", *shlex.split(typed)])
    assert str(hints.again(verb)) == expected


def test_kubectl_is_told_the_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hint for kubectl names the cluster that was looked at."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(hints.sys, "argv", ["runbook", "run", "x", "--sandbox"])
    assert (
        str(hints.here((typed("kubectl get nodes"),))[0])
        == f"kubectl --kubeconfig {tmp_path}/runbook/sandbox/kubeconfig get nodes"
    )
    monkeypatch.setattr(hints.sys, "argv", ["runbook", "run", "x", "--sandbox=real"])
    assert f" {tmp_path}/runbook/sandbox-real/kubeconfig " in str(hints.here((typed("kubectl get nodes"),))[0])


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("run --yes ip-masq-agent", "runbook run ip-masq-agent --yes"),
        ("run --masquerade 10.1.0.0/16 ip-masq-agent --yes", "runbook run ip-masq-agent --yes --masquerade 10.1.0.0/16"),
        ("--sandbox plan ip-masq-agent", "runbook plan ip-masq-agent --sandbox"),
        ("rbac --user x pull-secret", "runbook rbac pull-secret --user x"),
    ],
)  # fmt: skip
def test_options_before_the_name(words: str, meant: str) -> None:
    """The command that was meant is told, and the document names the runbook."""
    done = subprocess.run([str(RUNBOOK), *words.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "options come after the" in done.stderr
    assert f"next:  {meant}\n" in done.stderr
    document = json.loads(subprocess.run([str(RUNBOOK), *words.split(), "-o", "json"], capture_output=True, check=False).stdout)  # fmt: skip
    assert document["runbook"] in words.split()


def test_a_wrong_option(tmp_path: Path) -> None:
    """The document names the runbook wherever it stands, and the help that fits."""
    document = Cli(tmp_path)("plan", "ip-masq-agent", "--sandbox", "--foo").expect(2).json
    assert document["error"]["next"] == "runbook plan ip-masq-agent --help"
    assert (document["runbook"], document["id"]) == ("ip-masq-agent", "NET-02")
