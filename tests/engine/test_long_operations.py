"""A write that the API carries out as an operation of its own: submitted once, found again, waited for, undone the same way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remediation.access import locks
from remediation.cli.progress import Progress
from remediation.engine import long_write, writing
from remediation.engine.apply import apply_run
from remediation.engine.outcome import Outcome
from remediation.engine.resuming import resume_plan, resume_run
from remediation.engine.rollback import rollback_plan, rollback_run
from remediation.engine.run import Run
from remediation.engine.verify import verify_run
from remediation.model.changes import Change
from remediation.model.errors import Drifted, Interrupted, Refused, RunbookError, StalePlan
from remediation.model.long_writes import Underway
from remediation.model.status import Status
from runbook_sandbox.kubernetes import Cluster, Fault
from tests.engine.dying import dies
from tests.engine.inside import Inside, Silent, emulated
from tests.engine.provider import Provider, Thing


class Here:
    """One server with a provider on it, and runs of one thing each."""

    def __init__(self, inside: Inside, cluster: Cluster, provider: Provider) -> None:
        self.inside, self.cluster, self.provider = inside, cluster, provider

    def leases(self) -> list[Any]:
        """Return the locks that somebody holds."""
        found = self.cluster.store.list("leases.coordination.k8s.io")
        return [item for item in found if item["metadata"]["name"].startswith("runbook")]

    def kinds(self, run: Run) -> list[str]:
        """Return what the journal says that happened to changes."""
        kinds = [event.kind for event in self.inside.journal.events(run.id)]
        return [kind for kind in kinds if kind.startswith(("change.", "undo."))]

    def resume(self, run: Run) -> Outcome | RunbookError:
        try:
            return resume_run(self.inside.load(run), self.inside.api, Silent(), lambda problem: True)
        except RunbookError as problem:
            return problem


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    for inside, cluster in emulated(tmp_path):
        provider = Provider(inside.client)
        yield Here(inside, cluster, provider)
        provider.close()


class Watching(Silent):
    """Somebody who sees how far an operation is."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.kept_off: list[str] = []

    def underway(self, change: Any, operation: Any, seconds: float) -> None:
        self.seen.append((change.address, operation.state, operation.percent))

    def held_up(self, by: str, since: float, left: float) -> None:
        self.kept_off.append(by)


def apply(here: Here, run: Run, observer: Any = None) -> Outcome:
    return apply_run(run, here.inside.api, observer or Silent(), lambda problem: True)


def test_an_operation_is_submitted_waited_for_and_undone(here: Here) -> None:
    """Token, handle and end are on record, progress is told, and the undo is an operation as well."""
    here.provider.set("pool", "small")
    run, watching = here.inside.begin(Thing("pool", "large")), Watching()
    done = apply(here, run, watching)
    assert (done.exit_code, here.provider.things()) == (0, {"pool": "large"})
    assert watching.seen[0][:2] == ("thing/pool", "RUNNING")
    assert here.kinds(run) == ["change.intended", "change.submitted", "change.done"]
    again = here.inside.load(run)
    assert again.intents[0].handle == f"operation-{again.intents[0].token}"
    shown = rollback_plan(again, here.inside.api)
    assert [edit["new"] for change in shown["changes"] for edit in change["edits"]] == ["small"]
    undone = here.inside.rollback(run)
    assert isinstance(undone, Outcome)
    assert (undone.status, here.provider.things()) == (Status.ROLLED_BACK, {"pool": "small"})
    assert here.kinds(run)[3:] == ["undo.intended", "undo.submitted", "undo.done"]
    assert len(here.provider.operations()) == 2


POINTS = [
    f"{when} {what}"
    for what in ("change.intended", "submit", "change.submitted", "change.done")
    for when in ("before", "after")
]


@pytest.mark.parametrize("verb", ["resume", "rollback"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_it_ends_as_all_or_nothing(here: Here, point: str, verb: str) -> None:
    """Whoever resumes waits for the operation and submits no second one; whoever rolls back waits for it first."""
    run = here.inside.begin(Thing("pool", "large"), Thing("disk", "fast"))
    assert dies(here.inside, run, lambda run: apply(here, run), lambda name: name == point)
    outcome = here.resume(run) if verb == "resume" else here.inside.rollback(run)
    assert isinstance(outcome, Outcome)
    assert here.provider.things() == ({"pool": "large", "disk": "fast"} if verb == "resume" else {})
    assert outcome.exit_code == 0
    begun = [item["thing"] for item in here.provider.operations().values() if item["value"] is not None]
    assert sorted(begun) == (["disk", "pool"] if verb == "resume" else sorted({"pool"} & set(begun)))


@pytest.mark.parametrize("point", [point.replace("change.", "undo.") for point in POINTS])
def test_an_undo_that_is_killed_anywhere_is_finished(here: Here, point: str) -> None:
    """One operation puts it back, whoever ends the rollback."""
    here.provider.set("pool", "small")
    run = here.inside.begin(Thing("pool", "large"))
    apply(here, run)
    loaded = here.inside.load(run)
    rolling = lambda run: rollback_run(run, here.inside.api, Silent())  # noqa: E731 - what is killed
    assert dies(here.inside, loaded, rolling, lambda name: name == point)
    undone = here.inside.rollback(run)
    assert isinstance(undone, Outcome)
    assert (undone.exit_code, here.provider.things()) == (0, {"pool": "small"})
    assert [item["value"] for item in here.provider.operations().values()] == ["large", "small"]


@pytest.mark.parametrize("close", ["before", "after"])
def test_an_answer_that_is_lost_begins_no_second_operation(here: Here, close: Any) -> None:
    """The same token goes with every repeat, and the operation is looked for first."""
    lost: list[str] = []

    def lose(method: str, path: str, query: Any, headers: Any, body: bytes) -> Fault | None:
        submitted = method == "PATCH" and b'percent\\":0' in body.replace(b" ", b"")
        if submitted and not lost:
            lost.append(path)
            return Fault(close=close)
        return None

    here.cluster.faults = lose
    run = here.inside.begin(Thing("pool", "large"))
    assert apply(here, run).exit_code == 0
    assert lost
    assert len(here.provider.operations()) == 1


def test_a_rollback_of_what_still_runs_says_so_and_waits(here: Here) -> None:
    """Its dry run shows what will be put back, and writes nothing."""
    here.provider.set("pool", "small")
    here.provider.held.set()
    run = here.inside.begin(Thing("pool", "large"))
    assert dies(here.inside, run, lambda run: apply(here, run), lambda name: name == "after change.submitted")
    loaded = here.inside.load(run)
    shown = rollback_plan(loaded, here.inside.api)["changes"]
    assert [(item["address"], item["note"]) for item in shown] == [
        ("thing/pool", "the operation that runs there is waited for first")
    ]
    assert [item["address"] for item in resume_plan(loaded, here.inside.api)["changes"]] == ["thing/pool"]
    here.provider.held.clear()
    undone = here.inside.rollback(run)
    assert isinstance(undone, Outcome)
    assert (undone.exit_code, here.provider.things()) == (0, {"pool": "small"})


def test_an_operation_that_fails_is_told_in_the_words_of_the_api(here: Here) -> None:
    """It has left nothing: what came before it is put back, and nothing is submitted again."""
    here.provider.errors = [("", "fast"), ("QUOTA_EXCEEDED: 0 of 8 CPUs", None)]
    run = here.inside.begin(Thing("disk", "fast"), Thing("pool", "large"))
    done = apply(here, run)
    assert (done.status, done.exit_code) == (Status.ROLLED_BACK, 1)
    assert done.error
    assert "QUOTA_EXCEEDED: 0 of 8 CPUs" in done.error.summary
    assert here.provider.things() == {}
    assert [item["thing"] for item in here.provider.operations().values()] == ["disk", "pool", "disk"]


def test_an_operation_that_fails_alone_has_changed_nothing(here: Here) -> None:
    """Exit 3 and `refused` mean that nothing was changed."""
    here.provider.errors = [("INVALID", None)]
    run = here.inside.begin(Thing("pool", "large"))
    done = apply(here, run)
    assert (done.status, done.exit_code) == (Status.REFUSED, 3)
    assert here.kinds(run)[-1] == "change.withdrawn"


def test_what_a_failed_operation_has_left_is_put_back(here: Here) -> None:
    """A half-made thing is ours: it is on record, cannot be resumed, and goes with the rollback."""
    here.provider.errors = [("STOCKOUT", "half")]
    run = here.inside.begin(Thing("pool", "large"))
    done = apply(here, run)
    assert (done.status, here.provider.things()) == (Status.ROLLED_BACK, {})
    assert here.kinds(run)[2:4] == ["change.failed", "undo.intended"]


def test_what_failed_while_nobody_looked_is_not_repeated(here: Here) -> None:
    """A resume tells why and leaves it to a rollback; the rollback has nothing to put back."""
    here.provider.held.set()
    run = here.inside.begin(Thing("pool", "large"))
    assert dies(here.inside, run, lambda run: apply(here, run), lambda name: name == "after change.submitted")
    here.provider.errors = [("STOCKOUT", None)]
    here.provider.held.clear()
    refused = here.resume(run)
    assert isinstance(refused, Refused)
    assert "STOCKOUT" in refused.summary
    assert len(here.provider.operations()) == 1
    undone = here.inside.rollback(run)
    assert isinstance(undone, Outcome)
    assert (undone.exit_code, here.provider.things()) == (0, {})


def test_half_of_a_change_cannot_be_resumed(here: Here) -> None:
    """What a failed operation has left is no change that is done."""
    here.provider.held.set()
    run = here.inside.begin(Thing("pool", "large"))
    assert dies(here.inside, run, lambda run: apply(here, run), lambda name: name == "after change.submitted")
    here.provider.errors = [("STOCKOUT", "half")]
    here.provider.held.clear()
    assert isinstance(here.resume(run), Refused)
    assert isinstance(here.resume(run), Refused)
    shown = verify_run(here.inside.load(run), here.inside.api, Silent(), 0)
    assert (shown.status, (shown.verify or {})["checks"][0]["status"]) == (Status.UNHEALTHY, "failing")
    assert "STOCKOUT" in (shown.verify or {})["checks"][0]["detail"]
    undone = here.inside.rollback(run)
    assert isinstance(undone, Outcome)
    assert (undone.exit_code, here.provider.things()) == (0, {})


def test_an_operation_that_takes_too_long_is_resumed_later(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process stops waiting, the operation goes on."""
    monkeypatch.setattr(Thing, "longest", 0.3)
    here.provider.held.set()
    run = here.inside.begin(Thing("pool", "large"))
    done = apply(here, run)
    assert isinstance(done.error, Interrupted)
    assert (done.status, done.exit_code) == (Status.FAILED, 1)
    here.provider.held.clear()
    resumed = here.resume(run)
    assert isinstance(resumed, Outcome)
    assert (resumed.exit_code, len(here.provider.operations())) == (0, 1)


def test_ctrl_c_while_an_operation_runs(here: Here) -> None:
    """The run says that it can be resumed or rolled back, and what may be in place."""

    class Impatient(Silent):
        def underway(self, change: Any, operation: Any, seconds: float) -> None:
            raise KeyboardInterrupt

    run = here.inside.begin(Thing("pool", "large"))
    done = apply(here, run, Impatient())
    assert isinstance(done.error, Interrupted)
    assert "thing/pool" in done.error.detail
    resumed = here.resume(run)
    assert isinstance(resumed, Outcome)
    assert (resumed.exit_code, here.provider.things()) == (0, {"pool": "large"})


def test_another_operation_is_waited_for(here: Here) -> None:
    """Who it is is told; the plan is looked at again, and carried out."""
    here.provider.held.set()
    here.provider.note("operation-1", {"thing": "other", "value": "x", "state": "RUNNING", "percent": 50})

    class Releasing(Watching):
        def held_up(self, by: str, since: float, left: float) -> None:
            super().held_up(by, since, left)
            here.provider.held.clear()

    run, watching = here.inside.begin(Thing("pool", "large")), Releasing()
    assert apply(here, run, watching).exit_code == 0
    assert watching.kept_off[0] == "operation-1 runs there"
    assert here.provider.things() == {"pool": "large", "other": "x"}


def test_another_operation_that_changes_ours_makes_the_plan_stale(here: Here) -> None:
    """What was planned is not forced on what somebody else has made meanwhile."""
    here.provider.note("operation-1", {"thing": "pool", "value": "theirs", "state": "RUNNING", "percent": 0})
    run = here.inside.begin(Thing("pool", "large"))
    done = apply(here, run)
    assert isinstance(done.error, StalePlan)
    assert (done.exit_code, here.provider.things()) == (3, {"pool": "theirs"})


def test_another_operation_is_waited_for_so_long_and_no_longer(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the run is refused, and has changed nothing."""
    monkeypatch.setattr(writing, "OCCUPIED_SECONDS", 0.5)
    here.provider.held.set()
    here.provider.note("operation-1", {"thing": "other", "value": "x", "state": "RUNNING", "percent": 50})
    done = apply(here, here.inside.begin(Thing("pool", "large")))
    assert (done.status, done.exit_code) == (Status.REFUSED, 3)
    assert done.error
    assert "operation-1 runs there" in done.error.summary


def test_an_operation_that_is_forgotten_is_judged_by_what_is_there(here: Here) -> None:
    """An API keeps its operations for some days; who resumes later looks at the thing."""
    run = here.inside.begin(Thing("pool", "large"))
    assert dies(here.inside, run, lambda run: apply(here, run), lambda name: name == "before change.done")
    here.provider.note(next(iter(here.provider.operations())), None)
    resumed = here.resume(run)
    assert isinstance(resumed, Outcome)
    assert (resumed.exit_code, here.provider.operations()) == (0, {})


def test_somebody_elses_value_is_left_alone(here: Here) -> None:
    """Neither what was there nor what the operation makes: a rollback has drifted."""
    here.provider.set("pool", "small")
    run = here.inside.begin(Thing("pool", "large"))
    assert dies(here.inside, run, lambda run: apply(here, run), lambda name: name == "before change.done")
    here.provider.set("pool", "theirs")
    refused = here.inside.rollback(run)
    assert isinstance(refused, Drifted)
    assert "/value" in f"{refused.summary} {refused.detail}"
    assert here.provider.things() == {"pool": "theirs"}


def test_the_lock_is_kept_while_an_operation_runs(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation takes longer than a lock lasts that nobody renews; another run is kept off all the time."""
    monkeypatch.setattr(locks, "_BEAT_SECONDS", 0.2)
    lease, held = list[str](), here.inside.begin(Thing("pool", "large"))
    here.provider.held.set()
    seen: list[float] = []

    class Looking(Silent):
        def underway(self, change: Any, operation: Any, seconds: float) -> None:
            lease.extend(item["spec"]["renewTime"] for item in here.leases())
            seen.append(seconds)
            if seconds > 1.5:
                here.provider.held.clear()

    assert apply(here, held, Looking()).exit_code == 0
    assert len(set(lease)) > 3
    assert here.leases() == []


def test_progress_fits_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """State and percent, as far as the API tells them, in 80 columns; one that is over in a second is not told."""
    address = "node-pool/europe-west3/example/a-pool-with-a-name-of-many-words"
    change, progress = Change.between(address, None, {"a": 1}), Progress(quiet=False)
    progress.underway(change, Underway("RUNNING", 40), 0.5)
    assert capsys.readouterr().err == ""
    progress.underway(change, Underway("RUNNING", 40), 12.3)
    first = capsys.readouterr().err
    assert "waiting 12 s: RUNNING 40 %: creating" in first
    assert max(map(len, first.splitlines())) <= 80
    Progress(quiet=False).underway(change, Underway(), 12.3)
    assert "waiting 12 s: under way: creating" in capsys.readouterr().err
    Progress(quiet=True).underway(change, Underway(), 12.3)
    assert capsys.readouterr().err == ""


def test_waits_grow_and_stay_bounded() -> None:
    """The first looks come quickly, later ones not more often than every ten seconds."""
    waits = long_write.pauses()
    first = [next(waits) for _ in range(30)]
    assert first[0] == pytest.approx(0.2)
    assert first == sorted(first)
    assert max(first) == pytest.approx(10.0)
