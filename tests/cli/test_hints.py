"""What a person is told to type next works as it stands."""

from __future__ import annotations

import pytest

from remediation.cli import hints


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        ("run x --sandbox", "runbook verify a-1  or  runbook rollback a-1", "runbook verify a-1 --sandbox  or  runbook rollback a-1 --sandbox"),
        ("run x --sandbox=real", "compare with: runbook runs a-1 -o json, then undo", "compare with: runbook runs a-1 --sandbox=real -o json, then undo"),
        ("run x --store /a/b", "runbook runs", "runbook runs --store /a/b"),
        ("run x --kubeconfig '/a b' --yes", "wait, or see: runbook runs", "wait, or see: runbook runs --kubeconfig '/a b'"),
        ("run x --context c", "runbook resume a-1", "runbook resume a-1"),
        ("run x --sandbox", "kubectl get namespaces", "kubectl get namespaces"),
        ("run x --sandbox", "runbook sandbox up", "runbook sandbox up"),
    ],
)  # fmt: skip
def test_hints_name_the_same_place(monkeypatch: pytest.MonkeyPatch, words: str, text: str, expected: str) -> None:
    """The sandbox, store and kubeconfig of this command go into the next one; the journal knows the context."""
    monkeypatch.setattr(hints.sys, "argv", ["runbook", *hints.shlex.split(words)])
    assert hints.here(text) == expected


def test_a_plan_names_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command after a plan is the same one with another verb."""
    typed = "plan ip-masq-agent --masquerade 10.1.0.0/16 --detailed-exitcode -o text --context 'a b'"
    monkeypatch.setattr(hints.sys, "argv", ["runbook", *hints.shlex.split(typed)])
    assert hints.run_instead() == "runbook run ip-masq-agent --masquerade 10.1.0.0/16 --context 'a b'"
