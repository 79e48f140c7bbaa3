"""What every store of runs has to do; one that is added is added to `STORES`, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from remediation.journal import Anchor, Journal, opened
from remediation.journal.holder import holder, is_dead
from remediation.model.errors import LockLost, Refused, Tampered, UsageProblem
from tests.entries import enter

# How a store is named in a folder of its own: twice the same name is the same store.
STORES: dict[str, Callable[[Path], str]] = {"sqlite": lambda folder: str(folder / "j.db")}


@pytest.fixture(params=STORES)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The name of an empty store."""
    return STORES[request.param](tmp_path)


def filled(where: str) -> Journal:
    journal = opened(where)
    for number in range(6):
        kind = "run.created" if number < 2 else "change.done" if number < 4 else "run.status"
        enter(journal, f"run-{number % 2}", kind, {"number": number, "text": "ä", "status": "verified"})
    return journal


def test_entries_read_back_in_order(where: str) -> None:
    """Those of a run, of a kind, or all come back oldest first, on a later day too; each run counts its own."""
    filled(where).close()
    journal = opened(where)
    assert [(event.sequence, event.payload["number"]) for event in journal.events("run-0")] == [(1, 0), (2, 2), (3, 4)]
    assert [event.run_id for event in journal.events(kind="run.created")] == ["run-0", "run-1"]
    assert [event.payload["number"] for event in journal.events()] == list(range(6))
    assert journal.event(journal.events("run-1")[1].position) == journal.events("run-1")[1]
    assert journal.intact("run-0") == journal.events("run-0")
    assert (journal.verify().entries, journal.verify().runs) == (6, 2)


def test_times_are_the_clock_of_the_store(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose own clock is wrong, or jumps back, writes the right time and the right order."""
    journal, true = opened(where), time.time()
    for wrong in (true + 3600, true - 86400):
        monkeypatch.setattr(time, "time", lambda wrong=wrong: wrong)
        enter(journal, "run", "change.done" if journal.count_runs() else "run.created", {})
    monkeypatch.undo()
    assert [event.sequence for event in journal.events("run")] == [1, 2]
    assert all(abs(event.time - true) < 60 for event in journal.events("run"))


def test_who_was_overtaken_writes_nothing(where: str) -> None:
    """Of two processes with the same run and the same acquisition, the one that does not know the last entry is stopped."""
    one, two = opened(where), opened(where)
    enter(one, "run", "run.created", {})
    epoch = one.leases.next_epoch("run")
    one.append("run", "change.intended", {"index": 0}, sequence=2, epoch=epoch)
    for sequence in (1, 2, 4):
        with pytest.raises(LockLost, match="another process has taken over run run"):
            two.append("run", "change.intended", {"index": 1}, sequence=sequence, epoch=epoch)
    two.append("run", "change.done", {"index": 0}, sequence=3, epoch=epoch)
    assert [event.kind for event in one.intact("run")] == ["run.created", "change.intended", "change.done"]


def test_who_has_lost_its_locks_writes_nothing(where: str) -> None:
    """An entry of an earlier acquisition is refused although its number is the next one; other runs are not concerned."""
    journal = opened(where)
    for run in ("run", "other"):
        enter(journal, run, "run.created", {})
    first, second = journal.leases.next_epoch("run"), journal.leases.next_epoch("run")
    with pytest.raises(LockLost):
        journal.append("run", "change.intended", {}, sequence=2, epoch=first)
    with pytest.raises(LockLost):
        journal.append("run", "change.intended", {}, sequence=2)
    journal.append("run", "change.intended", {}, sequence=2, epoch=second)
    journal.append("other", "change.intended", {}, sequence=2)
    assert journal.verify().entries == 4


def test_a_run_is_begun_before_anything_else(where: str) -> None:
    """Nothing can be added to a run that there is not."""
    with pytest.raises(LockLost):
        opened(where).append("run", "run.created", {}, sequence=1)
    assert opened(where).verify().entries == 0


def test_no_two_runs_have_one_id(where: str) -> None:
    """An id that is taken is drawn again; by its name a run is begun only once."""
    journal = opened(where)
    ids = iter(["a", "a", "a", "b"])
    began = [journal.begin(lambda: next(ids), lambda run_id: {"mine": run_id}) for _ in range(2)]
    assert [(event.run_id, event.payload["mine"]) for event in began] == [("a", "a"), ("b", "b")]
    with pytest.raises(Refused, match="there is a run a already"):
        journal.begin(lambda: "a", lambda _: {})
    assert journal.verify().entries == 2


_RACE = """
import sys
from remediation.journal import opened
from remediation.model.errors import LockLost, Refused
journal, me, won = opened(sys.argv[1]), sys.argv[2], []
for number in range(30):
    try:
        journal.begin(lambda: f"run-{number}", lambda _: {"by": me})
        won.append(number)
    except Refused:
        pass
    known = len(journal.events("shared"))
    try:
        journal.append("shared", "check.passed", {"by": me}, sequence=known + 1)
    except LockLost:
        pass
    journal.append(f"own-{me}", "change.done", {"n": number}, sequence=number + 2)
print(won)
"""


def test_processes_race(where: str) -> None:
    """Four of them: each id goes to one, no entry is lost or added twice, and every chain is whole."""
    journal = opened(where)
    for run in ("shared", *(f"own-{me}" for me in range(4))):
        enter(journal, run, "run.created", {})
    racing = [
        subprocess.Popen([sys.executable, "-c", _RACE, where, str(me)], stdout=subprocess.PIPE) for me in range(4)
    ]
    won = [json.loads(process.communicate(timeout=60)[0]) for process in racing]
    assert [process.returncode for process in racing] == [0] * 4
    assert sorted(number for each in won for number in each) == list(range(30))
    assert [len(journal.intact(f"own-{me}")) for me in range(4)] == [31] * 4
    assert [event.sequence for event in journal.events("shared")] == list(range(1, len(journal.events("shared")) + 1))
    assert journal.verify().runs == 35


def test_entries_about_the_store(where: str) -> None:
    """They are of no run, and no list of runs has them."""
    journal = opened(where)
    for kind in ("store.paused", "store.unpaused"):
        assert journal.remark(kind, {"reason": "x"}).run_id == ""
    assert (journal.count_runs(), journal.runs(), journal.verify().entries, journal.verify().runs) == (0, [], 2, 0)


def test_any_text_can_be_kept(where: str) -> None:
    """Half of a surrogate pair, which file names and words of a command line may hold, comes back as it was."""
    journal = opened(where)
    text = "\udcff\ud800 ü \U0001f600\n\0"
    enter(journal, "run", "run.created", {"reason": text, "holder": text, "runbook": text})
    enter(journal, "run", "run.status", {"status": text})
    assert journal.setting("paused", text) == text
    again = opened(where)
    assert again.events("run")[0].payload["reason"] == text
    assert again.runs()[0].about["runbook"] == text
    assert again.verify().entries == 2
    with pytest.raises(Refused):
        again.find(text)


def test_fingerprints_belong_to_one_store(where: str, tmp_path: Path) -> None:
    """The key with which secrets are shown stays the same in a store and differs between stores."""
    assert opened(where).digest_key() == opened(where).digest_key()
    assert opened(where).digest_key() != opened(tmp_path / "other.db").digest_key()


def test_a_run_is_found_by_its_start(where: str) -> None:
    """The start of an id is enough when it is unique; last is the newest."""
    journal = filled(where)
    assert journal.find("run-1") == "run-1" == journal.find("last")
    for text in ("run-", "nothing"):
        with pytest.raises(Refused):
            journal.find(text)


def test_no_id_names_no_run(where: str) -> None:
    """An empty variable of a script must not stand for the only run that there is."""
    journal = opened(where)
    enter(journal, "run-1", "run.created", {})
    with pytest.raises(Refused, match="there is no run ''"):
        journal.find("")


def test_the_list_of_runs(where: str) -> None:
    """It says what the entries say: how a run ended, and that it goes on after a resume."""
    journal = filled(where)
    assert [(item.run_id, item.status) for item in journal.runs()] == [("run-1", "verified"), ("run-0", "verified")]
    enter(journal, "run-0", "run.resumed", {"holder": "me"})
    assert [(item.run_id, item.holder) for item in journal.runs(None, "running")] == [("run-0", "me")]
    assert [item.run_id for item in journal.runs(1)] == ["run-1"]
    assert journal.with_entry("change.done") == ["run-1", "run-0"]


def test_what_was_begun_after(where: str) -> None:
    """Of the other runs, those that have begun to change an object since."""
    journal = opened(where)
    for run in ("a", "b", "c"):
        enter(journal, run, "run.created", {})
    for run, address in (("a", "x"), ("b", "x"), ("c", "y"), ("c", "x")):
        enter(journal, run, "change.intended", {"address": address})
    mine = journal.events("a")[-1].position
    assert journal.began_after(mine, "a", "x") == ["c", "b"]
    assert journal.began_after(mine, "a", "y") == ["c"]
    assert journal.began_after(journal.events("c")[-1].position, "a", "x") == []


def test_an_anchor_that_was_kept_elsewhere(where: str) -> None:
    """A journal that goes on has it still; another one, with the same runs, has not."""
    journal = filled(where)
    kept = Anchor.read(str(journal.anchor()))
    enter(journal, "run-2", "run.created", {})
    assert journal.verify(kept).head != kept
    for other in (Anchor(kept.number, "0" * 64), Anchor(kept.number + 1, kept.digest), Anchor(99, kept.digest)):
        with pytest.raises(Tampered, match="does not have the anchor"):
            journal.verify(other)
    for text in ("", "1", "1:", "x:" + kept.digest, kept.digest):
        with pytest.raises(UsageProblem):
            Anchor.read(text)


@pytest.mark.parametrize("address", ["postgresql://db.example.com/runs", "https://192.0.2.1/x"])
def test_an_address_that_no_store_has(address: str) -> None:
    """It is told in a sentence, and no file of that name is made."""
    with pytest.raises(UsageProblem, match="is not supported; allowed is the path of a SQLite file"):
        opened(address)
    assert not Path(address.split("/", maxsplit=1)[0]).exists()


def test_who_is_dead() -> None:
    """Only a process of this host that is certainly gone is dead."""
    mine = holder("1", "somebody else", "ip-masq-agent")
    assert not is_dead(mine)
    assert is_dead(mine.rpartition(".")[0] + ".1")
    assert not is_dead("run 1 of me on elsewhere/1 process 1.1")
    # Another host of the same name, whose first process namespace has the same number as ours.
    host, boot, namespace = mine.split(" on ")[1].split()[0].split("/")
    assert Path("/proc/sys/kernel/random/boot_id").read_text().startswith(boot)
    assert not is_dead(f"run 1 of me on {host}/00000000/{namespace} process 1.1")
    assert not is_dead("nonsense")
