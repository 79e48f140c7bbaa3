"""Scripts pass the same options and settings to every verb."""

from __future__ import annotations

import os
import subprocess

import pytest

from remediation.cli.main import _bug
from tests.running import RUNBOOK

VERBS = [
    "list", "show pull-secret", "rbac pull-secret", "runs", "audit verify", "pause --reason x", "unpause", "doctor", "diagnose",
    "plan ip-masq-agent", "run ip-masq-agent", "verify last", "rollback last", "resume last", "sandbox status",
]  # fmt: skip
COMMON = (
    "--kubeconfig", "x", "--context", "x", "--project", "x", "--location", "x", "--cluster", "x", "--sandbox", "--store", "x",
    "--actor", "x", "--ticket", "x", "--reason", "x", "--detailed-exitcode", "-o", "json",
)  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_the_common_options(verb: str) -> None:
    """An option that means nothing to a verb is no error."""
    done = subprocess.run([str(RUNBOOK), *verb.split(), *COMMON, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("RUNBOOK_STOER", 2),
        ("RUNBOOK_SANDBOX", 2),
        ("RUNBOOK_DEBUG", 0),
        # Kubernetes sets these for a Service that is called runbook.
        ("RUNBOOK_SERVICE_HOST", 0),
        ("RUNBOOK_SERVICE_PORT_HTTP", 0),
        ("RUNBOOK_PORT", 0),
        ("RUNBOOK_PORT_8080_TCP_ADDR", 0),
        ("RUNBOOK_WEB_PORT_8080_TCP", 0),
    ],
)
def test_a_setting_that_is_none_is_an_error(name: str, code: int) -> None:
    """A misspelt name of the store would mean another journal; it is named, with what is allowed."""
    done = subprocess.run(
        [str(RUNBOOK), "list"], capture_output=True, text=True, check=False, env=os.environ | {name: "x"}
    )
    assert done.returncode == code
    assert code == 0 or (name in done.stderr and "allowed are RUNBOOK_STORE" in done.stderr)


def test_a_bug_is_shown_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    """By its type and place and run, without its text, which may quote a value; and with what to type next."""
    problem = ValueError("planted-token")
    problem.add_note("run 20260102-030405-ab12")
    assert _bug(problem) == 1
    shown = capsys.readouterr().err
    assert "bug: ValueError" in shown
    assert "runbook resume 20260102-030405-ab12" in shown
    assert "planted" not in shown
