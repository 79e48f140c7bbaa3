"""Measure what a long history costs: lists, completion and the search for one run in a journal of ten thousand.

    .venv/bin/python benchmarks/history.py [--count 10000] [--runs 5]

The runs are those of a journal that is kept as test data, entered again and again under new ids. Each command is a new
process; the most it may take is the contract's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from remediation.journal.events import START
from remediation.journal.sqlite.adding import Draft, add
from remediation.journal.sqlite.store import SqliteJournal

ROOT = Path(__file__).resolve().parent.parent
RECORDED = sorted((ROOT / "tests" / "journals").glob("*/*.json"))
RUNBOOK = Path(sys.executable).with_name("runbook")
MOST_SECONDS = 0.3
COMMANDS = {
    "runs": ["runs"],
    "runs -o json": ["runs", "-o", "json"],
    "runs last": ["runs", "last"],
    "one run by its start": ["runs", "20260101-000042"],
}


def _recorded() -> list[list[dict[str, Any]]]:
    """Return the entries of every recorded run."""
    documents = [json.loads(path.read_text("utf-8")) for path in RECORDED]
    return [_whole(ending["events"], document["same"]) for document in documents for ending in document["endings"]]


def _whole(value: Any, same: list[Any]) -> Any:
    if isinstance(value, dict):
        return (
            _whole(same[value["$same"]], same) if "$same" in value else {k: _whole(v, same) for k, v in value.items()}
        )
    return [_whole(item, same) for item in value] if isinstance(value, list) else value


def fill(path: Path, count: int) -> None:
    """Write a journal with so many runs, and what the journal itself keeps about them."""
    journal, recorded = SqliteJournal(path), _recorded()
    with journal._database.transaction() as database:
        for number in range(count):
            name, head = f"20260101-{number:06}-00000000", START
            for event in recorded[number % len(recorded)]:
                draft = Draft.of(name, event["kind"], event["payload"])
                head = add(database, draft, head, first=head == START).head
    journal.close()


def seconds(words: list[str], store: Path) -> float:
    """Return how long a command takes as a whole process."""
    started = time.perf_counter()
    subprocess.run([RUNBOOK, *words, "--store", store], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def completion(store: Path) -> float:
    """Return how long <TAB> after ``runbook rollback`` takes."""
    words = f"runbook runs --store {store} "
    env = {"_RUNBOOK_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "4", "PATH": "/usr/bin:/bin"}
    started = time.perf_counter()
    subprocess.run([RUNBOOK], env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> int:
    """Measure, print, and return 0 when everything is fast enough."""
    parser = argparse.ArgumentParser(description="Measure lists of a long history.")
    parser.add_argument("--count", type=int, default=10_000, help="how many runs there are (default 10000)")
    parser.add_argument("--runs", type=int, default=5, help="how often each command is run (default 5)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch, "journal.db")
        fill(store, arguments.count)
        print(f"{arguments.count} runs, {store.stat().st_size / 1e6:.0f} MB")
        measured = {name: [seconds(words, store) for _ in range(arguments.runs)] for name, words in COMMANDS.items()}
        measured["completion"] = [completion(store) for _ in range(arguments.runs)]
    for name, values in measured.items():
        mark = "met   " if statistics.median(values) <= MOST_SECONDS else "MISSED"
        print(f"{mark} {name:<22} median {statistics.median(values):.3f} s, at most {MOST_SECONDS} s")
    return int(any(statistics.median(values) > MOST_SECONDS for values in measured.values()))


if __name__ == "__main__":
    sys.exit(main())
