"""What a row does about its fault: fix it, leave it to a person, or only look; and who has to be there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest

from remediation.catalogue.diagnosis import diagnosis
from remediation.catalogue.runbook import Runbook, runbook
from remediation.catalogue.values import ObjectName
from remediation.cli.console import unstyled
from remediation.cli.plans import plan_text
from remediation.engine.consent import Consent
from remediation.engine.plan import make_plan
from remediation.model.commands import command
from remediation.model.errors import Refused, UsageProblem
from remediation.model.facts import Facts
from remediation.model.records import recorded
from remediation.model.rights import Permission
from remediation.model.status import Risk, RowClass, Status
from remediation.model.steps import Advise, CheckDefaults, Ensure, Finding, Steps, Verdict
from remediation.model.targets import Cluster as Target
from remediation.providers.kubernetes.objects import KubernetesObject
from remediation.verbs import Settings, Workspace
from remediation.verbs.request import Request
from runbook_sandbox.kubernetes import Cluster
from tests.engine.inside import Inside, emulated

SOURCE = "https://docs.example.com/page"
MADE = KubernetesObject("v1", "ConfigMap", "made", "default", {"data": {"a": "1"}})
NODES = ("kubectl", "drain", "node-1", "--ignore-daemonsets")


@recorded
@dataclass(frozen=True)
class Burnt(KubernetesObject):
    """A change that nothing brings back."""

    reversible: ClassVar[bool] = False


@recorded
@dataclass(frozen=True)
class Says(CheckDefaults):
    """A check whose answer is known."""

    status: Any
    description: ClassVar[str] = "all is well"
    permissions: ClassVar[tuple[Permission, ...]] = ()

    def ask(self, api: Any) -> Verdict:
        return Verdict(self.status, "it is so", final=True)

    def moments(self, api: Any, within: float) -> Iterator[None]:
        yield from ()


@diagnosis(id="DPV2-00", because="the dataplane is chosen when a cluster is created", source=SOURCE)  # fmt: skip
def which_dataplane(target: Target, facts: Facts) -> Iterator[Finding]:
    """Tell which dataplane a cluster has."""
    yield Finding("healthy", "it is there")


def book(*steps: Any, **more: Any) -> Runbook:
    def made_up(target: Target) -> Steps:
        """Do what the test says."""
        yield from steps

    declared = [step.check if isinstance(step, Ensure) else step for step in steps if not isinstance(step, Advise)]
    said: dict[str, Any] = {"id": "NET-00", "risk": Risk.HIGH, "source": SOURCE, "example": ""}
    return replace(runbook(**said | more)(made_up), declares=lambda *_, **__: declared)


@dataclass
class Place:
    """One server, and somebody who works on it."""

    inside: Inside
    cluster: Cluster
    work: Workspace

    def there(self) -> list[str]:
        names = [item["metadata"]["name"] for item in self.cluster.store.list("configmaps")]
        return sorted(name for name in names if "kube-" not in name)

    def attended(self) -> Workspace:
        return Workspace(replace(self.work.settings, attended=True))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    for inside, cluster in emulated(tmp_path):
        context = inside.kubeconfig.read_text().split('"current-context": "')[1].partition('"')[0]
        settings = Settings(tmp_path / "verbs.db", kubeconfig=str(inside.kubeconfig), context=context)
        yield Place(inside, cluster, Workspace(settings))


def test_a_row_that_only_looks_is_diagnosed_and_never_run(here: Place) -> None:
    """Its refusal says why, and what to type instead; its class is told to machines."""
    assert which_dataplane.as_json()["class"] == "DIAG"
    assert which_dataplane.as_json()["risk"] == "low"
    assert which_dataplane.summary == "Tell which dataplane a cluster has."
    with pytest.raises(Refused) as refused:
        here.work.preview(Request(which_dataplane))
    assert "the dataplane is chosen when a cluster is created" in refused.value.summary
    assert [str(way) for way in refused.value.next] == ["runbook diagnose which-dataplane"]
    assert refused.value.exit_code == 3
    assert which_dataplane.diagnose
    found = list(which_dataplane.diagnose(here.inside.target, Facts(here.inside.api)))
    assert [item.status for item in found] == ["healthy"]


def test_a_row_that_only_looks_takes_no_parameter() -> None:
    """Nobody could give it one."""

    def looks(target: Target, what: Annotated[ObjectName, "what"]) -> Iterator[Finding]:
        yield Finding("healthy", what)

    with pytest.raises(TypeError, match="takes no what"):
        diagnosis(id="X-1", because="b", source=SOURCE)(looks)


def test_advice_is_shown_and_not_applied(here: Place) -> None:
    """A plan ends well with the commands and what comes of them; a run is refused with the same."""
    advised = book(Advise("node-1 has to be drained", (command(*NODES),), ("its pods start elsewhere",)), cls=RowClass.ADVISE)  # fmt: skip
    assert advised.as_json()["class"] == "ADVISE"
    planned = here.work.preview(Request(advised))
    assert (planned.outcome.status, planned.outcome.exit_code) == (Status.ADVICE, 0)
    assert planned.as_json()["advice"] == [
        {
            "summary": "node-1 has to be drained",
            "commands": [" ".join(NODES)],
            "consequences": ["its pods start elsewhere"],
        }
    ]
    text = unstyled(plan_text(planned.as_json()).text)
    assert f"      {' '.join(NODES)}" in text.splitlines()
    assert "then: its pods start elsewhere" in text
    assert max(map(len, text.splitlines())) <= 80
    with pytest.raises(Refused) as refused:
        here.work.carry_out(planned)
    assert [str(way) for way in refused.value.next] == [" ".join(NODES)]
    assert "its pods start elsewhere" in refused.value.detail
    assert here.work.runs() == []


def test_steps_that_change_something_and_leave_it_to_a_person_are_a_bug(here: Place) -> None:
    """Nobody could say how such a run ended."""
    mixed = book(MADE, Advise("do it", (command("true"),)))
    with pytest.raises(AssertionError, match="leave it to a person"):
        here.work.preview(Request(mixed))


def test_what_nothing_brings_back_is_confirmed_by_name(here: Place) -> None:
    """Neither a yes nor the name of another thing is enough, and nobody does it unattended."""
    burning = book(Burnt("v1", "ConfigMap", "burnt", "default", {"data": {"a": "1"}}), MADE)
    address = "configmap/default/burnt"
    attended = here.attended()
    with pytest.raises(Refused, match="confirmed by name: configmap/default/burnt") as refused:
        attended.carry_out(attended.preview(Request(burning)))
    assert str(refused.value.next[0]) == f"repeat as run with --irreversible {address}"
    with pytest.raises(UsageProblem, match="changes no configmap/default/made for good"):
        attended.carry_out(attended.preview(Request(burning, consent=Consent(("configmap/default/made",)))))
    named = Request(burning, consent=Consent((address,)))
    with pytest.raises(Refused, match="never done without a person"):
        here.work.carry_out(here.work.preview(named))
    assert here.there() == []
    assert attended.carry_out(attended.preview(named)).exit_code == 0
    assert here.there() == ["burnt", "made"]


def test_an_approval_is_no_confirmation_by_name(here: Place) -> None:
    """Who approves a plan is asked only for what may be done at all."""
    burning = book(Burnt("v1", "ConfigMap", "burnt", "default", {"data": {"a": "1"}}))
    planned = here.attended().preview(Request(burning))
    with pytest.raises(Refused, match="confirmed by name"):
        here.attended().run(planned, planned.fingerprint)
    assert here.there() == []


def test_a_danger_is_accepted_by_its_name(here: Place) -> None:
    """A row that names one runs while a person is there, who names it too."""
    risky, attended = book(MADE, danger="widens-access"), here.attended()
    with pytest.raises(Refused, match="widens access") as refused:
        attended.carry_out(attended.preview(Request(risky)))
    assert str(refused.value.next[0]) == "repeat as run with --accept widens-access"
    accepted = Request(risky, consent=Consent(danger="widens-access"))
    with pytest.raises(UsageProblem, match="does not say that it drops traffic"):
        attended.carry_out(attended.preview(Request(risky, consent=Consent(danger="drops-traffic"))))
    with pytest.raises(Refused, match="never done without a person"):
        here.work.carry_out(here.work.preview(accepted))
    assert attended.carry_out(attended.preview(accepted)).exit_code == 0


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [("ok", Status.ALREADY_OK, 0), ("failing", Status.UNHEALTHY, 5), ("unknown", Status.ALREADY_OK, 0)],
)
def test_nothing_to_change_is_not_already_ok_while_a_check_fails(
    here: Place, status: Any, outcome: Status, code: int
) -> None:
    """A plan asks the checks that cost little, and says what fails; what it could not ask proves nothing."""
    here.inside.run(MADE)
    planned = here.work.preview(Request(book(MADE, Ensure(Says(status), 30))))
    assert planned.changes == []
    assert (planned.outcome.status, planned.outcome.exit_code) == (outcome, code)
    assert planned.outcome.verify
    assert [item["status"] for item in planned.outcome.verify["checks"]] == [status]


def test_a_plan_without_checks_says_nothing_of_them(here: Place) -> None:
    """What was never asked is no proof and no failure."""
    here.inside.run(MADE)
    planned = here.work.preview(Request(book(MADE)))
    assert (planned.outcome.status, planned.outcome.verify) == (Status.ALREADY_OK, None)


def test_the_engine_plans_no_row_that_only_looks(here: Place) -> None:
    """Whoever calls it."""
    with pytest.raises(Refused, match="only looks"):
        make_plan(which_dataplane, here.inside.target, {}, {}, here.inside.api)
