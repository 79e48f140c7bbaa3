"""The verbs as a Python API: what a notebook or a service does with them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remediation import verbs
from remediation.model.changes import Change
from remediation.verbs import Refused, Settings, Silent, StalePlan, UsageProblem, Workspace
from runbook_sandbox.process import down, ensure_running
from tests.running import RUNBOOK

ROOT = Path(__file__).parent.parent
MASQUERADE = {"masquerade": ["10.1.0.0/16"]}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder with a broken sandbox in it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    subprocess.run([str(RUNBOOK), "sandbox", "break", "ip-masq-agent"], check=True, capture_output=True)
    yield tmp_path
    down("emulated")


@pytest.fixture
def work(state: Path) -> Iterator[Workspace]:
    with Workspace.of_sandbox(ensure_running("emulated"), actor="alice@example.com") as found:
        yield found


def test_the_example_of_the_readme(state: Path) -> None:
    """It runs as it stands, without a terminal and without anything on standard error."""
    (example,) = re.findall(
        r"```python\n(from remediation\.verbs.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S
    )
    done = subprocess.run([sys.executable, "-c", example], env=os.environ, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    fault, addresses, end = done.stdout.splitlines()
    assert fault.startswith("fault pods time out to 10.1.125.70/32")
    assert addresses == "['configmap/kube-system/ip-masq-agent', 'daemonset/kube-system/ip-masq-agent']"
    assert end == "verified verified rolled_back"


def test_an_approval_is_bound_to_what_was_seen(work: Workspace) -> None:
    """The world moves between plan and approval: nothing is written, and no run is recorded."""
    early = work.plan("ip-masq-agent", **MASQUERADE)
    run = work.run(work.plan("ip-masq-agent", masquerade=["10.1.125.0/24"]), approved=lambda plan: True)
    with pytest.raises(StalePlan, match="the target changed while the plan was read"):
        work.run(early, approved=early.fingerprint)
    assert [line["run_id"] for line in work.runs()] == [run.run_id]


def test_another_fingerprint_approves_nothing(work: Workspace) -> None:
    """An approval of another plan is none."""
    plan, other = work.plan("ip-masq-agent", **MASQUERADE), work.plan("ip-masq-agent", masquerade=["10.2.0.0/16"])
    with pytest.raises(StalePlan):
        work.run(plan, approved=other.fingerprint)
    with pytest.raises(Refused, match="not confirmed"):
        work.run(plan, approved=lambda plan: False)
    assert work.runs() == []


def test_a_pause_that_comes_while_somebody_reads_holds(work: Workspace) -> None:
    """The store is asked again right before the run is recorded, whoever the caller is."""
    plan = work.plan("ip-masq-agent", **MASQUERADE)

    def approve_late(shown: Any) -> bool:
        assert shown.fingerprint == plan.fingerprint
        return not work.pause("change freeze")

    with pytest.raises(Refused, match="runs are paused: change freeze"):
        work.run(plan, approved=approve_late)
    assert work.runs() == []
    assert work.unpause()


def test_a_cluster_that_nobody_named_is_not_written_to(work: Workspace) -> None:
    """Of a kubeconfig that nobody named, the current context is only read where nobody is there to be shown it."""
    settings = Settings(journal=work.settings.journal, usual_kubeconfig=work.settings.kubeconfig)
    with Workspace(settings) as unnamed:
        plan = unnamed.plan("ip-masq-agent", **MASQUERADE)
        with pytest.raises(Refused, match="nobody named the cluster"):
            unnamed.run(plan, approved=plan.fingerprint)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"masqerade": ["10.1.0.0/16"]}, "has no parameter 'masqerade'"),
        ({"masquerade": ["10.1.0.0/99"]}, "'10.1.0.0/99' is not a CIDR"),
    ],
)
def test_wrong_parameters_are_named(work: Workspace, parameters: dict[str, Any], says: str) -> None:
    """As on the command line, before anything is asked."""
    with pytest.raises(UsageProblem, match=says):
        work.plan("ip-masq-agent", **parameters)


def test_an_observer_hears_of_each_change(state: Path) -> None:
    """Who runs it and which run it is, is known to whoever draws it."""
    told: list[str] = []

    class Drawing(Silent):
        def about(self, **named: str) -> Drawing:
            told.append(" ".join(sorted(named)))
            return self

        def changing(self, change: Change) -> None:
            told.append(change.address)

    with Workspace.of_sandbox(ensure_running("emulated"), Drawing()) as work:
        work.carry_out(work.plan("ip-masq-agent", **MASQUERADE))
    assert told == ["run_id runbook", "configmap/kube-system/ip-masq-agent", "daemonset/kube-system/ip-masq-agent"]


def test_a_record_and_the_rights_are_documents(work: Workspace) -> None:
    """What the command line prints with ``-o json`` is at hand without it."""
    run = work.carry_out(work.plan("ip-masq-agent", **MASQUERADE))
    record = work.record(str(run.run_id))
    assert record.as_json()["status"] == "verified"
    assert record.as_json()["actor"] == "alice@example.com"
    assert work.audit().events == len(record.events)
    assert {answer.check: answer.status for answer in work.doctor()}["kubernetes"] == "ok"
    assert {role["kind"] for role in work.rights("ip-masq-agent", user="alice@example.com").kubernetes} >= {
        "Role",
        "RoleBinding",
    }


def test_a_plan_is_kept_for_a_later_day(work: Workspace) -> None:
    """Through JSON and back: it is run as it was approved, or refused when it is no plan of this runbook."""
    plan = work.plan("ip-masq-agent", **MASQUERADE)
    text = json.dumps(plan.saved()).encode()
    saved = verbs.read_saved(text, plan.book, "the approved plan")
    later = work.ready(work.request(plan.book, {}).as_saved(saved))
    assert later.fingerprint == plan.fingerprint
    assert work.carry_out(later).status == "verified"
    with pytest.raises(UsageProblem, match="the approved plan was changed after it was made"):
        verbs.read_saved(text.replace(b"10.1.0.0/16", b"10.9.0.0/16"), plan.book, "the approved plan")


def test_public_names_exist() -> None:
    """Everything that the list of the package names is there, and each is loaded only when it is used."""
    for name in dir(verbs):
        assert getattr(verbs, name) is not None
    code = "import sys, remediation.verbs as v; v.Workspace; print([m for m in sys.modules if m.startswith('remediation.engine')])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_a_record_loads_its_own_runbook_only(work: Workspace) -> None:
    """Of forty runbooks, the other thirty-nine are not imported to work on a run of one."""
    run = work.carry_out(work.plan("ip-masq-agent", **MASQUERADE))
    code = f"import sys, pathlib\nfrom remediation.verbs import Settings, Workspace\nWorkspace(Settings(journal=pathlib.Path({str(work.settings.journal)!r}))).load({run.run_id!r})\nprint([m for m in sys.modules if m.endswith('.runbook') and m.startswith('runbooks.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['runbooks.ip_masq_agent.runbook']"
