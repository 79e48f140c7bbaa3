"""A file that somebody wrote to: whatever was changed, moved, added or taken away is found."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from remediation.engine.overview import lines
from remediation.journal import Journal, opened
from remediation.journal.events import Entry, Head
from remediation.model.errors import Tampered
from tests.entries import enter
from tests.running import Cli

RUNS = ("first", "middle", "newest")
LAST = len(RUNS) - 1


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three runs that have ended, whose entries stand between each other's, and one that has not."""
    path = tmp_path / "j.db"
    journal = opened(path)
    for kind in ("run.created", "change.intended", "change.done", "run.status"):
        for run in RUNS:
            enter(journal, run, kind, {"index": 0, "address": run, "status": "verified"})
    for kind in ("run.created", "change.intended", "change.done"):
        enter(journal, "open", kind, {"index": 0})
    journal.remark("store.paused", {"reason": "x"})
    assert journal.verify().entries == 16
    journal.close()
    return path


def forge(path: Path, statement: str) -> None:
    """Write to the file as somebody who knows SQL."""
    database = sqlite3.connect(path)
    for name in [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
        database.execute(f"DROP TRIGGER {name}")
    database.executescript(statement)
    database.close()


def found(path: Path, run_id: str = "") -> Tampered:
    """Return what the audit says, and require the same of whoever wants to act on the run."""
    journal = opened(path)
    if run_id:
        with pytest.raises(Tampered):
            journal.intact(run_id)
    with pytest.raises(Tampered) as told:
        journal.verify()
    journal.close()
    return told.value


@pytest.mark.parametrize(
    "change",
    [
        "payload = replace(payload, '0', '1')",
        "payload = ' ' || payload",  # the same content in other bytes
        "payload = CAST(payload AS BLOB)",
        "kind = 'x'",
        "run_id = 'x'",
        "run_id = 'open', sequence = 99",
        "time = time + 1",
        "digest = 'x'",
        "previous = 'x'",
        "sequence = 99",
        "position = 99",
    ],
)
@pytest.mark.parametrize("position", [1, 5, 7, 12])
def test_any_changed_entry_is_found(store: Path, change: str, position: int) -> None:
    """Whatever column of whatever entry is changed, if only its bytes: the audit says so, and nobody acts on that run."""
    forge(store, f"UPDATE entries SET {change} WHERE position = {position}")
    found(store, RUNS[(position - 1) % len(RUNS)])


REMOVED = {
    "an entry": "DELETE FROM entries WHERE run_id = 'middle' AND sequence = 2",
    "the first entry": "DELETE FROM entries WHERE run_id = 'middle' AND sequence = 1",
    "the end of a run that has ended": "DELETE FROM entries WHERE run_id = 'middle' AND sequence > 2",
    "the end and the anchors of it": "DELETE FROM entries WHERE run_id = 'middle' AND sequence = 4; DELETE FROM anchors WHERE run_id = 'middle' AND number > 3",
    "the end of a run that goes on": "DELETE FROM entries WHERE run_id = 'open' AND sequence = 3",
    "two entries swapped": "UPDATE entries SET sequence = sequence + 10 WHERE run_id = 'middle' AND sequence IN (2, 3); UPDATE entries SET sequence = 15 - sequence WHERE sequence > 10",
    "a run": "DELETE FROM entries WHERE run_id = 'middle'",
    "a run with its anchors": "DELETE FROM entries WHERE run_id = 'middle'; DELETE FROM anchors WHERE run_id = 'middle'; DELETE FROM summaries WHERE run_id = 'middle'",
    "the newest run with its anchors": "DELETE FROM entries WHERE run_id IN ('open', ''); DELETE FROM anchors WHERE run_id IN ('open', '') AND number > 0; DELETE FROM summaries WHERE run_id = 'open'",
    "every trace of all runs": "DELETE FROM entries; DELETE FROM anchors; DELETE FROM summaries",
    "a run from the list": "DELETE FROM summaries WHERE run_id = 'middle'",
    "a run under another id": "UPDATE entries SET run_id = 'other' WHERE run_id = 'middle'; UPDATE anchors SET run_id = 'other' WHERE run_id = 'middle'; UPDATE summaries SET run_id = 'other' WHERE run_id = 'middle'",
    "an anchor": "DELETE FROM anchors WHERE number = 2",
    "the first anchor": "DELETE FROM anchors WHERE number = 0",
    "the last anchor": "DELETE FROM anchors WHERE number = (SELECT max(number) FROM anchors)",
    "a changed anchor": "UPDATE anchors SET entry = 'x' WHERE number = 2",
    "an entry of another run": "INSERT INTO entries SELECT 100, run_id, 5, time, kind, payload, previous, digest FROM entries WHERE position = 2",
    "an entry about the store": "DELETE FROM entries WHERE run_id = ''",
}


@pytest.mark.parametrize("what", REMOVED)
def test_what_was_taken_away_or_moved_is_found(store: Path, what: str) -> None:
    """By the audit, which ends with exit 1 and one sentence."""
    forge(store, REMOVED[what])
    found(store)
    done = Cli(store.parent, "--store", str(store))("audit", "verify").expect(1).json
    assert done["status"] == "failed"
    assert "is not as it was written" in done["error"]["summary"] or "not there any more" in done["error"]["summary"]


def test_an_entry_that_was_added_is_found(store: Path) -> None:
    """Also one that hashes to the end of a run: neither the list nor the chain over all runs has it."""
    database = sqlite3.connect(store)
    for run in ("middle", "open"):
        head = database.execute(
            "SELECT sequence, digest FROM entries WHERE run_id = ? ORDER BY sequence DESC", (run,)
        ).fetchone()
        entry = Entry.after(Head(*head), 100 + len(run), run, 1, "change.done", "{}")
        database.execute("INSERT INTO entries VALUES (?,?,?,?,?,?,?,?)", entry)
    planted = Entry.after(Head(0, "0" * 64), 200, "planted", 1, "run.created", "{}")
    database.execute("INSERT INTO entries VALUES (?,?,?,?,?,?,?,?)", planted)
    database.commit()
    database.close()
    journal = opened(store)
    for run in ("middle", "open", "planted"):
        with pytest.raises(Tampered):
            journal.intact(run)
    assert journal.intact("first")
    found(store)


def anew(journal: Journal, path: Path, without: str) -> Journal:
    """Write a journal with all runs but one, as somebody would who has this program."""
    other = opened(path)
    for event in journal.events():
        if not event.run_id:
            other.remark(event.kind, event.payload)
        elif event.run_id != without:
            enter(other, event.run_id, event.kind, event.payload)
    return other


def test_a_journal_that_was_written_anew(store: Path) -> None:
    """It is whole, and only an anchor that was kept elsewhere shows it."""
    kept = opened(store).anchor()
    other = anew(opened(store), store.with_name("anew.db"), "middle")
    assert other.verify().runs == len(RUNS)
    with pytest.raises(Tampered, match="does not have the anchor"):
        other.verify(kept)
    cli = Cli(store.parent, "--store", str(store))
    printed = cli("audit", "anchor", json_output=False).expect(0).out.strip()
    assert (
        printed == str(kept) == cli("audit", "verify").expect(0).json["head"] == cli("audit", "anchor").json["anchor"]
    )
    cli("audit", "verify", "--anchor", printed).expect(0)
    cli("audit", "verify", "--anchor", printed.replace(":", ":0")[:-1]).expect(1)
    cli("audit", "verify", "--anchor", "nonsense").expect(2)


def test_a_copy_that_was_taken_while_it_was_used(tmp_path: Path) -> None:
    """It is an earlier state that is whole, or refused in a sentence; the copy lacks the anchor that came after it."""
    path = tmp_path / "j.db"
    journal = opened(path)
    for number in range(40):
        enter(journal, f"run-{number}", "run.created", {"text": "x" * 3000})
        if number == 20:
            for file in tmp_path.glob("j.db*"):
                shutil.copy(file, tmp_path / f"copy-{file.name}")
            shutil.copy(path, tmp_path / "alone.db")
    for copy in ("copy-j.db", "alone.db"):
        taken = opened(tmp_path / copy)
        assert taken.verify().runs <= 21
        with pytest.raises(Tampered):
            taken.verify(journal.anchor())
    assert journal.verify(opened(tmp_path / "copy-j.db").anchor()).runs == 40


@pytest.mark.parametrize("table", ["entries", "anchors", "former_events"])
def test_entries_cannot_be_changed_by_accident(store: Path, table: str) -> None:
    """The database itself refuses to update or delete one."""
    database = sqlite3.connect(store)
    database.execute("INSERT INTO former_events VALUES (1, 'x', 1.0, 'x', '{}', 'x', 'x')")
    for statement in (f"UPDATE {table} SET digest = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
    database.close()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """The file is for its owner alone."""
    opened(tmp_path / "folder" / "j.db")
    assert stat.S_IMODE(os.stat(tmp_path / "folder" / "j.db").st_mode) == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        "about = '{'",
        "about = '7'",
        "about = CAST(x'7bff7d' AS TEXT)",
        "verify = '}{'",
        "verify = '{\"checks\": [1]}'",
        "shapes = '['",
        "shapes = '7'",
        "started = 'x'",
        "finished = 'x'",
        "about = printf('%.*c', 100000, '[')",
    ],
)
def test_a_damaged_row_hides_no_other_run_and_stops_none(store: Path, damage: str) -> None:
    """It is listed as what it is; its run goes on, whose entries are as they were."""
    forge(store, f"UPDATE summaries SET {damage} WHERE run_id = 'open'")
    journal = opened(store)
    found = {line["run_id"]: line for line in lines(journal)}
    assert set(found) == {*RUNS, "open"}
    assert "its row in the list of runs is damaged" in found["open"]["error"]["summary"]
    assert "damaged" not in str(found["middle"])
    enter(journal, "open", "run.status", {"status": "verified", "verify": None})
    journal.close()


def test_a_run_that_the_list_says_has_ended_is_found(store: Path) -> None:
    """Nobody would look for what it has left half-way."""
    forge(store, "UPDATE summaries SET status = 'verified' WHERE run_id = 'open'")
    assert "of run open" in found(store).summary


def test_a_store_without_its_chain_takes_nothing(store: Path) -> None:
    """It says what is wrong, and not that there is a bug."""
    forge(store, "DELETE FROM anchors")
    journal = opened(store)
    with pytest.raises(Tampered):
        enter(journal, "open", "change.done", {"index": 0})
    journal.close()
