"""The list of runs on a terminal: which, how old, how it ended, who, what, where and with which parameters."""

from __future__ import annotations

import shlex
import time
from contextlib import suppress
from datetime import datetime

from remediation.catalogue import index
from remediation.cli.console import one_line, style
from remediation.cli.layout import labelled
from remediation.model.diffing import State
from remediation.verbs.parameters import option_words

_COLUMNS = ("RUN", "AGE", "STATUS", "BY")
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
# The longest name of a runbook stays on the first line beside a column of this width.
_WIDEST_ACTOR = 12


def table(lines: list[State]) -> list[str]:
    """Return a header and two lines for each run: what a person looks for first, and where and with what it was run."""
    now, known = time.time(), {entry["name"]: entry["parameters"] for entry in index.entries()}
    cells = [(line["run_id"], _age(line, now), in_short(line), str(line["actor"] or "")) for line in lines]
    widths = [max(len(name), *(len(row[number]) for row in cells)) for number, name in enumerate(_COLUMNS)]
    widths[-1] = min(widths[-1], _WIDEST_ACTOR)
    found = [style(_row(_COLUMNS, widths) + "RUNBOOK", bold=True)]
    for row, line in zip(cells, lines, strict=True):
        found += _run(line, _row(row, widths), widths[0] + 2, known)
    return found


def _row(cells: tuple[str, ...], widths: list[int]) -> str:
    return "".join(f"{one_line(text):<{width}}  " for text, width in zip(cells, widths, strict=True))


def _run(line: State, row: str, indent: int, known: dict[str, list[State]]) -> list[str]:
    name = f"{line['run_id']}  "
    if error := line.get("error"):
        return labelled(name, error["summary"].removeprefix(f"run {line['run_id']} "))
    target = line["target"] or {}
    where = f"on {target.get('context') or target.get('project') or 'an unknown target'}"
    words = _words(known.get(line["runbook"]), line["parameters"])
    return [*labelled(row, line["runbook"] or ""), *labelled(" " * indent, f"{where}: {words}" if words else where)]


def _words(parameters: list[State] | None, recorded: object) -> str:
    """Return parameters as they were typed; those of a runbook that is not here any more as they were recorded."""
    if not isinstance(recorded, dict):
        return ""
    with suppress(TypeError, AttributeError):  # of a kind that the runbook does not take
        if parameters is not None:
            return shlex.join(option_words(parameters, recorded))
    return " ".join(f"{name}={value}" for name, value in recorded.items() if value is not None)


def in_short(line: State) -> str:
    """Return the status; of a run that not everything proved, how much did."""
    counted = (line["proven"] or "").partition(" proven")[0]
    status = str(line["status"]).replace("_", " ")
    return f"{status}, {counted}" if status == "applied" and counted else status


def _age(line: State, now: float) -> str:
    return age(datetime.fromisoformat(line["started"]).timestamp(), now) if line["started"] else "?"


def age(since: float, now: float) -> str:
    """Return how long ago something was, in its largest unit: ``12m``."""
    seconds = max(now - since, 0)
    unit, size = next((item for item in _UNITS if seconds >= item[1]), _UNITS[-1])
    return f"{seconds // size:.0f}{unit}"
