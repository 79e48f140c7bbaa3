"""The journal keeps what was written, shows what was changed, and lends leases."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from remediation.journal import Journal, opened
from remediation.journal.holder import holder, is_dead
from remediation.model.errors import Refused, Tampered


def filled(path: Path) -> Journal:
    journal = opened(path)
    for number in range(5):
        journal.append(
            f"run-{number % 2}", "run.created" if number < 2 else "change.done", {"number": number, "text": "ä"}
        )
    return journal


def test_events_read_back_in_order(tmp_path: Path) -> None:
    """Events of a run, of a kind, or all come back oldest first, on a later day too."""
    filled(tmp_path / "j.db").close()
    journal = opened(tmp_path / "j.db")
    assert [event.payload["number"] for event in journal.events("run-0")] == [0, 2, 4]
    assert [event.run_id for event in journal.events(kind="run.created")] == ["run-0", "run-1"]
    assert journal.verify()[0] == 5


@pytest.mark.parametrize(
    "change",
    ["payload = '{}'", "kind = 'x'", "run_id = 'x'", "time = 1.5", "digest = 'x'", "previous = 'x'", "sequence = 99"],
)
@pytest.mark.parametrize("row", [1, 3, 5])
def test_any_changed_row_is_found(tmp_path: Path, change: str, row: int) -> None:
    """Whatever column of whatever row is changed, the audit names it."""
    filled(tmp_path / "j.db").close()
    database = sqlite3.connect(tmp_path / "j.db")
    database.executescript(f"DROP TRIGGER events_stay; UPDATE events SET {change} WHERE sequence = {row};")
    database.close()
    with pytest.raises(Tampered, match="was changed after it was written"):
        opened(tmp_path / "j.db").verify()


def test_a_missing_row_is_found(tmp_path: Path) -> None:
    """A row that was taken out of the middle breaks the chain."""
    filled(tmp_path / "j.db").close()
    database = sqlite3.connect(tmp_path / "j.db")
    database.executescript("DROP TRIGGER events_last; DELETE FROM events WHERE sequence = 2;")
    database.close()
    with pytest.raises(Tampered):
        opened(tmp_path / "j.db").verify()


def test_events_cannot_be_changed_by_accident(tmp_path: Path) -> None:
    """The database itself refuses to update or delete an event."""
    filled(tmp_path / "j.db").close()
    database = sqlite3.connect(tmp_path / "j.db")
    for statement in ("UPDATE events SET kind = 'x'", "DELETE FROM events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
    database.close()


def test_two_processes_append_to_one_chain(tmp_path: Path) -> None:
    """Concurrent writers never fork the chain."""
    path = tmp_path / "j.db"
    opened(path).close()
    code = f"from pathlib import Path\nfrom remediation.journal import Journal\nj = opened(Path({str(path)!r}))\nfor n in range(40): j.append('r', 'k', {{'n': n}})"
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert opened(path).verify()[0] == 80


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """The file is for its owner alone."""
    opened(tmp_path / "folder" / "j.db")
    assert stat.S_IMODE(os.stat(tmp_path / "folder" / "j.db").st_mode) == 0o600


def test_fingerprints_belong_to_one_store(tmp_path: Path) -> None:
    """The key with which secrets are shown stays the same in a store and differs between stores."""
    one = opened(tmp_path / "one.db")
    assert one.digest_key() == opened(tmp_path / "one.db").digest_key()
    assert one.digest_key() != opened(tmp_path / "two.db").digest_key()


def test_a_run_is_found_by_its_start(tmp_path: Path) -> None:
    """The start of an id is enough when it is unique; last is the newest."""
    journal = filled(tmp_path / "j.db")
    assert journal.find("run-1") == "run-1" == journal.find("last")
    for text in ("run-", "nothing"):
        with pytest.raises(Refused):
            journal.find(text)


def test_no_id_names_no_run(tmp_path: Path) -> None:
    """An empty variable of a script must not stand for the only run that there is."""
    journal = opened(tmp_path / "j.db")
    journal.append("run-1", "run.created", {})
    with pytest.raises(Refused, match="there is no run ''"):
        journal.find("")


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
